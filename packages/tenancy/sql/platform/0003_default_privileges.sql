-- What newly made objects grant, as on Supabase: tables, functions and sequences in public are open to the API roles, and
-- row level security decides.
alter default privileges for role postgres, supabase_admin in schema public
  grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role postgres, supabase_admin in schema public
  grant all on sequences to postgres, anon, authenticated, service_role;
alter default privileges for role postgres, supabase_admin in schema public
  grant all on functions to postgres, anon, authenticated, service_role;

alter default privileges for role supabase_admin in schema extensions
  grant all on tables to postgres with grant option;
alter default privileges for role supabase_admin in schema extensions
  grant all on sequences to postgres with grant option;
alter default privileges for role supabase_admin in schema extensions
  grant all on functions to postgres with grant option;

alter default privileges for role supabase_auth_admin in schema auth
  grant all on tables to postgres, dashboard_user;
alter default privileges for role supabase_auth_admin in schema auth
  grant all on sequences to postgres, dashboard_user;
alter default privileges for role supabase_auth_admin in schema auth
  grant all on functions to postgres, dashboard_user;

alter default privileges for role postgres, supabase_storage_admin in schema storage
  grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role postgres, supabase_storage_admin in schema storage
  grant all on sequences to postgres, anon, authenticated, service_role;
alter default privileges for role postgres, supabase_storage_admin in schema storage
  grant all on functions to postgres, anon, authenticated, service_role;

alter default privileges for role supabase_realtime_admin in schema realtime
  grant all on tables to postgres, dashboard_user;
alter default privileges for role supabase_realtime_admin in schema realtime
  grant all on sequences to postgres, dashboard_user;
alter default privileges for role supabase_realtime_admin in schema realtime
  grant all on functions to postgres, dashboard_user;
