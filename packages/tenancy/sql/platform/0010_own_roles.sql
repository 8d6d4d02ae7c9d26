-- Statements about roles of the customer's own, as the interposer calls them (packages/interposer): CREATE, ALTER, DROP, and
-- every statement that names such a role. The functions of 0008 stay for who calls them by hand. 0014 has what roles are
-- granted and own.

-- The role of the cluster that a name means in this project. A name of another project's database stands in dumps: the
-- same role here has the same end. Names that are none of ours mean themselves.
create function pg_favo.resolve_role(name text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (select roles.role from pg_favo.roles where roles.name = $1),
    (select roles.role from pg_favo.roles
      where $1 ~ '^p_[a-z0-9]{1,30}_r[0-9a-f]{12}$' and right(roles.role, 14) = right($1, 14)),
    $1)
$$;
grant execute on function pg_favo.resolve_role(text) to public;

-- Runs a statement that names roles: text, name, text, name, …, text. With the rights and the search_path of who calls;
-- hence no SET here, and everything by its full name. `acting` is a role of the customer's own to run it as.
create function pg_favo.run_for_roles(parts text[], acting text default null) returns void
language plpgsql
as $$
declare
  statement pg_catalog.text := '';
  part pg_catalog.text;
  is_name pg_catalog.bool := false;
  previous pg_catalog.text := pg_catalog.current_setting('role');
begin
  foreach part in array parts loop
    statement := pg_catalog.concat(statement,
      case when is_name then pg_catalog.quote_ident(pg_favo.resolve_role(part)) else part end);
    is_name := not is_name;
  end loop;
  if acting is not null then
    perform pg_favo.set_role(acting, true);
  end if;
  execute statement;
  if acting is not null then
    perform pg_catalog.set_config('role', previous, true);
  end if;
end
$$;

-- SET ROLE; the session's login must have been granted the role.
create function pg_favo.set_role(name text, is_local boolean) returns void
language plpgsql
as $$
begin
  perform pg_catalog.set_config('role', pg_favo.resolve_role(name), is_local);
end
$$;
grant execute on function pg_favo.run_for_roles(text[], text), pg_favo.set_role(text, boolean) to public;

