-- Publications of all tables, and the rest that only a superuser or an extension's owner may do.

-- FOR ALL TABLES and FOR TABLES IN SCHEMA are a superuser's, and such a publication would have to stay one's. These are the
-- customer's publications, with tables added one by one: those that are there, and each new one. Never the platform's.
create table pg_favo.open_publications (
  publication oid not null,
  -- Empty: all schemas of the customer's.
  schema_name text not null,
  constraint open_publications_pkey primary key (publication, schema_name)
);

create function pg_favo.add_open_tables(only_publication oid default null) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  missing record;
begin
  for missing in
    select distinct pubname, pg_class.oid::regclass::text as table_name
    from pg_favo.open_publications
    join pg_publication on pg_publication.oid = publication
    join pg_namespace on schema_name in ('', nspname)
    join pg_class on relnamespace = pg_namespace.oid
    where (only_publication is null or publication = only_publication)
      and relkind in ('r', 'p') and not relispartition and relpersistence = 'p'
      and pg_has_role('postgres', nspowner, 'member') and pg_has_role('postgres', relowner, 'member')
      and nspname not in ('auth', 'storage', 'realtime', 'vault', 'extensions', 'graphql', 'graphql_public', 'cron',
        'net', 'supabase_migrations')
      and not exists (select from pg_publication_rel where prpubid = publication and prrelid = pg_class.oid)
  loop
    execute format('alter publication %I add table %s', missing.pubname, missing.table_name);
  end loop;
end
$$;

-- schemas null: all.
create function pg_favo.publish_tables(publication text, schemas text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  found_publication oid := (
    select oid from pg_publication where pubname = publication and pg_has_role('postgres', pubowner, 'member')
  );
  missing text;
begin
  if found_publication is null then
    raise undefined_object using message = format('publication "%s" does not exist', publication);
  end if;
  select wanted into missing from unnest(schemas) wanted where not exists (select from pg_namespace where nspname = wanted);
  if found then
    raise invalid_schema_name using message = format('schema "%s" does not exist', missing);
  end if;
  insert into pg_favo.open_publications (publication, schema_name)
  select found_publication, wanted from unnest(coalesce(schemas, array[''])) wanted
  on conflict do nothing;
  perform pg_favo.add_open_tables(found_publication);
  if schemas is null then
    raise notice 'the publication has the tables of this project and gets each new one; those of the platform it has not';
  end if;
end
$$;

create function pg_favo.publish_new_tables() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from pg_favo.open_publications) and not pg_favo.is_maintenance() then
    delete from pg_favo.open_publications where not exists (select from pg_publication where oid = publication);
    perform pg_favo.add_open_tables();
  end if;
end
$$;
create event trigger favo_publish_new_tables on ddl_command_end
  when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE SCHEMA')
  execute function pg_favo.publish_new_tables();

-- ALTER EXTENSION … SET SCHEMA, and UPDATE when the schema is null. Its functions belong to the superuser whoever made the
-- extension, so Postgres would refuse its owner as well. Extensions that were there from the start are the platform's.
create function pg_favo.alter_extension(name text, schema text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from pg_extension where extname = name) then
    raise undefined_object using message = format('extension "%s" does not exist', name);
  elsif exists (
    select from pg_extension
    where extname = name and extnamespace = (select oid from pg_namespace where nspname = schema)
  ) then
    return;
  elsif not exists (
    select from pg_extension join pg_favo.allowed_extensions allowed on allowed.name = extname
    where extname = alter_extension.name and pg_has_role('postgres', extowner, 'member')
  ) then
    raise insufficient_privilege using message = format('must be owner of extension %s', name);
  elsif schema is null then
    execute format('alter extension %I update', name);
  elsif not exists (select from pg_namespace where nspname = schema) then
    raise invalid_schema_name using message = format('schema "%s" does not exist', schema);
  elsif schema ~ '^pg_' or schema in ('auth', 'storage', 'realtime', 'graphql_public', 'information_schema') or not has_schema_privilege('postgres', schema, 'create') then
    raise insufficient_privilege using message = format('permission denied for schema %s', schema);
  else
    execute format('alter extension %I set schema %I', name, schema);
  end if;
end
$$;

-- Schemas of the platform are no place for an extension, whose objects the guard passes over.
create function pg_favo.guard_extensions() returns event_trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if session_user <> 'favo_admin' and exists (
    select from pg_event_trigger_ddl_commands() command
    join pg_extension on pg_extension.oid = command.objid
    join pg_namespace on pg_namespace.oid = extnamespace
    where command.classid = 'pg_extension'::regclass
      and nspname in ('auth', 'storage', 'realtime', 'graphql_public', 'information_schema', 'supabase_migrations')
  ) then
    raise insufficient_privilege using message = 'extensions cannot be in a schema of the platform';
  end if;
end
$$;
revoke all on function pg_favo.guard_extensions() from public;
create event trigger favo_guard_extensions on ddl_command_end when tag in ('CREATE EXTENSION', 'ALTER EXTENSION')
  execute function pg_favo.guard_extensions();

-- COMMENT ON what is the platform's by ownership. Comments on databases and roles can be read in every project.
create function pg_favo.comment_on(kind text, name text, comment text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if kind in ('database', 'role') then
    raise notice using message = format('the comment is left out: other projects of the server could read those on a %s',
      kind);
  elsif kind = 'event trigger' then
    perform pg_favo.own_event_trigger(name);
    execute format('comment on event trigger %I is %L', name, comment);
  elsif kind = 'extension' then
    execute format('comment on extension %I is %L', name, comment);
  else
    raise syntax_error using message = format('unrecognized kind "%s"', kind);
  end if;
end
$$;

-- Stand-ins for extensions that Supabase has and this server has not, in pure SQL; see docs/migrations.md.
insert into pg_favo.allowed_extensions (name) values
  ('pg_cron'), ('pg_graphql'), ('pg_net'), ('pg_stat_statements'), ('pgjwt'), ('pgsodium'), ('supabase_vault')
on conflict do nothing;

revoke all on function pg_favo.add_open_tables(oid), pg_favo.publish_tables(text, text[]), pg_favo.publish_new_tables(),
  pg_favo.alter_extension(text, text), pg_favo.comment_on(text, text, text) from public;
grant execute on function pg_favo.publish_tables(text, text[]), pg_favo.alter_extension(text, text),
  pg_favo.comment_on(text, text, text) to postgres;

-- What supabase_vault encrypts with, made by the first who asks. No dump takes it along.
create table pg_favo.vault_keys (
  is_only boolean not null default true check (is_only),
  key text not null,
  constraint vault_keys_pkey primary key (is_only)
);

create function pg_favo.vault_key() returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  found_key text := (select key from pg_favo.vault_keys);
begin
  if found_key is null then
    insert into pg_favo.vault_keys (key)
    values (encode(sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 'hex'))
    on conflict do nothing;
    select key into found_key from pg_favo.vault_keys;
  end if;
  return found_key;
end
$$;
revoke all on function pg_favo.vault_key() from public;
grant execute on function pg_favo.vault_key() to postgres, service_role;
