-- The schemas that a Supabase database starts with, their owners and grants. Tables of auth, storage and realtime come
-- with the services' own migrations.

-- public belongs to the customer, down to dropping it.
alter schema public owner to postgres;
revoke create on schema public from public;
grant usage on schema public to anon, authenticated, service_role;
grant all on schema public to postgres, supabase_admin;

create schema extensions;
grant usage, create on schema extensions to postgres;
grant usage on schema extensions
  to anon, authenticated, service_role, supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin;
grant all on schema extensions to dashboard_user;

create schema auth authorization supabase_auth_admin;
grant usage on schema auth to anon, authenticated, service_role, postgres;
grant all on schema auth to dashboard_user;

create schema storage authorization supabase_storage_admin;
grant usage on schema storage to anon, authenticated, service_role, postgres;
grant all on schema storage to dashboard_user;

create schema realtime authorization supabase_realtime_admin;
grant usage on schema realtime to anon, authenticated, service_role, postgres, dashboard_user;

create schema graphql authorization supabase_admin;
create schema graphql_public authorization supabase_admin;
grant usage on schema graphql, graphql_public to anon, authenticated, service_role, postgres;
grant create on schema graphql to postgres;

create schema vault authorization supabase_admin;
grant usage, create on schema vault to postgres;

create schema supabase_migrations authorization postgres;

-- Two extensions are there from the start, as on Supabase.
create extension "uuid-ossp" schema extensions;
create extension pgcrypto schema extensions;

-- Owned by postgres, so that `alter publication supabase_realtime add table …` works.
create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;

-- What a Supabase project without pg_graphql answers at /graphql/v1.
create function graphql_public.graphql(
  "operationName" text default null,
  query text default null,
  variables jsonb default null,
  extensions jsonb default null
) returns jsonb language sql stable
return pg_catalog.jsonb_build_object('errors', pg_catalog.jsonb_build_array(
  pg_catalog.jsonb_build_object('message', 'pg_graphql extension is not enabled.')));
alter function graphql_public.graphql(text, text, jsonb, jsonb) owner to supabase_admin;
