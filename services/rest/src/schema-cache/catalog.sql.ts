/**
 * The questions to the catalog, each answered by one row with one JSON value. They run in one trip, with an empty
 * search path, so that every name of a type or function comes out qualified. `$1` is the list of exposed schemas.
 *
 * Which objects count, and what counts as a key of a view, is PostgREST 14's rule (`SchemaCache.hs`).
 */

/**
 * Fails, with the number in its message, when there is more than `$2` of what the other questions read: a schema made to be
 * enormous is refused before it fills the process.
 */
export const sizeQuery = `
  select case when size.objects > $2::int8 then ('favo:PGRST002:' || size.objects)::int8 end
  from (
    select
      (select coalesce(sum(rel.relnatts), 0) from pg_catalog.pg_class rel
        where rel.relkind in ('r', 'v', 'm', 'f', 'p') and rel.relnamespace = any (exposed.ids))
      + (select count(*) from pg_catalog.pg_proc proc where proc.pronamespace = any (exposed.ids))
      + (select count(*) from pg_catalog.pg_constraint)
      -- A rule of a hundred bytes counts as much as a column.
      + (select coalesce(sum(pg_catalog.pg_column_size(rule.ev_action)), 0) / 100
        from pg_catalog.pg_rewrite rule
        join pg_catalog.pg_class rel on rel.oid = rule.ev_class
        where rel.relnamespace = any (exposed.ids)) as objects
    from (
      select coalesce(array_agg(oid), '{}') as ids from pg_catalog.pg_namespace where nspname = any ($1)
    ) exposed
  ) size`

/** Innermost type below each domain. */
const domainBases = `
  domain_step(domain_id, base_id) as (
    select oid, typbasetype from pg_catalog.pg_type where typtype = 'd'
    union all
    select step.domain_id, below.typbasetype
    from domain_step step join pg_catalog.pg_type below on below.oid = step.base_id
    where below.typtype = 'd'
  ),
  domain_base as (
    select step.domain_id, step.base_id
    from domain_step step join pg_catalog.pg_type base on base.oid = step.base_id
    where base.typtype <> 'd'
  )`

/** A comment. As a subquery: `col_description` starts an executor of its own for each column, half the cost of all. */
const remark = (relation: string, column: string) => `(
      select remark.description from pg_catalog.pg_description remark
      where remark.objoid = ${relation} and remark.classoid = 'pg_class'::regclass and remark.objsubid = ${column})`

