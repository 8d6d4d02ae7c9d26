-- Settings that Supabase lets a customer give to its database and roles. ALTER DATABASE and ALTER ROLE on shared names are
-- either refused (the database is favo_admin's) or must be ignored (any tenant can write them), so these functions take
-- their place. SECURITY DEFINER, owned by favo_admin, executable by postgres only; what they accept is a fixed list.

-- Settings per role *name*, applied by the REST service with set_config(…, true) after it has set the role.
-- pg_db_role_setting of a label is never read: it is shared by all tenants, and each of them can write it.
create table pg_favo.role_settings (
  role text not null,
  name text not null,
  value text not null,
  constraint role_settings_pkey primary key (role, name)
);
-- As on Supabase; service_role has none.
insert into pg_favo.role_settings (role, name, value) values
  ('anon', 'statement_timeout', '3s'),
  ('authenticated', 'statement_timeout', '8s');
grant select on pg_favo.role_settings
  to postgres, service_role, supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin;

-- Refuses names outside the list, and gives an accepted one back in the form that SET takes.
create function pg_favo.check_setting(name text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
  if name ~ '^[a-z_][a-z0-9_]*([.][a-z_][a-z0-9_]*)+$' then
    if split_part(name, '.', 1) not in ('plpgsql', 'plperl', 'pltcl', 'pg_stat_statements', 'auto_explain', 'favo') then
      return (select string_agg(quote_ident(part), '.') from regexp_split_to_table(name, '[.]') part);
    end if;
  elsif name in (
    'bytea_output', 'client_min_messages', 'datestyle', 'default_transaction_isolation', 'effective_cache_size',
    'extra_float_digits', 'idle_in_transaction_session_timeout', 'intervalstyle', 'jit', 'lock_timeout',
    'max_parallel_workers_per_gather', 'plan_cache_mode', 'random_page_cost', 'row_security', 'search_path',
    'statement_timeout', 'timezone', 'work_mem'
  ) then
    return name;
  end if;
  raise insufficient_privilege using message = format('permission denied to set parameter "%s"', name);
end
$$;

-- The right side of SET. search_path is a list of names: 'a, b' must become 'a', 'b', two schemas, not one with a comma
-- in its name. Double-quoted names may hold commas; a doubled quote stands for one.
create function pg_favo.setting_value(name text, value text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
  entries text;
begin
  if name <> 'search_path' then
    return quote_literal(value);
  end if;
  if value !~ '^[[:space:]]*(("([^"]|"")+"|[^",[:space:]]+)[[:space:]]*(,[[:space:]]*("([^"]|"")+"|[^",[:space:]]+)[[:space:]]*)*)?$' then
    raise invalid_parameter_value using message = format('invalid list of schemas: %s', value);
  end if;
  select string_agg(quote_literal(
      case when starts_with(entry[1], '"') then replace(substr(entry[1], 2, length(entry[1]) - 2), '""', '"')
        else lower(entry[1]) end), ', ')
  into entries
  from regexp_matches(value, '("(?:[^"]|"")+"|[^",[:space:]]+)', 'g') entry;
  return coalesce(entries, '''''');
end
$$;

-- A null value resets. Per login and IN DATABASE, never ALTER DATABASE: the platform's superuser sessions must not start
-- under a customer's settings.
create function pg_favo.set_login_settings(suffixes text[], name text, value text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  checked text := pg_favo.check_setting(name);
  suffix text;
begin
  -- They lie in a catalog that all tenants share, and every session start reads them.
  if octet_length(value) > 8192 then
    raise program_limit_exceeded using message = format('value of parameter "%s" is longer than 8192 bytes', name);
  end if;
  foreach suffix in array suffixes loop
    execute format('alter role %I in database %I ', current_database() || suffix, current_database())
      || case when value is null then 'reset ' || checked
           else format('set %s = %s', checked, pg_favo.setting_value(name, value)) end;
  end loop;
end
$$;

-- What ALTER DATABASE postgres SET does on Supabase. Not for the _svc login: under it the platform's services parse values.
create function pg_favo.db_setting(name text, value text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_favo.set_login_settings(array['_db', '_own', '_api'], lower(name), value);
end
$$;

-- What ALTER ROLE … SET does on Supabase, for postgres, authenticator, the API roles and the customer's own.
create function pg_favo.role_setting(role text, name text, value text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  setting text := lower(name);
begin
  if role = 'postgres' then
    perform pg_favo.set_login_settings(array['_db', '_own'], setting, value);
    return;
  elsif role = 'authenticator' and not starts_with(setting, 'pgrst.') then
    perform pg_favo.set_login_settings(array['_api'], setting, value);
    return;
  elsif role not in ('anon', 'authenticated', 'service_role', 'authenticator')
    and not exists (select from pg_favo.roles where roles.name = role_setting.role)
  then
    raise insufficient_privilege using message = 'permission denied to alter role';
  end if;

  perform pg_favo.check_setting(setting);
  if value is null then
    delete from pg_favo.role_settings stored where stored.role = role_setting.role and stored.name = setting;
    return;
  end if;
  -- A bad value must fail here and not in each request. The inner block is rolled back, and with it the setting.
  begin
    perform set_config(setting, value, true);
    raise exception using errcode = 'FV000';
  exception when sqlstate 'FV000' then
    null;
  end;
  insert into pg_favo.role_settings values (role_setting.role, setting, role_setting.value)
  on conflict on constraint role_settings_pkey do update set value = excluded.value;
end
$$;

revoke all on function pg_favo.check_setting(text), pg_favo.setting_value(text, text),
  pg_favo.set_login_settings(text[], text, text), pg_favo.db_setting(text, text),
  pg_favo.role_setting(text, text, text) from public;
grant execute on function pg_favo.db_setting(text, text), pg_favo.role_setting(text, text, text) to postgres;
