import { sql } from '@favo/postgres'
import { adoptable, failed, ok, warning, type Rule } from './rule.ts'

/** What the server is: version, settings, place. */
const oldestMajor = 17
const newestMajor = 18

const version: Rule = async (session) => {
  const [row] = await session.many<{ number: number }>(
    sql`select current_setting('server_version_num')::int as number`,
  )
  const major = Math.floor((row?.number ?? 0) / 10_000)
  if (major < oldestMajor)
    return failed(
      'version',
      `Postgres ${major}: before ${oldestMajor} a superuser's session cannot switch event triggers off, so the platform's own work would run customers' code as superuser.`,
      `Upgrade the server to Postgres ${oldestMajor} or ${newestMajor}.`,
    )
  if (major > newestMajor)
    return failed(
      'version',
      `Postgres ${major} is newer than what this Favo was tested with (${newestMajor}).`,
      'Update Favo.',
    )
  return ok('version', `Postgres ${major}`)
}

const superuser: Rule = async (session) => {
  const [row] = await session.many<{ name: string; is_super: boolean; is_standby: boolean }>(sql`
    select session_user::text as name, rolsuper as is_super, pg_is_in_recovery() as is_standby
    from pg_roles where rolname = session_user`)
  if (row?.is_super !== true)
    return failed(
      'superuser',
      `${row?.name ?? 'the role'} is no superuser; databases of projects and their guards belong to one.`,
      'Give the URL of a superuser. Managed services that have none cannot be adopted.',
    )
  if (row.is_standby)
    return failed('superuser', 'The server is a standby.', 'Give the address of the primary.')
  return row.name === 'favo_admin'
    ? ok('superuser', 'signed in as favo_admin')
    : adoptable('superuser', `favo_admin is not there yet (signed in as ${row.name}).`)
}

const wantedSettings: readonly {
  readonly name: string
  readonly isFine: (value: string) => boolean
  readonly why: string
  readonly mend: string
  readonly isFatal?: true
}[] = [
  {
    name: 'event_triggers',
    isFine: (value) => value === 'on',
    why: "the guards of the platform's objects are event triggers",
    mend: "alter system set event_triggers = 'on'",
    isFatal: true,
  },
  {
    name: 'default_transaction_read_only',
    isFine: (value) => value === 'off',
    why: 'nothing could be written',
    mend: "alter system set default_transaction_read_only = 'off'",
    isFatal: true,
  },
  {
    name: 'max_connections',
    isFine: (value) => Number(value) >= 100,
    why: 'all projects of the cluster share them',
    mend: 'alter system set max_connections = 300',
  },
  {
    name: 'superuser_reserved_connections',
    isFine: (value) => Number(value) >= 5,
    why: 'the platform must get in when projects have used up the rest',
    mend: 'alter system set superuser_reserved_connections = 10',
  },
  {
    name: 'reserved_connections',
    isFine: (value) => Number(value) > 0,
    why: "direct connections of customers can starve the platform's pools",
    mend: 'alter system set reserved_connections = 100',
  },
  {
    name: 'max_locks_per_transaction',
    isFine: (value) => Number(value) >= 256,
    why: 'the lock table is shared by all projects',
    mend: 'alter system set max_locks_per_transaction = 512',
  },
  {
    name: 'max_prepared_transactions',
    isFine: (value) => value === '0',
    why: 'a prepared transaction that nobody ends holds back vacuum of all projects, and no watchdog sees it',
    mend: 'alter system set max_prepared_transactions = 0',
  },
  {
    name: 'wal_level',
    isFine: (value) => value === 'logical',
    why: 'realtime reads the changes of tables from it',
    mend: "alter system set wal_level = 'logical'",
  },
  {
    name: 'log_statement',
    isFine: (value) => value === 'none',
    why: 'statements may hold secrets',
    mend: "alter system set log_statement = 'none'",
  },
  {
    name: 'log_min_duration_statement',
    isFine: (value) => value === '-1',
    why: 'statements may hold secrets',
    mend: 'alter system set log_min_duration_statement = -1',
  },
  {
    name: 'fsync',
    isFine: (value) => value === 'on',
    why: 'a crash of the machine loses what was acknowledged',
    mend: "alter system set fsync = 'on'",
  },
]

const settings: Rule = async (session) => {
  const rows = await session.many<{ name: string; setting: string }>(sql`
    select name, setting from pg_settings where name in (${sql.join(
      wantedSettings.map(({ name }) => sql`${name}`),
      ', ',
    )})`)
  const values = new Map(rows.map(({ name, setting }) => [name, setting]))
  const wrong = wantedSettings.filter(({ name, isFine }) => !isFine(values.get(name) ?? ''))
  if (wrong.length === 0) return ok('settings', `${wantedSettings.length} settings are as they should be`)
  const report = wrong.some(({ isFatal }) => isFatal) ? failed : warning
  return report(
    'settings',
    wrong.map(({ name, why }) => `${name} is ${values.get(name) ?? 'not there'}: ${why}`).join('; '),
    `${wrong.map(({ mend }) => mend).join('; ')}; then restart the server`,
  )
}

const encryption: Rule = async (session, { endpoint }) => {
  const isNear = endpoint.host.startsWith('/') || ['127.0.0.1', '::1', 'localhost'].includes(endpoint.host)
  const [row] = await session.many<{ ssl: boolean }>(
    sql`select coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as ssl`,
  )
  if (isNear || row?.ssl === true)
    return ok('encryption', isNear ? 'on this machine' : 'connections are encrypted')
  return warning(
    'encryption',
    'Connections to this server are not encrypted: who listens on the network reads the data of all projects.',
    'Switch TLS on in the server and add the cluster with sslmode=verify-full in its URL.',
  )
}

const locale: Rule = async (session) => {
  const [row] = await session.many<{ provider: string; locale: string }>(sql`
    select datlocprovider::text as provider, coalesce(datlocale, datcollate) as locale
    from pg_database where datname = 'template0'`)
  if (row?.provider === 'b' || row?.locale === 'C') return ok('locale', `texts sort by ${row.locale}`)
  return warning(
    'locale',
    `Texts sort by ${row?.locale ?? 'an unknown locale'} of the operating system: elsewhere, and after an upgrade of it, they sort differently.`,
    'Keep the operating system of the server, or initialise it with --locale-provider=builtin --builtin-locale=C.UTF-8.',
  )
}

export const serverRules: readonly Rule[] = [version, superuser, settings, encryption, locale]
