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

interface LoginRow {
  readonly role: string
  readonly database: string
  /** Null when they are too large to look at. */
  readonly settings: readonly string[] | null
}

/** Of all settings of one login in its database, in bytes. Far more than `pg_favo.db_setting` lets anybody set. */
const settingsSizeMax = 1_000_000

/**
 * Any role may change its own settings and password, and every tenant can become the labels; SQL that got into a request
 * can become the login itself. Nothing of the platform reads settings of labels, but a login with, say, a read-only
 * default would keep a project broken. So what a tenant could not have set through `pg_favo` is taken away again.
 *
 * Returns what was changed, for the log.
 */
export async function restoreSettings(session: AdminSession): Promise<string[]> {
  return [
    ...(await removeDeadSettings(session)),
    ...(await removeLabelPasswords(session)),
    ...(await repairLogins(session)),
  ]
}

/**
 * Settings that take effect nowhere or everywhere: of labels, of logins in databases that are not theirs, of logins in all
 * databases. One statement, because a tenant can write one per label and database; what it holds locked waits for the
 * next round.
 */
async function removeDeadSettings(session: AdminSession): Promise<string[]> {
  const rows = await session.many<{ role: string }>(sql`
    delete from pg_db_role_setting where ctid in (
      select setting.ctid
      from pg_db_role_setting setting
      join pg_roles on pg_roles.oid = setrole
      left join pg_database on pg_database.oid = setdatabase
      where not rolsuper and not starts_with(rolname, 'pg_')
        and (not rolcanlogin or (starts_with(rolname, 'p_') and not coalesce(starts_with(rolname, datname || '_'), false)))
      for update of setting skip locked
    )
    returning (select rolname from pg_roles where oid = setrole) as role
  `)
  return [...new Set(rows.map(({ role }) => `settings of ${role}`))]
}

/** Nobody can sign in with them; still, they do not belong there. */
async function removeLabelPasswords(session: AdminSession): Promise<string[]> {
  const rows = await session.many<{ role: string }>(sql`
    select rolname as role from pg_authid
    where not rolcanlogin and rolpassword is not null and not starts_with(rolname, 'pg_')
      -- One that a customer made may get LOGIN later.
      and not starts_with(rolname, 'p_')
  `)
  return runEach(
    session,
    rows.map(({ role }) => sql`alter role ${sql.ident(role)} password null`),
  )
}

async function repairLogins(session: AdminSession): Promise<string[]> {
  const rows = await session.many<LoginRow>(sql`
    select
      rolname as role,
      datname as database,
      case when octet_length(setconfig::text) <= ${settingsSizeMax} then setconfig end as settings
    from pg_db_role_setting
    join pg_roles on pg_roles.oid = setrole
    join pg_database on pg_database.oid = setdatabase
    where rolname ~ '^p_[a-z0-9]+_(db|own|api|svc)$' and starts_with(rolname, datname || '_')
  `)
  return runEach(session, rows.flatMap(findRepairs))
}

function findRepairs(row: LoginRow): Sql[] {
  const suffix = findSuffix(row.role)
  if (suffix === null) return []
  const reset = sql`alter role ${sql.ident(row.role)} in database ${sql.ident(row.database)} reset`
  if (row.settings === null) return [sql`${reset} all`, ...loginSettings(row.database, suffix)]

  const expected = expectedSettings[suffix]
  const found = new Map(row.settings.map((entry) => splitSetting(entry)))
  const isCustomers = (name: string) =>
    suffix !== 'svc' && (customerSettings.has(name.toLowerCase()) || name.includes('.'))
  return [
    ...[...found.keys()]
      .filter((name) => !expected.has(name) && !isCustomers(name))
      .map((name) => sql`${reset} ${sql.ident(...name.split('.'))}`),
    ...loginSettings(
      row.database,
      suffix,
      (name) => !isCustomers(name) && found.get(name) !== expected.get(name),
    ),
  ]
}

async function runEach(session: AdminSession, statements: readonly Sql[]): Promise<string[]> {
  const done: string[] = []
  for (const statement of statements) {
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

function splitSetting(entry: string): [string, string] {
  const at = entry.indexOf('=')
  return [entry.slice(0, at), entry.slice(at + 1)]
}
