create schema if not exists private;
revoke all on schema private from public;
grant usage on schema private to authenticated;
create function private.is_member(team uuid) returns boolean
language sql security definer stable set search_path = '' as $$ select team is not null $$;
revoke all on function private.is_member(uuid) from public, anon;
grant execute on function private.is_member(uuid) to authenticated;
create schema api authorization postgres;
grant usage on schema api to anon, authenticated, service_role;
alter default privileges for role postgres in schema api grant all on tables to anon, authenticated, service_role;
alter default privileges in schema private revoke execute on functions from public;
create table api.things (id int primary key);
do $$ begin assert has_table_privilege('anon', 'api.things', 'select'), 'default privileges'; end $$;