export const tablesQuery = `
  with recursive ${domainBases}
  select coalesce(json_agg(json_build_object(
    'schema', space.nspname,
    'name', rel.relname,
    'description', ${remark('rel.oid', '0')},
    'isView', rel.relkind in ('v', 'm'),
    'writable', case
      when rel.relkind in ('r', 'p') then 28
      when rel.relkind in ('v', 'f') then pg_catalog.pg_relation_is_updatable(rel.oid, true)
      else 0 end,
    'primaryKey', (
      select coalesce(json_agg(att.attname order by att.attname), '[]')
      from pg_catalog.pg_constraint con
      join pg_catalog.pg_attribute att on att.attrelid = con.conrelid and att.attnum = any (con.conkey)
      where con.conrelid = rel.oid and con.contype = 'p'),
    'columns', (
      select coalesce(json_agg(json_build_object(
        'name', att.attname,
        'description', ${remark('rel.oid', 'att.attnum')},
        'isNullable', not (att.attnotnull or (typ.typtype = 'd' and typ.typnotnull)),
        'baseType', case
          when typ.typtype = 'd' and base.typnamespace = 'pg_catalog'::regnamespace
            then pg_catalog.format_type(base.oid, null)
          when typ.typtype <> 'd' and typ.typnamespace = 'pg_catalog'::regnamespace
            then pg_catalog.format_type(typ.oid, null)
          else pg_catalog.format_type(att.atttypid, att.atttypmod) end,
        'type', pg_catalog.format_type(att.atttypid, att.atttypmod),
        'maxLength', case
          when length.modifier < 0 then null
          when length.type_id in ('bpchar'::regtype, 'varchar'::regtype) then length.modifier - 4
          when length.type_id in ('bit'::regtype, 'varbit'::regtype) then length.modifier end,
        'default', case
          when typ.typtype = 'd' and def.adbin is null then pg_catalog.pg_get_expr(typ.typdefaultbin, 0)
          when att.attidentity = 'd' then (
            select format('nextval(%L)', dep.objid::regclass)
            from pg_catalog.pg_depend dep
            where dep.classid = 'pg_class'::regclass and dep.refclassid = 'pg_class'::regclass
              and dep.refobjid = rel.oid and dep.refobjsubid = att.attnum and dep.deptype = 'i'
            limit 1)
          when att.attgenerated <> '' then null
          else pg_catalog.pg_get_expr(def.adbin, def.adrelid) end,
        'enumValues', case when base.typtype = 'e' or typ.typtype = 'e' then (
          select json_agg(label.enumlabel order by label.enumsortorder)
          from pg_catalog.pg_enum label where label.enumtypid = coalesce(base.oid, typ.oid)) end
      ) order by att.attnum), '[]')
      from pg_catalog.pg_attribute att
      join pg_catalog.pg_type typ on typ.oid = att.atttypid
      left join domain_base on domain_base.domain_id = typ.oid
      left join pg_catalog.pg_type base on base.oid = domain_base.base_id
      left join pg_catalog.pg_attrdef def on def.adrelid = att.attrelid and def.adnum = att.attnum
      cross join lateral (select
        case when typ.typtype = 'd' then typ.typbasetype else typ.oid end as type_id,
        case when typ.typtype = 'd' then typ.typtypmod else att.atttypmod end as modifier) length
      where att.attrelid = rel.oid and att.attnum > 0 and not att.attisdropped)
  ) order by space.nspname, rel.relname), '[]')
  from pg_catalog.pg_class rel
  join pg_catalog.pg_namespace space on space.oid = rel.relnamespace
  where rel.relkind in ('r', 'v', 'm', 'f', 'p') and not rel.relispartition and space.nspname = any ($1)`

/** Primary, unique and foreign keys of all tables: views of exposed schemas may stand on any of them. */
export const constraintsQuery = `
  select coalesce(json_agg(json_build_object(
    'kind', con.contype,
    'name', con.conname,
    'isInherited', con.conparentid <> 0,
    'table', json_build_array(space.nspname, rel.relname, rel.oid::int8),
    'columns', own.columns,
    'foreign', case when con.confrelid <> 0
      then json_build_array(foreign_space.nspname, foreign_rel.relname, foreign_rel.oid::int8) end,
    'foreignColumns', their.columns
  ) order by con.conrelid, con.conname), '[]')
  from pg_catalog.pg_constraint con
  join pg_catalog.pg_class rel on rel.oid = con.conrelid
  join pg_catalog.pg_namespace space on space.oid = rel.relnamespace
  left join pg_catalog.pg_class foreign_rel on foreign_rel.oid = con.confrelid
  left join pg_catalog.pg_namespace foreign_space on foreign_space.oid = foreign_rel.relnamespace
  cross join lateral (
    select json_agg(json_build_array(key.number, att.attname) order by key.position) as columns
    from unnest(con.conkey) with ordinality as key(number, position)
    join pg_catalog.pg_attribute att on att.attrelid = con.conrelid and att.attnum = key.number) own
  left join lateral (
    select json_agg(json_build_array(key.number, att.attname) order by key.position) as columns
    from unnest(con.confkey) with ordinality as key(number, position)
    join pg_catalog.pg_attribute att on att.attrelid = con.confrelid and att.attnum = key.number) their on true
  where con.contype in ('p', 'u', 'f')
    and space.nspname not in ('pg_catalog', 'information_schema')`

