-- Event triggers of customers. CREATE EVENT TRIGGER takes a superuser, and for a reason: the function also runs inside
-- CREATE EXTENSION and other statements that act as superuser. So a customer's function is never the trigger's function;
-- its body is copied into one that belongs to favo_evt, which acts for postgres and nobody can become, with the rights of
-- favo_evt whoever fires it. The copies pass over sessions of the platform, and follow changes of their source.

create table pg_favo.event_triggers (
  name text not null,
  source oid not null,
  -- Function in this schema.
  copy text not null,
  constraint event_triggers_pkey primary key (name)
);
grant select on pg_favo.event_triggers to postgres;

-- Bodies here hold no backslash: a session may set standard_conforming_strings.

-- The superuser, the services, and migrations of theirs.
create function pg_favo.is_platform_session() returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select session_user = 'favo_admin'
    or session_user in (current_database() || '_svc', current_database() || '_ctl')
    or pg_favo.is_maintenance()
$$;
revoke all on function pg_favo.is_platform_session() from public;
grant execute on function pg_favo.is_platform_session() to favo_evt;

-- Writes the copy anew from its source.
create function pg_favo.copy_event_function(copy text, source oid) returns void
language plpgsql set search_path = pg_catalog, pg_temp set check_function_bodies = on
as $$
declare
  original pg_proc := (select pg_proc from pg_proc where oid = source);
  path text := (
    select substr(entry, length('search_path=') + 1) from unnest(original.proconfig) entry
    where starts_with(entry, 'search_path=')
  );
  -- Directives of the compiler stand before everything.
  directives text := coalesce(substring(original.prosrc from '^(?:[[:space:]]*#[a-z_]+ [a-z_]+[[:space:]]+)+'), '');
  body text := substr(original.prosrc, length(directives) + 1);
  template text := 'create or replace function pg_favo.%I() returns event_trigger language plpgsql security definer '
    || 'set search_path = %s as %L';
begin
  if original.prorettype is distinct from 'event_trigger'::regtype then
    raise invalid_object_definition using
      message = format('function %s must return type event_trigger', original.proname);
  elsif original.prolang <> (select oid from pg_language where lanname = 'plpgsql') then
    raise feature_not_supported using message = 'event trigger functions must be written in plpgsql';
  end if;
  path := pg_favo.setting_value('search_path', coalesce(path, 'public, extensions, pg_temp'));
  -- The last block may end in a semicolon or not, and in a comment.
  begin
    execute format(template, copy, path, directives
      || 'begin if pg_favo.is_platform_session() then return; end if; ' || body || chr(10) || ';' || chr(10) || 'end');
  exception when syntax_error then
    execute format(template, copy, path, directives
      || 'begin if pg_favo.is_platform_session() then return; end if; ' || body || chr(10) || 'end');
  end;
  execute format('revoke all on function pg_favo.%I() from public', copy);
  execute format('alter function pg_favo.%I() owner to favo_evt', copy);
end
$$;

