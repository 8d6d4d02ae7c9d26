-- As on Supabase, the schemas of services belong to supabase_admin and only what is in them to the services. `supabase db
-- reset` and `migration down` go by it: they drop every schema of another owner.
alter schema auth owner to supabase_admin;
alter schema storage owner to supabase_admin;
alter schema realtime owner to supabase_admin;
grant all on schema auth to supabase_auth_admin;
grant all on schema storage to supabase_storage_admin;
grant all on schema realtime to supabase_realtime_admin;
