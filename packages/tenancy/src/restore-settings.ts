import { sql, type Sql } from '@favo/postgres'
import type { AdminSession } from './admin.ts'
import { sqlState } from './errors.ts'
import { expectedSettings, findSuffix, loginSettings } from './logins.ts'

/**
 * Settings that customers may have on the logins which serve them, by way of `pg_favo.db_setting` and `role_setting`; the
 * same list as in `pg_favo.check_setting` (a test compares them). Names with a dot are customers' own.
 */
export const customerSettings: ReadonlySet<string> = new Set([
  'bytea_output',
  'client_min_messages',
  'datestyle',
  'default_transaction_isolation',
  'effective_cache_size',
  'extra_float_digits',
  'idle_in_transaction_session_timeout',
  'intervalstyle',
  'jit',
  'lock_timeout',
  'max_parallel_workers_per_gather',
  'plan_cache_mode',
  'random_page_cost',
  'row_security',
  'search_path',
  'statement_timeout',
  'timezone',
  'work_mem',
])

interface RoleRow {
  readonly role: string
  readonly can_login: boolean
  readonly has_password: boolean
  /** Null for settings that hold in every database. */
  readonly database: string | null
  readonly settings: readonly string[] | null
}

/**
 * Any role may change its own settings and password, and every tenant can become the labels; SQL that got into a request
 * can become the login itself. Nothing of the platform reads settings of labels, but a login with, say, a read-only
 * default would keep a project broken. So what a tenant could not have set through `pg_favo` is taken away again.
 *
 * Returns what was changed, for the log.
 */
export async function restoreSettings(session: AdminSession): Promise<string[]> {
  const rows = await session.many<RoleRow>(sql`
    select
      rolname as role, rolcanlogin as can_login, rolpassword is not null as has_password,
      datname as database, setconfig as settings
    from pg_authid
    left join pg_db_role_setting on setrole = pg_authid.oid
    left join pg_database on pg_database.oid = setdatabase
    where not rolsuper and (starts_with(rolname::text, 'p_') or (not rolcanlogin and not starts_with(rolname::text, 'pg_')))
  `)
  const done: string[] = []
  for (const statement of rows.flatMap(findRepairs)) {
    try {
      // A tenant may hold the row's lock: then the next round does it.
      await session.run(sql`set local lock_timeout = '200ms'; ${statement}`)
      done.push(statement.text)
    } catch (error) {
      // Locked, changed at the same moment, or dropped meanwhile.
      if (!['55P03', 'XX000', '42704', '3D000'].includes(sqlState(error) ?? '')) throw error
    }
  }
  return done
}

export function findRepairs(row: RoleRow): Sql[] {
  const role = sql.ident(row.role)
  const repairs: Sql[] = []
  if (!row.can_login && row.has_password) repairs.push(sql`alter role ${role} password null`)
  const scope = row.database === null ? sql`` : sql` in database ${sql.ident(row.database)}`
  const suffix = findSuffix(row.role)
  const isElsewhere = row.database === null || !row.role.startsWith(`${row.database}_`)
  if (row.settings !== null && (!row.can_login || isElsewhere))
    return [...repairs, sql`alter role ${role}${scope} reset all`]
  if (row.settings === null || row.database === null || suffix === null) return repairs

  const expected = expectedSettings[suffix]
  const found = new Map(row.settings.map((entry) => splitSetting(entry)))
  const isCustomers = (name: string) =>
    suffix !== 'svc' && (customerSettings.has(name.toLowerCase()) || name.includes('.'))
  for (const name of found.keys())
    if (!expected.has(name) && !isCustomers(name))
      repairs.push(sql`alter role ${role}${scope} reset ${sql.ident(...name.split('.'))}`)
  return [
    ...repairs,
    ...loginSettings(
      row.database,
      suffix,
      (name) => !isCustomers(name) && found.get(name) !== expected.get(name),
    ),
  ]
}

function splitSetting(entry: string): [string, string] {
  const at = entry.indexOf('=')
  return [entry.slice(0, at), entry.slice(at + 1)]
}
