import { sql } from '@favo/postgres'
import { adoptable, failed, ok, warning, type Rule } from './rule.ts'

/** Names that SQL for Supabase mentions; here they are labels without power (sql/cluster/0001_labels.sql). */
const labels = [
  'anon',
  'authenticated',
  'service_role',
  'authenticator',
  'supabase_admin',
  'supabase_auth_admin',
  'supabase_storage_admin',
  'supabase_realtime_admin',
  'supabase_functions_admin',
  'supabase_replication_admin',
  'supabase_etl_admin',
  'supabase_read_only_user',
  'supabase_privileged_role',
  'dashboard_user',
  'pgbouncer',
  'pgsodium_keyiduser',
  'pgsodium_keyholder',
  'pgsodium_keymaker',
  'favo_evt',
]

const labelList = sql.join(
  labels.map((label) => sql`${label}`),
  ', ',
)

/** Customers act as `postgres`; a superuser of that name would make superusers of them. */
const postgresRole: Rule = async (session) => {
  const [role] = await session.many<{ is_super: boolean; can_login: boolean; is_session: boolean }>(sql`
    select rolsuper as is_super, rolcanlogin as can_login, rolname = session_user as is_session
    from pg_roles where rolname = 'postgres'`)
  if (role === undefined) return adoptable('role postgres', 'The label postgres is not there yet.')
  if (role.is_super || role.can_login)
    return adoptable(
      'role postgres',
      'A superuser or login is called postgres, which is the name that customers act under. Adopting renames it to ' +
        'postgres_before_favo, with its password; whatever signs in as postgres has to use the new name.',
    )
  return ok('role postgres', 'postgres is a label without power')
}

const otherLabels: Rule = async (session) => {
  const rows = await session.many<{ rolname: string }>(sql`
    select rolname from pg_roles where rolname in (${labelList})
      and (rolcanlogin or rolsuper or rolcreaterole or rolcreatedb or rolreplication) order by 1`)
  if (rows.length > 0)
    return failed(
      'labels',
      `Roles of somebody else have names that must be without power here: ${namesOf(rows)}.`,
      'Rename them (alter role … rename to …) or drop them.',
    )
  const [count] = await session.many<{ n: number }>(
    sql`select count(*)::int as n from pg_roles where rolname in (${labelList})`,
  )
  return count?.n === labels.length
    ? ok('labels', `${labels.length} labels are there`)
    : adoptable('labels', `${labels.length - (count?.n ?? 0)} labels are not there yet.`)
}

const powers: Rule = async (session) => {
  const superusers = await session.many<{ rolname: string }>(sql`
    select rolname from pg_roles where rolsuper and rolname not in ('favo_admin', 'postgres') and rolcanlogin order by 1`)
  const parameters = await session.many<{ rolname: string }>(sql`
    select distinct parname || ' to ' || coalesce(rolname, 'PUBLIC') as rolname
    from pg_parameter_acl, aclexplode(paracl) acl left join pg_roles on pg_roles.oid = acl.grantee
    where acl.grantee = 0 or rolname in (${labelList}, 'postgres') or starts_with(rolname, 'p_') order by 1`)
  if (parameters.length > 0)
    return failed(
      'powers',
      `Customers may change settings of the server: ${namesOf(parameters)}.`,
      'revoke set, alter system on parameter … from …',
    )
  if (superusers.length > 0)
    return warning(
      'powers',
      `Other superusers can read and change all projects: ${namesOf(superusers)}.`,
      "Take the attribute from those who do not need it (alter role … nosuperuser); the server's first one has to keep it.",
    )
  return ok('powers', 'no other superuser can sign in')
}

/** `alter role all set …` reaches the platform's own sessions and all projects. */
const defaults: Rule = async (session) => {
  const rows = await session.many<{ rolname: string }>(sql`
    select split_part(entry, '=', 1) as rolname from pg_db_role_setting, unnest(setconfig) entry
    where setdatabase = 0 and setrole = 0 order by 1`)
  return rows.length === 0
    ? ok('defaults', 'no settings are made for all roles')
    : warning(
        'defaults',
        `Settings are made for all roles, the platform's own among them: ${namesOf(rows)}.`,
        'alter role all reset all',
      )
}

const namesOf = (rows: readonly { readonly rolname: string }[]): string =>
  rows.map(({ rolname }) => rolname).join(', ')

export const roleRules: readonly Rule[] = [postgresRole, otherLabels, powers, defaults]
