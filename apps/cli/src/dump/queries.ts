/**
 * What a dump needs to know beforehand, and what pg_dump leaves out when schemas are named. Each query answers with one column
 * `text`, in order. Names reach SQL through `%I` alone.
 */

/** Schemas of the project's own. Those of the platform are in every project. */
export const schemaNames = `
  select nspname::text as text from pg_namespace
  where nspname !~ '^pg_' and nspname not in ('information_schema', 'supabase_migrations')
    and pg_get_userbyid(nspowner) not in ('favo_admin', 'supabase_admin')
  order by 1`

export const extensionNames = `
  select extname::text as text from pg_extension where pg_get_userbyid(extowner) not in ('favo_admin', 'supabase_admin')
  order by 1`

/** Roles without their passwords, what they are members of, and what their requests begin with. */
export const roles = `
  select text from (
    select 1 as step, r.name, format('create role %I%s%s%s;', r.name,
      case when r.can_login then ' login' else '' end,
      case when a.rolinherit then '' else ' noinherit' end,
      case when a.rolbypassrls then ' bypassrls' else '' end) as text
    from pg_favo.roles r join pg_roles a on a.rolname = r.name
    union all
    select 2, r.name, format('grant %I to %I;', coalesce(g.name, pg_get_userbyid(m.roleid)), r.name)
    from pg_favo.roles r join pg_auth_members m on pg_get_userbyid(m.member) = r.role
    left join pg_favo.roles g on g.role = pg_get_userbyid(m.roleid)
    where g.name is not null or pg_get_userbyid(m.roleid) in ('anon', 'authenticated', 'service_role')
    union all
    select 3, s.role, format('alter role %I set %I = %L;', s.role, s.name, s.value)
    from pg_favo.role_settings s
    where (s.role, s.name, s.value) not in (('anon', 'statement_timeout', '3s'), ('authenticated', 'statement_timeout', '8s'))
  ) made order by step, name, text`

/** Publications. The one that is in every project gets its tables. */
export const publications = `
  select case when p.pubname = 'supabase_realtime'
      then format('alter publication %I add %s;', p.pubname, t.list)
      else format('create publication %I%s with (publish = %L, publish_via_partition_root = %L);', p.pubname,
        ' for ' || t.list, concat_ws(', ', case when pubinsert then 'insert' end, case when pubupdate then 'update' end,
          case when pubdelete then 'delete' end, case when pubtruncate then 'truncate' end), pubviaroot::text)
    end as text
  from pg_publication p left join lateral (
    select string_agg(format('table only %I.%I%s%s', n.nspname, c.relname,
      ' (' || (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
               where a.attrelid = c.oid and a.attnum = any (r.prattrs::int2[])) || ')',
      ' where ' || '(' || pg_get_expr(r.prqual, r.prrelid) || ')'), ', ' order by n.nspname, c.relname) as list
    from pg_publication_rel r join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace
    where r.prpubid = p.oid
  ) t on true
  where p.pubname <> 'supabase_realtime' or t.list is not null
  order by p.pubname`

export const eventTriggers = `
  select format('create event trigger %I on %s%s execute function %s();', t.name, e.evtevent,
    ' when tag in (' || (select string_agg(quote_literal(tag), ', ') from unnest(e.evttags) tag) || ')',
    (select format('%I.%I', n.nspname, p.proname) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where p.oid = t.source)) as text
  from pg_favo.event_triggers t join pg_event_trigger e on e.evtfoid =
    (select p.oid from pg_proc p where p.proname = t.copy and p.pronamespace = 'pg_favo'::regnamespace)
  order by t.name`

/** Tables whose triggers would change the rows of a dump while they come in. */
export const tablesWithTriggers = (schemas: readonly string[]): string => `
  select format('%I.%I', n.nspname, c.relname) as text
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and n.nspname !~ '^pg_'
    and exists (select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled <> 'D')
    and n.nspname in (${schemas.map((name) => `'${name.replaceAll("'", "''")}'`).join(', ')})
  order by 1`
