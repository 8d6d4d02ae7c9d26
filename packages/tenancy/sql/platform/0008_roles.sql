-- Roles that a customer makes. CREATE ROLE itself is out of reach (roles are global: with CREATEROLE each project would
-- administer the roles of all others), so these functions take its place.
--
-- In the cluster such a role is called p_<slug>_r<hash of its name>: a name of the project's own, so that nobody can take
-- it from another tenant or learn that somebody has it, and one that does not show what the customer called it.
-- It is granted to the project's own logins and never to postgres: postgres is shared, so every tenant could become
-- the role, and a role may change its own password.

create table pg_favo.roles (
  name text not null,
  -- Its name in the cluster: the one to use in GRANT, CREATE POLICY and SET ROLE.
  role text not null,
  can_login boolean not null,
  constraint roles_pkey primary key (name)
);
grant select on pg_favo.roles
  to postgres, service_role, supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin;

create function pg_favo.role_name(name text) returns text
language sql stable set search_path = pg_catalog, pg_temp
as $$
  select current_database() || '_r' || left(encode(sha256(convert_to($1, 'UTF8')), 'hex'), 12)
$$;

-- Returns the role's name in the cluster. `password` is text or a SCRAM verifier, as CREATE ROLE takes it.
create function pg_favo.create_role(name text, login boolean default false, password text default null) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  created text := pg_favo.role_name(name);
  database text := current_database();
begin
  if name !~ '^[a-z_][a-z0-9_]{0,62}$' or name ~ '^(pg_|p_|favo|supabase_|pgsodium_)' or name in (
    'anon', 'authenticated', 'service_role', 'authenticator', 'postgres', 'dashboard_user', 'pgbouncer', 'public', 'none'
  ) then
    raise reserved_name using message = format('role name "%s" is reserved', name);
  end if;
  if exists (select from pg_favo.roles where roles.name = create_role.name) then
    raise duplicate_object using message = format('role "%s" already exists', name);
  end if;
  if (select count(*) from pg_favo.roles) >= 20 then
    raise program_limit_exceeded using message = 'a project can have at most 20 roles of its own';
  end if;

  execute format('create role %I nologin', created);
  if login then
    execute format('alter role %I login connection limit 5 password %L', created, password);
    execute format('alter role %I in database %I set statement_timeout = %L', created, database, '2min');
    -- pg_hba admits members of the role that is named like the database.
    execute format('grant %I to %I', database, created);
    execute format('grant connect on database %I to %I', database, created);
  end if;
  execute format('grant %I to %I, %I', created, database || '_db', database || '_own');
  insert into pg_favo.roles (name, role, can_login) values (create_role.name, created, login);
  return created;
end
$$;

-- As DROP ROLE it fails while objects, grants or policies of the project depend on the role.
create function pg_favo.drop_role(name text, missing_ok boolean default false) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  doomed pg_favo.roles;
begin
  delete from pg_favo.roles where roles.name = drop_role.name returning * into doomed;
  if not found then
    if missing_ok then
      return;
    end if;
    raise undefined_object using message = format('role "%s" does not exist', name);
  end if;
  if doomed.can_login then
    execute format('revoke all on database %I from %I', current_database(), doomed.role);
  end if;
  execute format('drop role %I', doomed.role);
  delete from pg_favo.role_settings where role = drop_role.name;
end
$$;

-- GRANT granted TO grantee. To authenticator means: API requests may take the role (by the role claim of a token).
-- service_role is never reachable from the login that serves ordinary callers.
create function pg_favo.grant_role(granted text, grantee text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  source text;
  target text;
begin
  if granted in ('anon', 'authenticated', 'service_role') then
    source := granted;
  else
    select role into source from pg_favo.roles where name = granted;
    if not found then
      raise insufficient_privilege using message = format('permission denied to grant role "%s"', granted);
    end if;
  end if;

  if grantee = 'postgres' then
    return; -- the owner's logins have every role of the project already
  elsif grantee = 'authenticator' and granted <> 'service_role' then
    target := current_database() || '_api';
  else
    select role into target from pg_favo.roles where name = grantee;
    if not found then
      raise insufficient_privilege
        using message = format('permission denied to grant role "%s" to "%s"', granted, grantee);
    end if;
  end if;
  execute format('grant %I to %I', source, target);
end
$$;

revoke all on function pg_favo.role_name(text), pg_favo.create_role(text, boolean, text),
  pg_favo.drop_role(text, boolean), pg_favo.grant_role(text, text) from public;
grant execute on function pg_favo.role_name(text), pg_favo.create_role(text, boolean, text),
  pg_favo.drop_role(text, boolean), pg_favo.grant_role(text, text) to postgres;
