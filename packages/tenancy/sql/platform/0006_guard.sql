-- The guard: event triggers that keep customers from changing what is the platform's, and tell the REST service of DDL.
--
-- They belong to favo_admin, so a customer can neither disable nor drop them, and event_triggers is a superuser's setting.
-- Their bodies hold no backslash and qualify by a fixed search_path: a session may set standard_conforming_strings.

-- Extensions that a customer may create. Others are refused even where a control file calls them trusted: procedural
-- languages beside plpgsql have had holes in their sandboxes.
create table pg_favo.allowed_extensions (name text constraint allowed_extensions_pkey primary key);
insert into pg_favo.allowed_extensions (name) values
  ('autoinc'), ('btree_gin'), ('btree_gist'), ('citext'), ('cube'), ('dict_int'), ('fuzzystrmatch'), ('hstore'),
  ('insert_username'), ('intarray'), ('isn'), ('lo'), ('ltree'), ('moddatetime'), ('pg_trgm'), ('pgcrypto'), ('seg'),
  ('tablefunc'), ('tcn'), ('tsm_system_rows'), ('tsm_system_time'), ('unaccent'), ('uuid-ossp');

create function pg_favo.guard_ddl() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  command record;
  known pg_favo.protected_objects;
begin
  if pg_favo.is_maintenance() then
    -- What a migration of the platform makes is the platform's from then on.
    insert into pg_favo.protected_objects (classid, objid)
    select classid, objid from pg_event_trigger_ddl_commands()
    where starts_with(command_tag, 'CREATE') and not in_extension and objid is not null
      and schema_name is distinct from 'pg_temp'
    on conflict do nothing;
    return;
  end if;
  -- A session's own user cannot be forged, unlike current_user.
  if session_user = 'favo_admin' then
    return;
  end if;

  for command in select * from pg_event_trigger_ddl_commands() loop
    if command.object_type = 'extension' and command.command_tag = 'CREATE EXTENSION' and not exists (
      select from pg_favo.allowed_extensions allowed join pg_extension on extname = allowed.name
      where pg_extension.oid = command.objid
    ) then
      raise insufficient_privilege
        using message = format('extension %s is not available on this platform', command.object_identity);
    end if;
    continue when command.in_extension or command.objid is null;

    -- An index of a constraint is part of its table's definition.
    select * into known from pg_favo.protected_objects
    where ((classid = command.classid and objid = command.objid)
        or (classid = 'pg_class'::regclass and command.classid = classid
          and objid = (select indrelid from pg_index where indexrelid = command.objid)))
      and fingerprint is distinct from pg_favo.fingerprint(classid, objid)
    limit 1;
    -- Statements that leave everything as it was are let through; dumps are full of them.
    if found then
      raise insufficient_privilege using message =
        format('%s on %s %s: this object is managed by the platform',
          command.command_tag, command.object_type, command.object_identity);
    elsif command.schema_name in ('auth', 'storage', 'realtime', 'graphql_public')
      and command.classid in ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass, 'pg_operator'::regclass,
        'pg_collation'::regclass, 'pg_conversion'::regclass, 'pg_ts_config'::regclass, 'pg_ts_dict'::regclass)
      and command.object_type <> 'index'
      and not exists (
        select from pg_favo.protected_objects where classid = command.classid and objid = command.objid
      )
    then
      raise insufficient_privilege using message = format('permission denied for schema %s', command.schema_name);
    elsif command.command_tag = 'CREATE RULE' and exists (
      select from pg_rewrite join pg_favo.protected_objects on classid = 'pg_class'::regclass and objid = ev_class
      where pg_rewrite.oid = command.objid
    ) then
      raise insufficient_privilege using message = 'rules on tables of the platform are not allowed';
    end if;
  end loop;
end
$$;

create function pg_favo.guard_drop() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  dropped record;
begin
  if pg_favo.is_maintenance() then
    delete from pg_favo.protected_objects protected using pg_event_trigger_dropped_objects() gone
    where protected.classid = gone.classid and protected.objid = gone.objid and gone.objsubid = 0;
    return;
  end if;
  if session_user = 'favo_admin' then
    return;
  end if;
  for dropped in
    select gone.* from pg_event_trigger_dropped_objects() gone
    join pg_favo.protected_objects protected
      on protected.classid = gone.classid and protected.objid = gone.objid and gone.objsubid = 0
  loop
    raise insufficient_privilege using message = format(
      '%s %s is managed by the platform and cannot be dropped', dropped.object_type, dropped.object_identity);
  end loop;
end
$$;

-- The REST service listens and drops its picture of the schema; equal notifications of one transaction are sent once.
create function pg_favo.notify_rest() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_event = 'sql_drop' then
    if not exists (select from pg_event_trigger_dropped_objects() where not is_temporary) then
      return;
    end if;
  elsif not exists (
    select from pg_event_trigger_ddl_commands() where schema_name is distinct from 'pg_temp'
  ) then
    return;
  end if;
  perform pg_notify('pgrst', 'reload schema');
end
$$;

revoke all on function pg_favo.guard_ddl(), pg_favo.guard_drop(), pg_favo.notify_rest() from public;

create event trigger favo_guard_ddl on ddl_command_end execute function pg_favo.guard_ddl();
create event trigger favo_guard_drop on sql_drop execute function pg_favo.guard_drop();
create event trigger favo_notify_rest_ddl on ddl_command_end execute function pg_favo.notify_rest();
create event trigger favo_notify_rest_drop on sql_drop execute function pg_favo.notify_rest();
