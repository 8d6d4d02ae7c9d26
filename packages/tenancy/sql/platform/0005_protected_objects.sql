-- Which objects are the platform's, and what they look like.
--
-- postgres is a member of the service roles (Supabase's SQL expects it to read and write their tables, to put triggers and
-- policies on them), so Postgres alone would let a customer alter and drop them. The event triggers of the next file
-- compare with what is recorded here.

create table pg_favo.protected_objects (
  classid oid not null,
  objid oid not null,
  -- Both null until the end of the migration that made the object.
  fingerprint text,
  owner regrole,
  constraint protected_objects_pkey primary key (classid, objid)
);

-- Everything about an object that belongs to the platform, in one hash. Grants, comments, statistics targets, customers'
-- triggers, policies and indexes are not in it: those a customer may change. Stored expressions are compared as node trees,
-- because their printed form depends on the session.
create function pg_favo.fingerprint(class oid, object oid) returns text
language sql stable set search_path = pg_catalog, pg_temp
as $$
  select case class
    when 'pg_class'::regclass then (
      select md5(concat_ws('|',
        relname, relnamespace, relowner, relkind, relpersistence, relrowsecurity, relforcerowsecurity, relreplident,
        array_to_string(reloptions, ','),
        (select string_agg(concat_ws(':', attnum, attname, atttypid, atttypmod, attnotnull, attisdropped, attidentity,
            attgenerated, attcollation, adbin::text), ',' order by attnum)
          from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
          where attrelid = object and attnum > 0),
        (select string_agg(concat_ws(':', conname, contype, condeferrable, convalidated, conkey::text, confrelid,
            confkey::text, conbin::text), ',' order by conname)
          from pg_constraint where conrelid = object and contype <> 't'),
        (select string_agg(concat_ws(':', tgname, tgenabled), ',' order by tgname)
          from pg_trigger join pg_favo.protected_objects on classid = 'pg_trigger'::regclass and objid = pg_trigger.oid
          where tgrelid = object),
        -- A view is its rule, a sequence its parameters.
        (select string_agg(ev_action::text, ',') from pg_rewrite where ev_class = object and relkind in ('v', 'm')),
        (select concat_ws(':', seqtypid, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle)
          from pg_sequence where seqrelid = object)
      ))
      from pg_class where oid = object)
    when 'pg_proc'::regclass then (
      select md5(concat_ws('|', proname, pronamespace, proowner, prolang, prokind, prosecdef, proleakproof, proisstrict,
        provolatile, proparallel, prorettype, proargtypes::text, proargnames::text, proargdefaults::text, prosrc,
        prosqlbody::text, proconfig::text))
      from pg_proc where oid = object)
    when 'pg_type'::regclass then (
      select md5(concat_ws('|', typname, typnamespace, typowner, typnotnull, typdefaultbin::text,
        (select string_agg(enumlabel, ',' order by enumsortorder) from pg_enum where enumtypid = object)))
      from pg_type where oid = object)
    when 'pg_trigger'::regclass then (
      select md5(concat_ws('|', tgname, tgrelid, tgfoid, tgtype, tgenabled, tgqual::text, tgattr::text))
      from pg_trigger where oid = object)
    -- Not the owner: dumps set it back and forth, and an upgrade of the platform sets it right.
    when 'pg_namespace'::regclass then (select md5(nspname) from pg_namespace where oid = object)
    else ''
  end
$$;

create function pg_favo.owner_of(class oid, object oid) returns regrole
language sql stable set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (select relowner from pg_class where class = 'pg_class'::regclass and oid = object and relkind <> 'i'),
    (select proowner from pg_proc where class = 'pg_proc'::regclass and oid = object),
    (select typowner from pg_type where class = 'pg_type'::regclass and oid = object),
    (select nspowner from pg_namespace where class = 'pg_namespace'::regclass and oid = object)
  )::regrole
$$;

-- Records what every protected object looks like now. Ends each migration of the platform.
create function pg_favo.seal_protected_objects() returns void
language sql set search_path = pg_catalog, pg_temp
as $$
  update pg_favo.protected_objects
  set fingerprint = pg_favo.fingerprint(classid, objid), owner = pg_favo.owner_of(classid, objid)
  where fingerprint is distinct from pg_favo.fingerprint(classid, objid)
    or owner is distinct from pg_favo.owner_of(classid, objid)
$$;

-- Gives everything back to whom it belongs, and returns how much there was to give. No event trigger fires on REASSIGN
-- OWNED, so a customer can take the platform's tables; it still cannot alter or drop them then, but the services are
-- locked out until the next upgrade or repair calls this.
create function pg_favo.restore_owners() returns integer
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
  taken record;
  restored integer := 0;
begin
  for taken in
    select case
        when classid = 'pg_class'::regclass then (
          select case relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view'
            else 'table' end
          from pg_class where oid = objid)
        when classid = 'pg_proc'::regclass then 'routine'
        when classid = 'pg_type'::regclass then 'type'
        else 'schema'
      end as kind,
      (pg_identify_object(classid, objid, 0)).identity as identity,
      owner
    from pg_favo.protected_objects
    where owner is distinct from pg_favo.owner_of(classid, objid)
      -- A sequence that belongs to a column follows its table.
      and not exists (
        select from pg_depend
        where pg_depend.classid = protected_objects.classid and pg_depend.objid = protected_objects.objid
          and deptype in ('a', 'i') and refobjsubid > 0
      )
  loop
    execute format('alter %s %s owner to %s', taken.kind, taken.identity, taken.owner);
    restored := restored + 1;
  end loop;
  return restored;
end
$$;

create or replace function pg_favo.record_migration(component text, name text, checksum text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if session_user <> 'favo_admin' and not pg_favo.is_maintenance() then
    raise insufficient_privilege using message = 'permission denied to record a migration';
  end if;
  insert into pg_favo.migrations (component, name, checksum) values ($1, $2, $3);
  perform pg_favo.seal_protected_objects();
end
$$;

revoke all on function pg_favo.fingerprint(oid, oid), pg_favo.owner_of(oid, oid), pg_favo.seal_protected_objects(),
  pg_favo.restore_owners() from public;

insert into pg_favo.protected_objects (classid, objid)
select 'pg_namespace'::regclass, oid from pg_namespace
where nspname in ('auth', 'storage', 'realtime', 'vault', 'extensions', 'graphql', 'graphql_public', 'pg_favo');

insert into pg_favo.protected_objects (classid, objid)
select 'pg_proc'::regclass, oid from pg_proc where pronamespace = 'graphql_public'::regnamespace;