/** Views with their rewrite rule; `$1` holds the extra search path as well. See view-columns.ts. */
export const viewsQuery = `
  select coalesce(json_agg(json_build_object(
    'id', rel.oid::int8,
    'schema', space.nspname,
    'name', rel.relname,
    'columns', (
      select json_object_agg(att.attnum, att.attname)
      from pg_catalog.pg_attribute att
      where att.attrelid = rel.oid and att.attnum > 0 and not att.attisdropped),
    'rule', rule.ev_action::text
  ) order by rel.oid), '[]')
  from pg_catalog.pg_class rel
  join pg_catalog.pg_namespace space on space.oid = rel.relnamespace
  join pg_catalog.pg_rewrite rule on rule.ev_class = rel.oid and rule.ev_type = '1'
  where rel.relkind in ('v', 'm') and space.nspname = any ($1)`

/** Functions that can be called by name: all arguments named, or a single unnamed one of a type that a body can fill. */
export const routinesQuery = `
  with recursive ${domainBases}
  select coalesce(json_agg(json_build_object(
    'id', proc.oid::int8,
    'schema', space.nspname,
    'name', proc.proname,
    'description', pg_catalog.obj_description(proc.oid, 'pg_proc'),
    'parameters', coalesce(input.parameters, '[]'),
    'returns', json_build_object(
      'type', json_build_object('schema', result_space.nspname, 'name', coalesce(result_rel.relname, result.typname)),
      'isSet', proc.proretset,
      'isComposite', result.typtype = 'c' or coalesce(proc.proargmodes && '{t,b,o}'::"char"[], false)),
    'volatility', proc.provolatile,
    'hasVariadic', proc.provariadic <> 0,
    'settings', proc.proconfig
  )), '[]')
  from pg_catalog.pg_proc proc
  join pg_catalog.pg_namespace space on space.oid = proc.pronamespace
  left join domain_base on domain_base.domain_id = proc.prorettype
  join pg_catalog.pg_type result on result.oid = coalesce(domain_base.base_id, proc.prorettype)
  join pg_catalog.pg_namespace result_space on result_space.oid = result.typnamespace
  left join pg_catalog.pg_class result_rel on result_rel.oid = result.typrelid
  left join lateral (
    select
      json_agg(json_build_object(
        'name', coalesce(arg.name, ''),
        'type', pg_catalog.format_type(arg.type_id, null),
        'wideType', case arg.type_id
          when 'bit'::regtype then 'bit varying'
          when 'bit[]'::regtype then 'bit varying[]'
          when 'bpchar'::regtype then 'character varying'
          when 'bpchar[]'::regtype then 'character varying[]'
          else pg_catalog.format_type(arg.type_id, null) end,
        'isRequired', arg.position <= proc.pronargs - proc.pronargdefaults,
        'isVariadic', coalesce(arg.mode = 'v', false)
      ) order by arg.position) as parameters,
      count(*) filter (where coalesce(arg.name, '') = '') as unnamed,
      min(arg.type_id) as first_type
    from (
      select named.name, named.type_id, named.mode, row_number() over (order by named.place) as position
      from unnest(coalesce(proc.proallargtypes, proc.proargtypes::oid[]), proc.proargnames, proc.proargmodes)
        with ordinality as named(type_id, name, mode, place)
      where named.type_id is not null and coalesce(named.mode, 'i') in ('i', 'b', 'v')
    ) arg
  ) input on true
  where space.nspname = any ($1)
    and proc.prokind = 'f'
    and result.oid <> 'trigger'::regtype
    and (coalesce(input.unnamed, 0) = 0
      or (input.unnamed = 1 and proc.pronargs = 1
        and input.first_type in ('bytea'::regtype, 'json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'xml'::regtype)))`

