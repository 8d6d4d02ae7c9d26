-- What the catalogs of a shared cluster tell about its other tenants, closed in every project database.
--
-- Names of databases and roles cannot be hidden (regrole output has no ACL): they are random and say nothing. Everything
-- else that pg_catalog shows of others is revoked, or shown for this database only.
set local allow_system_table_mods = on;

-- 1. Shared catalogs that no client needs. pg_db_role_setting holds the settings of every project.
revoke select on pg_catalog.pg_db_role_setting, pg_catalog.pg_shdepend, pg_catalog.pg_shseclabel,
  pg_catalog.pg_replication_origin from public;

-- 2. Functions that tell of other tenants or of the cluster, or write to its log of changes.
do $$
declare
  revoked regprocedure;
begin
  for revoked in
    select oid::regprocedure
    from pg_proc
    where pronamespace = 'pg_catalog'::regnamespace
      and (
        proname ~ ('^pg_stat_get_(db_|activity|backend_|progress_info|wal|io$|slru|bgwriter|checkpointer|archiver|buf_'
          || '|replication_slot|subscription|recovery_prefetch|snapshot_timestamp)')
        or proname ~ '^pg_control_(system|init|checkpoint|recovery)$'
        or proname ~ '^pg_(current|last)_wal_|^pg_walfile_name|^pg_(available_wal_summaries|wal_summary_contents)$'
        or proname in (
          'pg_lock_status', 'pg_get_replication_slots', 'pg_prepared_xact', 'pg_show_replication_origin_status',
          'pg_tablespace_databases', 'pg_tablespace_size', 'pg_postmaster_start_time', 'pg_conf_load_time',
          'inet_server_addr', 'inet_server_port', 'pg_logical_emit_message', 'pg_notification_queue_usage',
          'pg_blocking_pids', 'pg_safe_snapshot_blocking_pids', 'pg_get_wait_events', 'pg_export_snapshot',
          'pg_get_multixact_members', 'pg_isolation_test_session_is_blocked', 'pg_get_aios',
          'pg_get_wal_summarizer_state', 'pg_get_loaded_modules', 'pg_last_committed_xact',
          'pg_last_xact_replay_timestamp', 'pg_is_wal_replay_paused', 'pg_get_wal_replay_pause_state',
          -- Names of the platform's prepared statements: who knows one can replace it, and the next request on the
          -- connection would run the replacement under another role.
          'pg_prepared_statement'
        )
      )
  loop
    execute format('revoke execute on function %s from public', revoked);
  end loop;
end
$$;
revoke select on pg_catalog.pg_prepared_statements from public;

-- 3. Views of activity: the same columns, rows of this database only. The stock definition moves into a SECURITY DEFINER
-- function in pg_favo, which the owner and the service key may execute; the view selects from it.
do $$
declare
  filtered record;
  stock text;
  signature text;
  columns text;
begin
  for filtered in
    select * from (values
      ('pg_stat_activity', 'x.datname = current_database() and not starts_with(x.usename::text, ''favo_'')'),
      ('pg_locks', 'x.pid in (select a.pid from pg_stat_get_activity(null) a, pg_database d
        where d.oid = a.datid and d.datname = current_database())'),
      ('pg_stat_ssl', 'x.pid in (select a.pid from pg_stat_get_activity(null) a, pg_database d
        where d.oid = a.datid and d.datname = current_database())'),
      ('pg_stat_gssapi', 'x.pid in (select a.pid from pg_stat_get_activity(null) a, pg_database d
        where d.oid = a.datid and d.datname = current_database())'),
      ('pg_stat_database', 'x.datname = current_database()'),
      ('pg_stat_database_conflicts', 'x.datname = current_database()'),
      ('pg_replication_slots', 'x.database = current_database()'),
      ('pg_prepared_xacts', 'x.database = current_database()')
    ) views (name, condition)
  loop
    stock := rtrim(pg_get_viewdef(format('pg_catalog.%I', filtered.name)::regclass), ';');
    select
      string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' order by attnum),
      string_agg(format('x.%I', attname), ', ' order by attnum)
    into signature, columns
    from pg_attribute
    where attrelid = format('pg_catalog.%I', filtered.name)::regclass and attnum > 0 and not attisdropped;

    execute format(
      'create function pg_favo.%I() returns table (%s) language sql stable security definer '
        || 'set search_path = pg_catalog, pg_temp as %L',
      filtered.name, signature, format('select %s from (%s) x where %s', columns, stock, filtered.condition));
    execute format('revoke all on function pg_favo.%I() from public', filtered.name);
    execute format('grant execute on function pg_favo.%I() to postgres, service_role', filtered.name);
    execute format('create or replace view pg_catalog.%1$I as select * from pg_favo.%1$I()', filtered.name);
    execute format('grant select on pg_catalog.%I to public', filtered.name);
  end loop;
