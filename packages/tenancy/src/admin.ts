import type { Endpoint, Sql } from '@favo/postgres'
import { Client, Pool, type PoolClient } from 'pg'
import { maintenanceDatabase } from './names.ts'

export interface AdminOptions {
  readonly endpoint: Endpoint
  /** The superuser, `favo_admin`. */
  readonly user: string
  readonly password: string
  /** How long a connection may take to come about; unless given, as long as the system tries. */
  readonly connectTimeoutMs?: number
}

/** One superuser session. Statements without parameters may be several, separated by semicolons: one implicit transaction. */
export interface AdminSession {
  many<Row extends object>(query: Sql): Promise<Row[]>
  run(query: Sql): Promise<void>
}

/**
 * Superuser access to the cluster, mostly to its maintenance database.
 *
 * Every session starts with a search_path of pg_catalog alone and with event triggers off: in a project's database the
 * customer may have put functions that fit a call better than pg_catalog's, and they would run as superuser.
 */
export interface Admin {
  /** A session of the pool, in the maintenance database. Session-level advisory locks taken by `work` must be released by it. */
  session<T>(work: (session: AdminSession) => Promise<T>): Promise<T>
  /** A session of its own in some database; event triggers are on only where nothing of a customer's exists yet. */
  inDatabase<T>(
    database: string,
    work: (session: AdminSession) => Promise<T>,
    options?: { eventTriggers: 'on' },
  ): Promise<T>
  /** A session in the maintenance database that its user keeps and closes. */
  open(): Promise<AdminSession & { close(): Promise<void> }>
  close(): Promise<void>
}

/** Of all sessions of ours, in `pg_stat_activity`. */
export const adminApplicationName = 'favo tenancy'

/** Longer than the watchdog needs to end a tenant's session that stands in the way. */
const lockTimeout = '20s'

const sessionOptions = (eventTriggers: 'on' | 'off'): string =>
  `-c search_path=pg_catalog -c event_triggers=${eventTriggers} -c lock_timeout=${lockTimeout} ` +
  // A statement that fails may hold a password's verifier.
  '-c statement_timeout=0 -c idle_in_transaction_session_timeout=60s -c log_min_error_statement=panic'

export function createAdmin(options: AdminOptions, sessionsMax: number): Admin {
  const connection = {
    ...socketOptions(options.endpoint),
    ...(options.connectTimeoutMs === undefined ? {} : { connectionTimeoutMillis: options.connectTimeoutMs }),
    user: options.user,
    password: options.password,
    application_name: adminApplicationName,
  }
  const pool = new Pool({
    ...connection,
    database: maintenanceDatabase,
    options: sessionOptions('off'),
    max: sessionsMax,
    idleTimeoutMillis: 30_000,
    allowExitOnIdle: true,
  })
  // An idle session that broke (Postgres restarted) is replaced by the pool; nobody was using it.
  pool.on('error', () => {})

  return {
    session: async (work) => {
      const client = await pool.connect()
      // The pool listens to idle sessions only. One that breaks between two statements reports it with the next.
      const ignore = () => {}
      client.on('error', ignore)
      let broken = true
      try {
        const result = await work(sessionOf(client))
        broken = false
        return result
      } finally {
        // After a failure the session may hold locks or a transaction; a new one costs a few milliseconds.
        client.off('error', ignore)
        client.release(broken)
      }
    },
    inDatabase: (database, work, inDatabaseOptions) =>
      withSession(
        {
          ...options.endpoint,
          user: options.user,
          password: options.password,
          database,
          options: sessionOptions(inDatabaseOptions?.eventTriggers ?? 'off'),
        },
        work,
      ),
    open: async () => {
      const client = new Client({
        ...connection,
        database: maintenanceDatabase,
        options: sessionOptions('off'),
      })
      await connectOrEnd(client)
      return { ...sessionOf(client), close: () => client.end() }
    },
    close: () => pool.end(),
  }
}

/** An endpoint in the words of `pg`. */
const socketOptions = ({ host, port, tls }: Endpoint) => ({
  host,
  port,
  ...(tls === undefined ? {} : { ssl: tls }),
})

export interface SessionTarget extends Endpoint {
  readonly user: string
  readonly password: string
  readonly database: string
  readonly options: string
}

/** Opens a session, also as one of a project's logins, for as long as `work` takes. */
export async function withSession<T>(
  target: SessionTarget,
  work: (session: AdminSession) => Promise<T>,
): Promise<T> {
  const { user, password, database, options } = target
  const client = new Client({
    application_name: adminApplicationName,
    connectionTimeoutMillis: 20_000,
    ...socketOptions(target),
    user,
    password,
    database,
    options,
  })
  await connectOrEnd(client)
  try {
    return await work(sessionOf(client))
  } finally {
    await client.end()
  }
}

async function connectOrEnd(client: Client): Promise<void> {
  // A session that breaks while idle reports it with the next statement.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    // A socket that stays in mid-authentication would hold up every DROP DATABASE until authentication_timeout.
    await client.end()
    throw error
  }
}

function sessionOf(client: PoolClient | Client): AdminSession {
  const query = async (statement: Sql) =>
    statement.values.length === 0
      ? client.query(statement.text)
      : client.query(statement.text, [...statement.values])
  return {
    many: async <Row extends object>(statement: Sql) => (await query(statement)).rows as Row[],
    run: async (statement) => {
      await query(statement)
    },
  }
}