-- Applies attributes to a role of the customer's own: keys are those of Postgres' parser.
create function pg_favo.set_attributes(role text, attributes jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  attribute record;
  database text := current_database();
begin
  for attribute in select key, value, value #>> '{}' as text from jsonb_each(attributes) order by key loop
    if attribute.key in ('superuser', 'isreplication') and attribute.text <> 'false' then
      raise insufficient_privilege using
        message = format('permission denied: roles of a project cannot have %s',
          case attribute.key when 'superuser' then 'SUPERUSER' else 'REPLICATION' end),
        detail = 'The server is shared with other projects.';
    elsif attribute.key in ('createdb', 'createrole') and attribute.text <> 'false' then
      raise notice using message = format('%s is left out: it would reach beyond this project',
        upper(attribute.key));
    elsif attribute.key = 'password' then
      execute format('alter role %I password %L', role, attribute.text);
    elsif attribute.key = 'inherit' then
      execute format('alter role %I %s', role, case attribute.text when 'false' then 'noinherit' else 'inherit' end);
    elsif attribute.key = 'bypassrls' then
      execute format('alter role %I %s', role, case attribute.text when 'false' then 'nobypassrls' else 'bypassrls' end);
    elsif attribute.key = 'validUntil' then
      execute format('alter role %I valid until %L', role, attribute.text);
    elsif attribute.key = 'connectionlimit' then
      execute format('alter role %I connection limit %s', role,
        case when attribute.text::integer between 0 and 5 then attribute.text::integer else 5 end);
    elsif attribute.key = 'canlogin' and attribute.text = 'true' then
      execute format('alter role %I login connection limit 5', role);
      execute format('alter role %I in database %I set statement_timeout = %L', role, database, '2min');
      execute format('grant %I to %I', database, role);
      execute format('grant connect on database %I to %I', database, role);
      update pg_favo.roles set can_login = true where roles.role = set_attributes.role;
    elsif attribute.key = 'canlogin' then
      execute format('alter role %I nologin', role);
      execute format('revoke connect on database %I from %I', database, role);
      update pg_favo.roles set can_login = false where roles.role = set_attributes.role;
    end if;
  end loop;
end
$$;

create function pg_favo.create_role_with(name text, attributes jsonb) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  created text;
begin
  -- What is there in every project is there in this one.
  if exists (select from pg_authid where rolname = name and rolname !~ '^(pg_|p_|favo)') then
    raise duplicate_object using message = format('role "%s" already exists', name);
  end if;
  created := pg_favo.create_role(name, false, null);
  perform pg_favo.set_attributes(created, attributes);
  -- No event trigger fires for roles; the REST service keeps their names.
  perform pg_notify('pgrst', 'reload schema');
  return created;
end
$$;

-- The name of the role in the cluster; fails as Postgres does.
create function pg_favo.own_role(name text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
  found_role text;
begin
  select role into found_role from pg_favo.roles where roles.name = own_role.name or roles.role = own_role.name;
  if found_role is null then
    if exists (select from pg_authid where rolname = own_role.name and rolname !~ '^(p_|favo)') then
      raise insufficient_privilege using message = 'permission denied to alter role',
        detail = format('"%s" is the same in every project of the server.', name);
    end if;
    raise undefined_object using message = format('role "%s" does not exist', name);
  end if;
  return found_role;
end
$$;

-- Of postgres it is the password of the owner's login: the label itself is every project's.
create function pg_favo.alter_role(name text, attributes jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if name = 'postgres' then
    if (select array_agg(key) from jsonb_object_keys(attributes) key) is distinct from array['password'] then
      raise insufficient_privilege using message = 'permission denied to alter role',
        detail = 'Of postgres only the password can be changed.';
    end if;
    execute format('alter role %I password %L', current_database() || '_db', attributes ->> 'password');
  else
    perform pg_favo.set_attributes(pg_favo.own_role(name), attributes);
  end if;
end
$$;

create function pg_favo.set_password(role text, password text) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$ select pg_favo.alter_role($1, jsonb_build_object('password', $2)) $$;

create function pg_favo.rename_role(name text, new_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  old_role text := pg_favo.own_role(name);
begin
  if new_name !~ '^[a-z_][a-z0-9_]{0,62}$' or new_name ~ '^(pg_|p_|favo|supabase_|pgsodium_|cli_login_)'
    or new_name in ('public', 'none')
  then
    raise reserved_name using message = format('role name "%s" is reserved', new_name);
  elsif exists (select from pg_favo.roles where roles.name = new_name)
    or exists (select from pg_authid where rolname = new_name)
  then
    raise duplicate_object using message = format('role "%s" already exists', new_name);
  end if;
  execute format('alter role %I rename to %I', old_role, pg_favo.role_name(new_name));
  update pg_favo.roles set name = new_name, role = pg_favo.role_name(new_name) where roles.role = old_role;
  update pg_favo.role_settings set role = new_name where role_settings.role = rename_role.name;
  perform pg_notify('pgrst', 'reload schema');
end
$$;

-- What a role makes can be used by postgres, as if it were a member. It cannot be one: postgres is every project's.
create function pg_favo.share_with_owner(role text, is_shared boolean) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  kind text;
begin
  foreach kind in array array['tables', 'sequences', 'functions', 'types', 'schemas'] loop
    execute case when is_shared
      then format('alter default privileges for role %I grant all on %s to postgres with grant option', role, kind)
      else format('alter default privileges for role %I revoke all on %s from postgres', role, kind) end;
  end loop;
end
$$;

create or replace function pg_favo.drop_role(name text, missing_ok boolean default false) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  doomed pg_favo.roles;
  reasons text;
begin
  delete from pg_favo.roles where roles.name = drop_role.name or roles.role = drop_role.name returning * into doomed;
  if not found then
    if missing_ok and not exists (select from pg_authid where rolname = drop_role.name) then
      raise notice using message = format('role "%s" does not exist, skipping', name);
      return;
    end if;
    perform pg_favo.own_role(name);
  end if;
  if doomed.can_login then
    execute format('revoke all on database %I from %I', current_database(), doomed.role);
  end if;
  perform pg_favo.share_with_owner(doomed.role, false);
  begin
    execute format('drop role %I', doomed.role);
  exception when dependent_objects_still_exist then
    get stacked diagnostics reasons = pg_exception_detail;
    raise dependent_objects_still_exist using
      message = format('role "%s" cannot be dropped because some objects depend on it', doomed.name),
      detail = replace(reasons, doomed.role, doomed.name);
  end;
  delete from pg_favo.role_settings where role = doomed.name;
  perform pg_notify('pgrst', 'reload schema');
end
$$;

revoke all on function pg_favo.set_attributes(text, jsonb), pg_favo.own_role(text),
  pg_favo.share_with_owner(text, boolean), pg_favo.create_role_with(text, jsonb), pg_favo.alter_role(text, jsonb),
  pg_favo.set_password(text, text), pg_favo.rename_role(text, text) from public;
grant execute on function pg_favo.create_role_with(text, jsonb), pg_favo.alter_role(text, jsonb),
  pg_favo.set_password(text, text), pg_favo.rename_role(text, text) to postgres;
