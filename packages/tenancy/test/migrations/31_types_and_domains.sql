create domain public.email as extensions.citext check (value ~ '^[^@]+@[^@]+$');
create type public.money_amount as (cents bigint, currency char(3));
create collation if not exists public.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create aggregate public.product (numeric) (sfunc = numeric_mul, stype = numeric, initcond = '1');
create function public.add(a int, b int default 0) returns int immutable
begin atomic
  select a + b;
end;
create procedure public.noop() language plpgsql as $$ begin null; end $$;
call public.noop();
alter type public.app_role add value if not exists 'guest';