end
$$;

-- 4. A customer may end its own sessions. The stock functions ask for membership in the session's login, which postgres
-- does not have; so they are renamed, and wrappers let through what pg_stat_activity of this database shows.
alter function pg_catalog.pg_cancel_backend(integer) rename to pg_cancel_backend_raw;
alter function pg_catalog.pg_terminate_backend(integer, bigint) rename to pg_terminate_backend_raw;

create function pg_catalog.pg_cancel_backend(pid integer) returns boolean
language plpgsql strict security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from pg_favo.pg_stat_activity() activity where activity.pid = $1) then
    raise insufficient_privilege using message = 'permission denied to cancel query';
  end if;
  return pg_cancel_backend_raw($1);
end
$$;

create function pg_catalog.pg_terminate_backend(pid integer, timeout bigint default 0) returns boolean
language plpgsql strict security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from pg_favo.pg_stat_activity() activity where activity.pid = $1) then
    raise insufficient_privilege using message = 'permission denied to terminate process';
  end if;
  return pg_terminate_backend_raw($1, $2);
end
$$;

-- The same for the size of the own database: it asks for CONNECT, which logins have and postgres has not.
alter function pg_catalog.pg_database_size(oid) rename to pg_database_size_raw;
alter function pg_catalog.pg_database_size(name) rename to pg_database_size_raw;

create function pg_catalog.pg_database_size(name) returns bigint
language plpgsql strict security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if $1 <> current_database() then
    raise insufficient_privilege using message = format('permission denied for database %s', $1);
  end if;
  return pg_database_size_raw($1);
end
$$;

create function pg_catalog.pg_database_size(oid) returns bigint
language sql strict set search_path = pg_catalog, pg_temp
as $$ select pg_database_size(datname) from pg_database where oid = $1 $$;

revoke execute on function pg_catalog.pg_database_size_raw(oid), pg_catalog.pg_database_size_raw(name),
  pg_catalog.pg_database_size(oid), pg_catalog.pg_database_size(name) from public;
grant execute on function pg_catalog.pg_database_size(oid), pg_catalog.pg_database_size(name)
  to postgres, service_role;
revoke execute on function pg_catalog.pg_cancel_backend_raw(integer),
  pg_catalog.pg_terminate_backend_raw(integer, bigint), pg_catalog.pg_cancel_backend(integer),
  pg_catalog.pg_terminate_backend(integer, bigint) from public;
grant execute on function pg_catalog.pg_cancel_backend(integer), pg_catalog.pg_terminate_backend(integer, bigint)
  to postgres, service_role;

-- 5. To pg_dump all this is the initial state; else it would write our REVOKEs into the customer's dump.
delete from pg_catalog.pg_init_privs
where objsubid = 0
  and (
    (classoid = 'pg_class'::regclass
      and objoid in (select oid from pg_class where relnamespace = 'pg_catalog'::regnamespace))
    or (classoid = 'pg_proc'::regclass
      and objoid in (select oid from pg_proc where pronamespace = 'pg_catalog'::regnamespace))
  );
insert into pg_catalog.pg_init_privs (objoid, classoid, objsubid, privtype, initprivs)
select oid, 'pg_class'::regclass, 0, 'i', relacl from pg_class
where relnamespace = 'pg_catalog'::regnamespace and relacl is not null
union all
select oid, 'pg_proc'::regclass, 0, 'i', proacl from pg_proc
where pronamespace = 'pg_catalog'::regnamespace and proacl is not null;
