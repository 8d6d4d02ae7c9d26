-- What roles of the customer's own are granted, and what they own: GRANT, REVOKE, REASSIGN OWNED, OWNER TO, DROP OWNED.

-- Who is granted what: the two roles of the cluster; both null when there is nothing to do.
create function pg_favo.membership(granted text, grantee text, out source text, out target text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
  own_granted text := (select role from pg_favo.roles where name = granted or role = granted);
  own_grantee text := (select role from pg_favo.roles where name = grantee or role = grantee);
begin
  if grantee = 'postgres' and own_granted is not null then
    return; -- the owner's logins have every role of the project already
  elsif grantee = 'authenticator' and (own_granted is not null or granted in ('anon', 'authenticated')) then
    source := coalesce(own_granted, granted);
    target := current_database() || '_api';
  elsif own_grantee is not null and (own_granted is not null or granted in ('anon', 'authenticated', 'service_role')) then
    source := coalesce(own_granted, granted);
    target := own_grantee;
  elsif exists (
    select from pg_auth_members
    where roleid = (select oid from pg_authid where rolname = granted)
      and member = (select oid from pg_authid where rolname = grantee)
      and grantee !~ '^p_'
  ) then
    return; -- so it is in every project
  else
    raise insufficient_privilege
      using message = format('permission denied to grant role "%s" to "%s"', granted, grantee);
  end if;
end
$$;

-- What pg_read_all_data comes to for a role of the project. The role itself would open pg_authid, with all tenants' logins.
create function pg_favo.grant_reading(role text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  readable name;
begin
  for readable in
    select nspname from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'control')
  loop
    execute format('grant usage on schema %I to %I', readable, role);
    execute format('grant select on all tables in schema %I to %I', readable, role);
    execute format('grant select on all sequences in schema %I to %I', readable, role);
  end loop;
  execute format('alter default privileges for role postgres grant select on tables to %I', role);
  execute format('alter default privileges for role postgres grant usage on schemas to %I', role);
  raise notice 'pg_read_all_data is given as rights on the tables that are there and that postgres will make';
end
$$;

-- GRANT granted TO grantee. To authenticator means: API requests may take the role (by the role claim of a token).
-- service_role is never reachable from the login that serves ordinary callers.
create or replace function pg_favo.grant_role(granted text, grantee text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  pair record;
begin
  if granted = 'pg_read_all_data' and exists (select from pg_favo.roles where name = grantee) then
    perform pg_favo.grant_reading((select role from pg_favo.roles where name = grantee));
    return;
  end if;
  select * into pair from pg_favo.membership(granted, grantee);
  if pair.target is not null then
    execute format('grant %I to %I', pair.source, pair.target);
    -- By way of a role of the customer's own, for one.
    if pg_has_role(current_database() || '_api', 'service_role', 'member') then
      raise insufficient_privilege using message = format('permission denied to grant role "%s" to "%s"', granted, grantee),
        detail = 'Requests of ordinary callers could become service_role.';
    end if;
  elsif grantee = 'postgres' and exists (select from pg_favo.roles where name = granted) then
    perform pg_favo.share_with_owner((select role from pg_favo.roles where name = granted), true);
  end if;
end
$$;

create function pg_favo.revoke_role(granted text, grantee text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  pair record;
begin
  select * into pair from pg_favo.membership(granted, grantee);
  if pair.target is not null and not (grantee = 'authenticator' and granted in ('anon', 'authenticated')) then
    execute format('revoke %I from %I', pair.source, pair.target);
  elsif grantee = 'postgres' and exists (select from pg_favo.roles where name = granted) then
    perform pg_favo.share_with_owner((select role from pg_favo.roles where name = granted), false);
  else
    raise insufficient_privilege
      using message = format('permission denied to revoke role "%s" from "%s"', granted, grantee);
  end if;
end
$$;

-- REASSIGN OWNED BY a role of the customer's own TO postgres or another of them.
create function pg_favo.reassign_owned(role text, new_owner text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('reassign owned by %I to %I', pg_favo.own_role(role),
    case when new_owner = 'postgres' then 'postgres' else pg_favo.own_role(new_owner) end);
end
$$;

-- ALTER … OWNER TO a role of the customer's own, of what postgres or another of these roles has.
create function pg_favo.change_owner(kind text, name text, object oid, new_owner text, missing_ok boolean) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  target text := pg_favo.own_role(new_owner);
  found_object record;
begin
  if kind = 'schema' then
    select 'schema' as kind, quote_ident(nspname) as identity, nspowner as owner into found_object
    from pg_namespace where oid = object;
  else
    select case relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view' else 'table' end
      as kind, oid::regclass::text as identity, relowner as owner
    into found_object
    from pg_class where oid = object and relkind in ('r', 'p', 'v', 'm', 'S');
  end if;
  if found_object.identity is null then
    if not missing_ok then
      raise exception using errcode = case kind when 'schema' then '3F000' else '42P01' end,
        message = format('%s %s does not exist', kind, name);
    end if;
    raise notice using message = format('%s %s does not exist, skipping', kind, name);
    return;
  elsif exists (select from pg_favo.protected_objects where objid = object)
    or not (pg_has_role('postgres', found_object.owner, 'member')
      or exists (select from pg_favo.roles where role = pg_get_userbyid(found_object.owner)))
  then
    raise insufficient_privilege using message = format('must be owner of %s %s', kind, name);
  end if;
  execute format('alter %s %s owner to %I', found_object.kind, found_object.identity, target);
end
$$;

create function pg_favo.drop_owned(role text, cascade boolean) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  dropped text := pg_favo.own_role(role);
begin
  execute format('drop owned by %I %s', dropped, case when cascade then 'cascade' else 'restrict' end);
  -- That took the right to connect as well, which is no object of the role's.
  if (select can_login from pg_favo.roles where roles.role = dropped) then
    execute format('grant connect on database %I to %I', current_database(), dropped);
  end if;
end
$$;

-- GRANT … ON DATABASE postgres. The database is the platform's; roles of the customer's own may make schemas in it.
create function pg_favo.database_privileges(privileges text[], grantee text, is_grant boolean) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  own text := (select role from pg_favo.roles where name = grantee or role = grantee);
  wanted text[];
begin
  select array_agg(privilege) into wanted
  from unnest(array['create', 'temporary']) privilege
  where cardinality(privileges) = 0 or privilege = any (privileges)
    or (privilege = 'temporary' and 'temp' = any (privileges));
  if own is null then
    raise notice 'privileges on the database are managed by the platform; nothing was changed';
  elsif wanted is not null then
    execute format('%s %s on database %I %s %I', case when is_grant then 'grant' else 'revoke' end,
      array_to_string(wanted, ', '), current_database(), case when is_grant then 'to' else 'from' end, own);
  end if;
end
$$;

revoke all on function pg_favo.membership(text, text), pg_favo.grant_reading(text), pg_favo.revoke_role(text, text),
  pg_favo.reassign_owned(text, text), pg_favo.change_owner(text, text, oid, text, boolean),
  pg_favo.drop_owned(text, boolean), pg_favo.database_privileges(text[], text, boolean) from public;
grant execute on function pg_favo.revoke_role(text, text), pg_favo.reassign_owned(text, text),
  pg_favo.change_owner(text, text, oid, text, boolean), pg_favo.drop_owned(text, boolean),
  pg_favo.database_privileges(text[], text, boolean) to postgres;
