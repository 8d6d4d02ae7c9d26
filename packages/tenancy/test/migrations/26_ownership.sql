create function public.of_admin() returns int language sql as 'select 1';
alter function public.of_admin() owner to supabase_admin;
create schema internal authorization supabase_admin;
alter schema internal owner to postgres;
grant all on schema public to postgres, anon, authenticated, service_role, supabase_admin, dashboard_user;
alter default privileges for role supabase_admin in schema public grant all on functions to service_role;
reassign owned by queue_reader to postgres;
drop owned by queue_reader;
