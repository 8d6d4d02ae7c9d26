create extension if not exists pgjwt with schema extensions;
create extension if not exists pg_graphql with schema graphql;
create extension if not exists "pg_stat_statements" with schema "extensions" version '1.10';
create extension if not exists pgsodium with schema pgsodium;
do $$ begin
  assert (select valid from extensions.verify(extensions.sign('{"sub":"x"}'::json, 'k'), 'k'));
  assert not (select valid from extensions.verify(extensions.sign('{"sub":"x"}'::json, 'k'), 'other'));
  assert (select count(*) from extensions.pg_stat_statements) = 0;
end $$;
comment on extension pgsodium is null;