create function pg_favo.create_event_trigger(
  name text, event text, signature text, source regprocedure, tags text[] default '{}'
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  copy text := 'event_' || left(encode(sha256(convert_to(name, 'UTF8')), 'hex'), 20);
  owner oid := (select proowner from pg_proc where oid = source);
  leftover name;
begin
  if name ~ '^(pg_|favo)' or name = '' or octet_length(name) > 63 then
    raise reserved_name using message = format('event trigger name "%s" is reserved', name);
  elsif exists (select from pg_event_trigger where evtname = name) then
    raise duplicate_object using message = format('event trigger "%s" already exists', name);
  elsif event = 'login' then
    raise insufficient_privilege using message = 'event triggers on login are not available: they would run in '
      || 'sessions of the platform';
  elsif event not in ('ddl_command_start', 'ddl_command_end', 'sql_drop', 'table_rewrite') then
    raise syntax_error using message = format('unrecognized event name "%s"', event);
  elsif (select count(*) from pg_favo.event_triggers) >= 10 then
    raise program_limit_exceeded using message = 'a project can have at most 10 event triggers';
  elsif owner is null then
    raise undefined_function using message = format('function %s does not exist', signature);
  elsif not pg_has_role('postgres', owner, 'member') then
    raise insufficient_privilege using message = format('permission denied for function %s', source);
  end if;
  for leftover in
    select proname from pg_proc
    where pronamespace = 'pg_favo'::regnamespace and proowner = 'favo_evt'::regrole
      and proname not in (select event_triggers.copy from pg_favo.event_triggers)
  loop
    execute format('drop function pg_favo.%I()', leftover);
  end loop;
  perform pg_favo.copy_event_function(copy, source);
  execute format('create event trigger %I on %s %s execute function pg_favo.%I()', name, event,
    case when cardinality(tags) = 0 then ''
      else 'when tag in (' || (select string_agg(quote_literal(tag), ', ') from unnest(tags) tag) || ')' end,
    copy);
  insert into pg_favo.event_triggers (name, source, copy) values (create_event_trigger.name, source, copy);
end
$$;

-- Fails as Postgres does for a trigger that is not there, and for one that is the platform's.
create function pg_favo.own_event_trigger(name text) returns pg_favo.event_triggers
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
  found_trigger pg_favo.event_triggers;
begin
  select * into found_trigger from pg_favo.event_triggers where event_triggers.name = own_event_trigger.name;
  if not found then
    if exists (select from pg_event_trigger where evtname = own_event_trigger.name) then
      raise insufficient_privilege using message = format('must be owner of event trigger %s', name);
    end if;
    raise undefined_object using message = format('event trigger "%s" does not exist', name);
  end if;
  return found_trigger;
end
$$;

create function pg_favo.alter_event_trigger(name text, state text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_favo.own_event_trigger(name);
  if state not in ('enable', 'disable', 'enable replica', 'enable always') then
    raise syntax_error using message = format('unrecognized state "%s"', state);
  end if;
  execute format('alter event trigger %I %s', name, state);
end
$$;

create function pg_favo.rename_event_trigger(name text, new_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_favo.own_event_trigger(name);
  if new_name ~ '^(pg_|favo)' or new_name = '' or octet_length(new_name) > 63 then
    raise reserved_name using message = format('event trigger name "%s" is reserved', new_name);
  end if;
  execute format('alter event trigger %I rename to %I', name, new_name);
  update pg_favo.event_triggers set name = new_name where event_triggers.name = rename_event_trigger.name;
end
$$;

-- It acts for postgres whoever is named: dumps name their owner.
create function pg_favo.alter_event_trigger_owner(name text, owner text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_favo.own_event_trigger(name);
  if owner not in ('postgres', 'supabase_admin') then
    raise insufficient_privilege using message = 'event triggers belong to postgres';
  end if;
end
$$;

create function pg_favo.drop_event_trigger(name text, missing_ok boolean) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  doomed pg_favo.event_triggers;
begin
  if missing_ok and not exists (select from pg_event_trigger where evtname = name) then
    raise notice using message = format('event trigger "%s" does not exist, skipping', name);
    return;
  end if;
  doomed := pg_favo.own_event_trigger(name);
  -- The copy stays until the next trigger is made: dropping it would fire other triggers, and they may refuse everything.
  execute format('drop event trigger %I', doomed.name);
  delete from pg_favo.event_triggers where event_triggers.name = doomed.name;
end
$$;

-- A source that is replaced is copied again; with one that is dropped goes its trigger, as by CASCADE.
create function pg_favo.follow_event_functions() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  followed record;
begin
  if not exists (select from pg_favo.event_triggers) then
    return;
  elsif tg_event = 'ddl_command_end' then
    for followed in
      select triggers.copy, triggers.source from pg_favo.event_triggers triggers
      join pg_event_trigger_ddl_commands() command
        on command.classid = 'pg_proc'::regclass and command.objid = triggers.source
    loop
      perform pg_favo.copy_event_function(followed.copy, followed.source);
    end loop;
  else
    for followed in
      select triggers.name from pg_favo.event_triggers triggers
      join pg_event_trigger_dropped_objects() gone on gone.classid = 'pg_proc'::regclass and gone.objid = triggers.source
    loop
      raise notice using message = format('drop cascades to event trigger %s', followed.name);
      -- The copy stays until the next trigger is made: it may be about to run for this very drop.
      execute format('drop event trigger %I', followed.name);
      delete from pg_favo.event_triggers where event_triggers.name = followed.name;
    end loop;
  end if;
end
$$;

revoke all on function pg_favo.copy_event_function(text, oid), pg_favo.own_event_trigger(text),
  pg_favo.follow_event_functions(), pg_favo.create_event_trigger(text, text, text, regprocedure, text[]),
  pg_favo.alter_event_trigger(text, text), pg_favo.rename_event_trigger(text, text),
  pg_favo.alter_event_trigger_owner(text, text), pg_favo.drop_event_trigger(text, boolean) from public;
grant execute on function pg_favo.create_event_trigger(text, text, text, regprocedure, text[]),
  pg_favo.alter_event_trigger(text, text), pg_favo.rename_event_trigger(text, text),
  pg_favo.alter_event_trigger_owner(text, text), pg_favo.drop_event_trigger(text, boolean) to postgres;

create event trigger favo_follow_event_functions on ddl_command_end when tag in ('CREATE FUNCTION', 'ALTER FUNCTION')
  execute function pg_favo.follow_event_functions();
create event trigger favo_follow_event_functions_drop on sql_drop
  execute function pg_favo.follow_event_functions();
