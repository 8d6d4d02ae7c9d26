-- What `supabase inspect db` and `supabase db lint` ask for and a shared cluster cannot show as it is.

insert into pg_favo.allowed_extensions (name) values ('plpgsql_check') on conflict do nothing;

-- There from the start on Supabase, in this schema. It stays empty (see its control file).
do $$
begin
  if to_regclass('extensions.pg_stat_statements') is null then
    create extension if not exists pg_stat_statements schema extensions;
  end if;
end
$$;

set local allow_system_table_mods = on;

-- The cluster's log is nobody's but the operator's: its state reads as unknown, its folder as empty.
do $$
declare
  hidden record;
  signature text;
  nothing text;
begin
  for hidden in
    select * from (values ('pg_control_checkpoint', '', ''), ('pg_ls_waldir', 'setof', 'where false')) functions (name, kind, rows)
  loop
    select
      string_agg(format('out %I %s', column_name, format_type(type, null)), ', ' order by position),
      string_agg(format('null::%s', format_type(type, null)), ', ' order by position)
    into signature, nothing
    from pg_proc, unnest(proallargtypes, proargnames) with ordinality columns (type, column_name, position)
    where oid = format('pg_catalog.%I()', hidden.name)::regprocedure;
    execute format('alter function pg_catalog.%I() rename to %I', hidden.name, hidden.name || '_raw');
    execute format('create function pg_catalog.%I(%s) returns %s record language sql stable as %L',
      hidden.name, signature, hidden.kind, format('select %s %s', nothing, hidden.rows));
    execute format('revoke all on function pg_catalog.%I() from public', hidden.name);
    execute format('grant execute on function pg_catalog.%I() to postgres, service_role', hidden.name);
  end loop;
end
$$;

-- Of who reads the log of changes, the customer's own sessions. As in 0004.
do $$
declare
  stock text := rtrim(pg_get_viewdef('pg_catalog.pg_stat_replication'::regclass), ';');
  signature text;
  columns text;
begin
  select
    string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' order by attnum),
    string_agg(format('x.%I', attname), ', ' order by attnum)
  into signature, columns
  from pg_attribute
  where attrelid = 'pg_catalog.pg_stat_replication'::regclass and attnum > 0 and not attisdropped;
  execute format(
    'create function pg_favo.pg_stat_replication() returns table (%s) language sql stable security definer '
      || 'set search_path = pg_catalog, pg_temp as %L',
    signature,
    format('select %s from (%s) x where x.pid in (select a.pid from pg_favo.pg_stat_activity() a)', columns, stock));
  revoke all on function pg_favo.pg_stat_replication() from public;
  grant execute on function pg_favo.pg_stat_replication() to postgres, service_role;
  create or replace view pg_catalog.pg_stat_replication as select * from pg_favo.pg_stat_replication();
end
$$;

-- To pg_dump this is the initial state, as in 0004.
delete from pg_catalog.pg_init_privs
where classoid = 'pg_proc'::regclass
  and objoid in (
    select oid from pg_proc where pronamespace = 'pg_catalog'::regnamespace and proname ~ '^pg_(control_checkpoint|ls_waldir)(_raw)?$'
  );
insert into pg_catalog.pg_init_privs (objoid, classoid, objsubid, privtype, initprivs)
select oid, 'pg_proc'::regclass, 0, 'i', proacl
from pg_proc
where pronamespace = 'pg_catalog'::regnamespace and proname ~ '^pg_(control_checkpoint|ls_waldir)(_raw)?$'
  and proacl is not null;

-- Clients know their database as `postgres`, the name by which the gateway takes them to it.
create or replace function pg_catalog.pg_database_size(name) returns bigint
language plpgsql strict security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if $1 not in (current_database(), 'postgres') then
    raise insufficient_privilege using message = format('permission denied for database %s', $1);
  end if;
  return pg_database_size_raw(current_database());
end
$$;
