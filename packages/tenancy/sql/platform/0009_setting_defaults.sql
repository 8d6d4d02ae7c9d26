-- Settings as statements of SQL reach them (packages/interposer), beyond what 0007 has.

-- What a login starts with when its customer has set nothing: RESET returns to it. As in src/logins.ts (a test compares).
create table pg_favo.login_defaults (
  suffix text not null,
  name text not null,
  value text not null,
  constraint login_defaults_pkey primary key (suffix, name)
);
insert into pg_favo.login_defaults (suffix, name, value) values
  ('_db', 'search_path', '"$user", public, extensions'),
  ('_db', 'statement_timeout', '2min'),
  ('_own', 'search_path', '"$user", public, extensions'),
  ('_own', 'statement_timeout', '2min'),
  ('_api', 'statement_timeout', '8s'),
  ('_api', 'lock_timeout', '8s'),
  ('_api', 'idle_in_transaction_session_timeout', '30s');

-- A null value returns to the default.
create or replace function pg_favo.set_login_settings(suffixes text[], name text, value text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  checked text := pg_favo.check_setting(name);
  login_suffix text;
  wanted text;
begin
  -- They lie in a catalog that all tenants share, and every session start reads them.
  if octet_length(value) > 8192 then
    raise program_limit_exceeded using message = format('value of parameter "%s" is longer than 8192 bytes', name);
  end if;
  foreach login_suffix in array suffixes loop
    wanted := coalesce(value, (
      select defaults.value from pg_favo.login_defaults defaults
      where defaults.suffix = login_suffix and defaults.name = set_login_settings.name
    ));
    execute format('alter role %I in database %I ', current_database() || login_suffix, current_database())
      || case when wanted is null then 'reset ' || checked
           else format('set %s = %s', checked, pg_favo.setting_value(name, wanted)) end;
  end loop;
end
$$;

-- All that the customer may have set on these logins returns to the defaults.
create function pg_favo.reset_login_settings(suffixes text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  setting record;
begin
  for setting in
    select distinct pg_authid.rolname, substr(pg_authid.rolname, length(current_database()) + 1) as suffix,
      split_part(entry, '=', 1) as name
    from pg_db_role_setting
    join pg_authid on pg_authid.oid = setrole
    cross join unnest(setconfig) entry
    where setdatabase = (select oid from pg_database where datname = current_database())
      and pg_authid.rolname in (select current_database() || suffix from unnest(suffixes) suffix)
  loop
    -- role itself, for one, is no setting of the customer's.
    if setting.name like '%.%' or lower(setting.name) in (
      'bytea_output', 'client_min_messages', 'datestyle', 'default_transaction_isolation', 'effective_cache_size',
      'extra_float_digits', 'idle_in_transaction_session_timeout', 'intervalstyle', 'jit', 'lock_timeout',
      'max_parallel_workers_per_gather', 'plan_cache_mode', 'random_page_cost', 'row_security', 'search_path',
      'statement_timeout', 'timezone', 'work_mem'
    ) then
      perform pg_favo.set_login_settings(array[setting.suffix], lower(setting.name), null);
    end if;
  end loop;
end
$$;

create function pg_favo.reset_db_settings() returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$ select pg_favo.reset_login_settings(array['_db', '_own', '_api']) $$;

create function pg_favo.reset_role_settings(role text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  login text;
begin
  if role = 'postgres' then
    perform pg_favo.reset_login_settings(array['_db', '_own']);
    return;
  elsif role = 'authenticator' then
    perform pg_favo.reset_login_settings(array['_api']);
  elsif role not in ('anon', 'authenticated', 'service_role') then
    select roles.role into login from pg_favo.roles where roles.name = reset_role_settings.role;
    if not found then
      raise insufficient_privilege using message = 'permission denied to alter role';
    end if;
    execute format('alter role %I in database %I reset all', login, current_database());
  end if;
  delete from pg_favo.role_settings stored where stored.role = reset_role_settings.role;
end
$$;

-- As before, and a role that signs in by itself starts its sessions with what was set for it.
create or replace function pg_favo.role_setting(role text, name text, value text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  setting text := lower(name);
  own pg_favo.roles;
begin
  if role = 'postgres' then
    perform pg_favo.set_login_settings(array['_db', '_own'], setting, value);
    return;
  elsif role = 'authenticator' and not starts_with(setting, 'pgrst.') then
    perform pg_favo.set_login_settings(array['_api'], setting, value);
    return;
  end if;
  select * into own from pg_favo.roles where roles.name = role_setting.role;
  if own.name is null and role not in ('anon', 'authenticated', 'service_role', 'authenticator') then
    raise insufficient_privilege using message = 'permission denied to alter role';
  end if;

  perform pg_favo.check_setting(setting);
  if octet_length(value) > 8192 then
    raise program_limit_exceeded using message = format('value of parameter "%s" is longer than 8192 bytes', name);
  end if;
  -- Who asks has no say in what a bad value does to each request: it fails here. The inner block is rolled back.
  if value is not null then
    begin
      execute format('set local %s = %s', pg_favo.check_setting(setting), pg_favo.setting_value(setting, value));
      raise exception using errcode = 'FV000';
    exception when sqlstate 'FV000' then
      null;
    end;
  end if;
  if own.can_login then
    execute format('alter role %I in database %I ', own.role, current_database())
      || case when value is null then 'reset ' || pg_favo.check_setting(setting)
           else format('set %s = %s', pg_favo.check_setting(setting), pg_favo.setting_value(setting, value)) end;
  end if;
  if value is null then
    delete from pg_favo.role_settings stored where stored.role = role_setting.role and stored.name = setting;
    return;
  end if;
  if (select count(*) from pg_favo.role_settings) >= 500 then
    raise program_limit_exceeded using message = 'a project can have at most 500 settings of roles';
  end if;
  insert into pg_favo.role_settings values (role_setting.role, setting, role_setting.value)
  on conflict on constraint role_settings_pkey do update set value = excluded.value;
end
$$;

revoke all on function pg_favo.reset_login_settings(text[]), pg_favo.reset_db_settings(),
  pg_favo.reset_role_settings(text) from public;
grant execute on function pg_favo.reset_db_settings(), pg_favo.reset_role_settings(text) to postgres;
