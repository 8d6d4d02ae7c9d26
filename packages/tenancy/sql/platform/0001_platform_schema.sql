-- pg_favo: the platform's own schema in every project database.
--
-- The name starts with pg_ so that pg_dump and \dn pass over it; making it therefore needs allow_system_table_mods. It
-- belongs to favo_admin. Everybody may look inside, nobody may create there, and each table or function is granted by itself.
set local allow_system_table_mods = on;

create schema pg_favo;
grant usage on schema pg_favo to public;

-- Files that were applied, in the order of their application.
create table pg_favo.migrations (
  component text not null,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null default now(),
  constraint migrations_pkey primary key (component, name)
);

-- Backends that are applying platform migrations just now; the guard lets them change what it protects.
-- A row names the start of the backend as well, so that one left behind by a crash means nobody.
create table pg_favo.maintenance_sessions (
  pid integer not null,
  backend_start timestamptz not null,
  constraint maintenance_sessions_pkey primary key (pid)
);

create function pg_favo.is_maintenance() returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from pg_favo.maintenance_sessions
    where pid = pg_backend_pid()
      and backend_start = (select activity.backend_start from pg_stat_get_activity(pg_backend_pid()) activity)
  )
$$;

-- Writes the record from within the transaction that applied the file. Services' files run as a service role in a session
-- of the project's _svc login (a superuser would run customers' triggers as superuser), hence SECURITY DEFINER.
create function pg_favo.record_migration(component text, name text, checksum text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if session_user <> 'favo_admin' and not pg_favo.is_maintenance() then
    raise insufficient_privilege using message = 'permission denied to record a migration';
  end if;
  insert into pg_favo.migrations (component, name, checksum) values ($1, $2, $3);
end
$$;

revoke all on function pg_favo.is_maintenance(), pg_favo.record_migration(text, text, text) from public;
grant execute on function pg_favo.is_maintenance(), pg_favo.record_migration(text, text, text)
  to supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin;
