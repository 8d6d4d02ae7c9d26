import { randomBytes } from 'node:crypto'
import { buildScramVerifier, sql, type Sql } from '@favo/postgres'
import type { Admin, AdminSession } from './admin.ts'
import { sqlState } from './errors.ts'
import { databaseLock, withLock } from './locks.ts'
import { cliLoginPrefix, loginRoleOf } from './names.ts'

export interface CliLogin {
  /** As the customer calls it: `cli_login_…`, to be followed by `.<ref>`. */
  readonly name: string
  readonly password: string
}

export interface CliLoginInput {
  readonly database: string
  /** How long one can sign in with it. Sessions that were opened in time go on. */
  readonly ttlSeconds: number
  /** Sees what is there now, also behind row level security, and changes nothing; otherwise it is the owner's equal. */
  readonly isReadOnly: boolean
}

/** What the Management API gives to Supabase's CLI instead of the owner's password: a login that expires. */
export async function createCliLogin(admin: Admin, input: CliLoginInput): Promise<CliLogin> {
  const { database, ttlSeconds, isReadOnly } = input
  const name = `${cliLoginPrefix}${randomBytes(8).toString('hex')}`
  const role = loginRoleOf(database, name)
  const password = randomBytes(24).toString('base64url')
  const verifier = await buildScramVerifier(password)
  await admin.session((session) =>
    withLock(session, databaseLock(database), 'exclusive', async () => {
      await session.run(createStatements({ database, role, verifier, ttlSeconds, isReadOnly }))
      if (isReadOnly) await admin.inDatabase(database, (inside) => inside.run(grantReading(role)))
    }),
  )
  return { name, password }
}

function createStatements(login: {
  readonly database: string
  readonly role: string
  readonly verifier: string
  readonly ttlSeconds: number
  readonly isReadOnly: boolean
}): Sql {
  const role = sql.ident(login.role)
  const db = sql.ident(login.database)
  const setting = (name: string, value: Sql) =>
    sql`alter role ${role} in database ${db} set ${sql.ident(name)} = ${value}`
  return sql.join(
    [
      sql`
        do $$
        begin
          execute format('create role %I login noinherit connection limit 5 valid until %L password %L',
            ${sql.literal(login.role)}, now() + make_interval(secs => ${sql.literal(String(login.ttlSeconds))}::float8),
            ${sql.literal(login.verifier)});
        end
        $$`,
      sql`grant ${db} to ${role}`,
      sql`grant connect on database ${db} to ${role}`,
      setting('search_path', sql.trusted('"$user", public, extensions')),
      setting('statement_timeout', sql.literal('2min')),
      ...(login.isReadOnly
        ? [
            sql`alter role ${role} inherit bypassrls`,
            setting('default_transaction_read_only', sql.literal('on')),
          ]
        : [sql`grant postgres to ${role}`, setting('role', sql.literal('postgres'))]),
    ],
    '; ',
  )
}

/**
 * Rights to read, table by table: `pg_read_all_data` would open pg_authid as well, and membership of `postgres` cannot be
 * kept from writing. The platform's own schema stays closed.
 */
const grantReading = (role: string): Sql => sql`
  do $$
  declare
    found name;
  begin
    for found in
      select nspname from pg_namespace
      where nspname !~ '^pg_' and nspname not in ('information_schema', 'control')
    loop
      execute format('grant usage on schema %I to %I', found, ${sql.literal(role)});
      execute format('grant select on all tables in schema %I to %I', found, ${sql.literal(role)});
    end loop;
  end
  $$`

/** Ends their sessions and removes them; those that have expired, or all of the database. Returns how many that were. */
export async function dropCliLogins(
  admin: Admin,
  database: string,
  which: 'expired' | 'all',
): Promise<number> {
  return admin.session((session) =>
    withLock(session, databaseLock(database), 'exclusive', async () => {
      const roles = (await listCliLogins(session, which)).filter((login) => login.database === database)
      for (const { role } of roles) await dropCliLogin(admin, session, database, role)
      return roles.length
    }),
  )
}

/** Databases that have a login which expired and has no session any more. */
export async function listDatabasesWithExpiredLogins(admin: Admin): Promise<readonly string[]> {
  const logins = await admin.session((session) => listCliLogins(session, 'expired'))
  return [...new Set(logins.map(({ database }) => database))]
}

/** Expired ones with a session are left until it ends. */
function listCliLogins(
  session: AdminSession,
  which: 'expired' | 'all',
): Promise<{ role: string; database: string }[]> {
  return session.many(sql`
    select rolname as role, split_part(rolname, '_cli', 1) as database from pg_authid
    where rolname ~ '^p_[a-z0-9]+_cli[0-9a-f]+$'
      and (
        ${which === 'all'}
        or (rolvaliduntil < now() and not exists (select from pg_stat_activity where usesysid = pg_authid.oid))
      )
  `)
}

async function dropCliLogin(
  admin: Admin,
  session: AdminSession,
  database: string,
  role: string,
): Promise<void> {
  const drop = sql`
    alter role ${sql.ident(role)} nologin;
    select pg_terminate_backend(pid, 1000) from pg_stat_activity where usename = ${sql.literal(role)};
    revoke all on database ${sql.ident(database)} from ${sql.ident(role)};
    drop role ${sql.ident(role)}`
  try {
    await session.run(drop)
  } catch (error) {
    // 2BP01: it was given rights, or made something after SET ROLE NONE. What it made is the owner's.
    if (sqlState(error) !== '2BP01') throw error
    await admin.inDatabase(database, (inside) =>
      inside.run(sql`reassign owned by ${sql.ident(role)} to postgres; drop owned by ${sql.ident(role)}`),
    )
    await session.run(drop)
  }
}
