-- Extensions that only a superuser may create, and that a project may have where the operator of its server has installed
-- them. Their scripts are the server's own files. They run as superuser and were not written for a schema in which somebody
-- else may create functions and operators; so each runs in a schema that is empty and nobody else's, not even visible to
-- others, and what it made is moved afterwards. Its text names that schema as the one where it ends up.

create table pg_favo.privileged_extensions (name text constraint privileged_extensions_pkey primary key);
insert into pg_favo.privileged_extensions (name) values ('postgis'), ('vector');

-- Event triggers are off: customers' own would run between the statements of the script.
create function pg_favo.create_extension(name text, schema text, if_not_exists boolean) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp set event_triggers = off set standard_conforming_strings = on
as $$
declare
  aside text := 'favo_' || replace(gen_random_uuid()::text, '-', '');
  made pg_extension;
begin
  if not exists (
    select from pg_favo.privileged_extensions privileged where privileged.name = create_extension.name
  ) then
    raise insufficient_privilege using message = format('extension %s is not available on this platform', name);
  elsif exists (select from pg_extension where extname = name) then
    if not if_not_exists then
      raise duplicate_object using message = format('extension "%s" already exists', name);
    end if;
    raise notice using errcode = 'duplicate_object', message = format('extension "%s" already exists, skipping', name);
    return;
  elsif not exists (select from pg_available_extensions() available where available.name = create_extension.name) then
    raise feature_not_supported using message = format('extension "%s" is not available', name),
      hint = 'Whoever runs the database server has to install it there first.';
  elsif schema is null then
    raise invalid_schema_name using message = 'no schema has been selected to create in';
  elsif not exists (select from pg_namespace where nspname = schema) then
    raise invalid_schema_name using message = format('schema "%s" does not exist', schema);
  elsif schema ~ '^pg_'
    or schema in ('auth', 'storage', 'realtime', 'graphql_public', 'information_schema', 'supabase_migrations')
    or not has_schema_privilege('postgres', schema, 'create')
  then
    raise insufficient_privilege using message = format('permission denied for schema %s', schema);
  end if;

  -- One at a time: a second one would meet a schema that is being renamed.
  lock table pg_favo.privileged_extensions in exclusive mode;
  execute format('alter schema %I rename to %I', schema, aside);
  execute format('create schema %I', schema);
  execute format('create extension %I schema %I', name, schema);
  select * into strict made from pg_extension where extname = name;
  if exists (
    select from pg_depend join pg_proc on classid = 'pg_proc'::regclass and objid = pg_proc.oid
    where refclassid = 'pg_extension'::regclass and refobjid = made.oid and deptype = 'e' and prosecdef
  ) then
    raise feature_not_supported using
      message = format('version %s of extension %s has functions that act as superuser', made.extversion, name),
      hint = 'Whoever runs the database server has to install a newer one.';
  end if;

  update pg_extension set extrelocatable = true where oid = made.oid;
  execute format('alter extension %I set schema %I', name, aside);
  update pg_extension set extrelocatable = made.extrelocatable, extowner = 'postgres'::regrole where oid = made.oid;
  -- As for a trusted extension: it is the customer's to drop, and what is in it the superuser's.
  delete from pg_shdepend
  where dbid = (select oid from pg_database where datname = current_database())
    and classid = 'pg_extension'::regclass and objid = made.oid and deptype = 'o';
  insert into pg_shdepend (dbid, classid, objid, objsubid, refclassid, refobjid, deptype)
  select oid, 'pg_extension'::regclass, made.oid, 0, 'pg_authid'::regclass, 'postgres'::regrole, 'o'
  from pg_database where datname = current_database();
  execute format('drop schema %I', schema);
  execute format('alter schema %I rename to %I', aside, schema);
  perform pg_notify('pgrst', 'reload schema');
end
$$;
revoke all on function pg_favo.create_extension(text, text, boolean) from public;
grant execute on function pg_favo.create_extension(text, text, boolean) to postgres;