/** Functions from a row of one relation to rows of another. */
export const computedRelationshipsQuery = `
  select coalesce(json_agg(json_build_object(
    'function', json_build_object('schema', space.nspname, 'name', proc.proname),
    'table', json_build_object('schema', arg_space.nspname, 'name', arg.typname),
    'foreign', json_build_object('schema', result_space.nspname, 'name', result.typname),
    'isToOne', not proc.proretset or proc.prorows = 1
  )), '[]')
  from pg_catalog.pg_proc proc
  join pg_catalog.pg_namespace space on space.oid = proc.pronamespace
  join pg_catalog.pg_type arg on arg.oid = proc.proargtypes[0]
  join pg_catalog.pg_namespace arg_space on arg_space.oid = arg.typnamespace
  join pg_catalog.pg_class arg_rel on arg_rel.oid = arg.typrelid and arg_rel.relkind in ('r', 'v', 'm', 'f', 'p')
  join pg_catalog.pg_type result on result.oid = proc.prorettype
  join pg_catalog.pg_namespace result_space on result_space.oid = result.typnamespace
  join pg_catalog.pg_class result_rel
    on result_rel.oid = result.typrelid and result_rel.relkind in ('r', 'v', 'm', 'f', 'p')
  where proc.pronargs = 1 and arg_space.nspname = any ($1) and result_space.nspname = any ($1)`

/** Implicit casts by function between a domain and json or text: how it is read and presented. */
export const representationsQuery = `
  select coalesce(json_agg(json_build_array(
    pg_catalog.format_type(own.castsource, null),
    pg_catalog.format_type(own.casttarget, null),
    own.castfunc::regproc::text
  )), '[]')
  from pg_catalog.pg_cast own
  join pg_catalog.pg_type source on source.oid = own.castsource
  join pg_catalog.pg_type target on target.oid = own.casttarget
  where own.castcontext = 'i' and own.castmethod = 'f'
    and ((source.typtype = 'd' and target.oid in ('json'::regtype, 'text'::regtype))
      or (target.typtype = 'd' and source.oid in ('json'::regtype, 'text'::regtype)))`

/** Aggregates over a relation, and functions, that return a domain named like a media type. */
export const mediaHandlersQuery = `
  with media_type as (
    select typ.oid, typ.typname, typ.typnamespace, typ.typbasetype
    from pg_catalog.pg_type typ
    where typ.typtype = 'd' and (typ.typname = '*/*' or typ.typname ~* '^[a-z0-9.-]+/[a-z0-9.+-]+$')
  )
  select coalesce(json_agg(handler), '[]')
  from (
    select json_build_object(
      'function', json_build_object('schema', space.nspname, 'name', proc.proname),
      'target', case when arg.typname <> 'anyelement'
        then json_build_object('schema', arg_space.nspname, 'name', arg.typname) end,
      'accepts', lower(media_type.typname),
      'isBinary', media_type.typbasetype = 'bytea'::regtype) as handler
    from media_type
    join pg_catalog.pg_proc proc on proc.prorettype = media_type.oid and proc.prokind = 'a' and proc.pronargs = 1
    join pg_catalog.pg_namespace space on space.oid = proc.pronamespace
    join pg_catalog.pg_type arg on arg.oid = proc.proargtypes[0]
    join pg_catalog.pg_namespace arg_space on arg_space.oid = arg.typnamespace
    where space.nspname = any ($1)
      and (arg.oid = 'anyelement'::regtype or exists (
        select from pg_catalog.pg_class rel where rel.reltype = arg.oid and rel.relkind in ('r', 'v', 'm', 'f', 'p')))
    union all
    select json_build_object(
      'function', json_build_object('schema', type_space.nspname, 'name', media_type.typname),
      'target', json_build_object('schema', space.nspname, 'name', proc.proname),
      'accepts', lower(media_type.typname),
      'isBinary', media_type.typbasetype = 'bytea'::regtype)
    from media_type
    join pg_catalog.pg_namespace type_space on type_space.oid = media_type.typnamespace
    join pg_catalog.pg_proc proc
      on proc.prorettype = media_type.oid and proc.prokind = 'f' and not proc.proretset
    join pg_catalog.pg_namespace space on space.oid = proc.pronamespace
    where space.nspname = any ($1)
  ) found`
