import { buildScramVerifier, sql, type Sql } from '@favo/postgres'
import { loginName, platformLogins, type PlatformLogin } from './names.ts'

export type PasswordFor = (database: string, login: 'api' | 'svc' | 'own' | 'ctl') => string | Promise<string>

/** A derived password has 256 bits: nothing is gained by making it slow to try, and every sign-in costs these rounds. */
const derivedIterations = 64
/** What Postgres itself takes for passwords that people choose. */
const chosenIterations = 4096

export const ownerVerifier = async (password: string): Promise<string> =>
  buildScramVerifier(password, chosenIterations)

export async function platformVerifier(
  passwordFor: PasswordFor,
  database: string,
  login: PlatformLogin,
): Promise<string> {
  return buildScramVerifier(await passwordFor(database, login), derivedIterations)
}

/** Of a database that is not paused. The pools of the platform take at most half of it; the rest is for direct connections. */
export const openConnectionLimit: Sql = sql`60`

/** Which labels a login may become. Nobody is a member of another project's role, and nobody administers a membership. */
const memberships = {
  db: ['postgres'],
  own: ['postgres'],
  // authenticator brings nothing by itself; roles that the operator grants to it can be taken by requests, as on Supabase.
  api: ['anon', 'authenticated', 'authenticator'],
  svc: [
    'service_role',
    'anon',
    'authenticated',
    'supabase_auth_admin',
    'supabase_storage_admin',
    'supabase_realtime_admin',
  ],
} as const

const suffixes = ['db', ...platformLogins] as const

export type Verifiers = Readonly<Record<(typeof suffixes)[number], string>>

/** Of all logins that a project has from the start. */
export async function makeVerifiers(
  passwordFor: PasswordFor,
  database: string,
  ownerPassword: string,
): Promise<Verifiers> {
  const [db, api, svc, own] = await Promise.all([
    ownerVerifier(ownerPassword),
    ...platformLogins.map((login) => platformVerifier(passwordFor, database, login)),
  ])
  if (db === undefined || api === undefined || svc === undefined || own === undefined)
    throw new Error('a login is without a verifier')
  return { db, api, svc, own }
}

/**
 * The roles of a project that has none yet: `p_<slug>` itself, which only makes its members pass `samerole` in pg_hba, and
 * four logins. NOINHERIT: a login has the rights of a label only after SET ROLE.
 */
export function createRoles(database: string, verifiers: Verifiers): Sql {
  return sql.join(
    [
      sql`create role ${sql.ident(database)} nologin`,
      ...suffixes.map((suffix) => createLogin(database, suffix, verifiers[suffix])),
    ],
    '; ',
  )
}

function createLogin(database: string, suffix: Suffix, verifier: string): Sql {
  const login = sql.ident(loginName(database, suffix))
  const labels = memberships[suffix].map((label) => sql.ident(label))
  // Where `reserved_connections` is set, direct connections of customers cannot take the slots of the platform's pools.
  const reserved = sql`grant pg_use_reserved_connections to ${login} with inherit true`
  return sql.join(
    [
      sql`create role ${login} login noinherit connection limit 20 password ${sql.literal(verifier)}`,
      sql`grant ${sql.ident(database)}, ${sql.join(labels, ', ')} to ${login}`,
      ...(suffix === 'db' ? [] : [reserved]),
    ],
    '; ',
  )
}

/**
 * Who may connect, and under which settings sessions start. Idempotent.
 *
 * A new database is open to PUBLIC whatever its template says, hence the order: closed, revoked, granted, opened. Values
 * that a customer chose never go to the database itself, because platform sessions would start under them; what is set
 * there are limits that only a superuser can change.
 */
export function grantAccess(database: string): Sql {
  const db = sql.ident(database)
  const logins = sql.join(
    suffixes.map((suffix) => sql.ident(loginName(database, suffix))),
    ', ',
  )
  return sql.join(
    [
      sql`revoke all on database ${db} from public`,
      sql`grant connect on database ${db} to ${logins}`,
      // Schemas, trusted extensions, publications, temporary tables. anon and authenticated get no temporary tables: one
      // could stand before a table that a SECURITY DEFINER function names without its schema.
      sql`grant create, temporary on database ${db} to postgres`,
      sql`grant temporary on database ${db} to service_role`,
      sql`alter database ${db} set temp_file_limit = '512MB'`,
      sql`alter database ${db} set idle_in_transaction_session_timeout = '10min'`,
      // What tenants raise must not fill or forge the shared log.
      sql`alter database ${db} set log_min_messages = 'fatal'`,
      sql`alter database ${db} set log_min_error_statement = 'panic'`,
      ...suffixes.flatMap((suffix) => loginSettings(database, suffix)),
    ],
    '; ',
  )
}

type Suffix = keyof typeof memberships

/** Each value is one that needs no list of names except search_path's, which is written as such. */
const ownerSettings = new Map([
  // RESET ROLE returns to this as well: a role among the session's settings is its reset value.
  ['role', 'postgres'],
  ['search_path', '"$user", public, extensions'],
  ['statement_timeout', '2min'],
])

/** With what the platform's logins start in their own database; customers may change some of it (see pg_favo.db_setting). */
export const expectedSettings: Readonly<Record<Suffix, ReadonlyMap<string, string>>> = {
  db: ownerSettings,
  own: ownerSettings,
  api: new Map([
    ['statement_timeout', '8s'],
    ['lock_timeout', '8s'],
    ['idle_in_transaction_session_timeout', '30s'],
  ]),
  svc: new Map([['idle_in_transaction_session_timeout', '30s']]),
}

export function loginSettings(
  database: string,
  suffix: Suffix,
  wanted: (name: string) => boolean = () => true,
): Sql[] {
  const login = sql.ident(loginName(database, suffix))
  return [...expectedSettings[suffix]]
    .filter(([name]) => wanted(name))
    .map(
      ([name, value]) =>
        sql`alter role ${login} in database ${sql.ident(database)} set ${sql.ident(name)} = ${
          name === 'search_path' ? sql.trusted(value) : sql.literal(value)
        }`,
    )
}

export function findSuffix(role: string): Suffix | null {
  const suffix = /^p_[a-z0-9]+_(db|own|api|svc)$/.exec(role)?.[1]
  return suffix === undefined ? null : (suffix as Suffix)
}

export const setPassword = (database: string, suffix: PlatformLogin | 'db', verifier: string): Sql =>
  sql`alter role ${sql.ident(loginName(database, suffix))} password ${sql.literal(verifier)}`

/**
 * The control plane's own login on the platform project: it owns the schema `control`, and is a member of no label, so
 * nothing that reaches `postgres` or the API roles reaches that schema.
 */
export function createControlLogin(database: string, verifier: string): Sql {
  const login = sql.ident(loginName(database, 'ctl'))
  return sql.join(
    [
      sql`create role ${login} login connection limit 40 password ${sql.literal(verifier)}`,
      sql`grant ${sql.ident(database)} to ${login}`,
      sql`grant connect on database ${sql.ident(database)} to ${login}`,
    ],
    '; ',
  )
}
