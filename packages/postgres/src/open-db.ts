import { silentLogger, type Logger } from '@favo/runtime'
import { Budget } from './pool/budget.ts'
import { lease } from './pool/lease.ts'
import { listen } from './pool/listen.ts'
import { createQueryable } from './queryable.ts'
import { beginReadWrite, runTransaction } from './transaction.ts'
import type { Db, StepResult } from './types.ts'
import { encodeValue } from './values.ts'
import { Connection } from './wire/connection.ts'
import type { Endpoint } from './wire/endpoint.ts'
import { plainFlight, type FlightPlan } from './wire/flight.ts'
import { openSession } from './wire/handshake.ts'
import type { Sql } from './sql.ts'

export interface OpenDbOptions {
  readonly endpoint: Endpoint
  readonly user: string
  readonly password: string
  readonly database: string
  readonly max: number
  /** Start-up options, for example `-c search_path=pg_catalog -c event_triggers=off`. */
  readonly options?: string
  readonly applicationName?: string
  /** Default: a minute. */
  readonly idleMs?: number
  /** How long a query waits for a connection, and for a server that is restarting. Default: ten seconds. */
  readonly acquireTimeoutMs?: number
  readonly log?: Logger
}

/**
 * `run` without parameters uses the simple protocol: its text may hold several statements, which then are one
 * transaction, and is not prepared.
 */
export interface OwnDb extends Db {
  /** As `ProjectDb.listen`. */
  listen(channel: string, onNotify: (payload: string) => void, onLost: () => void): Promise<void>
  close(): Promise<void>
}

/** How values are read (`rows.ts`). Set at start-up, so they are also what RESET returns to. */
const settings = {
  timezone: 'UTC',
  datestyle: 'ISO, MDY',
  intervalstyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
}

const connectTimeoutMs = 5_000
const closeGraceMs = 5_000

/**
 * A small pool of one login in one database, for code that runs no customer's SQL: the control plane, the superuser. With
 * `max: 1` it is one session: what a query sets or locks is there for the next, until the connection is idle for `idleMs`.
 */
export function openDb(options: OpenDbOptions): OwnDb {
  const { endpoint, database, user } = options
  const budget = new Budget({
    open: async () =>
      new Connection(
        await openSession({
          ...options,
          settings: {
            ...settings,
            application_name: options.applicationName ?? 'favo',
            ...(options.options === undefined ? {} : { options: options.options }),
          },
          timeoutMs: connectTimeoutMs,
        }),
        endpoint,
      ),
    maxConnections: options.max,
    maxPerPool: options.max,
    cores: options.max,
    idleMs: options.idleMs ?? 60_000,
    acquireTimeoutMs: options.acquireTimeoutMs ?? 10_000,
    log: options.log ?? silentLogger(),
  })
  const acquire = () => lease((waiter) => budget.acquire(database, user, waiter))
  return {
    ...createQueryable(async (query, returnsRows) => {
      const connection = await acquire()
      try {
        return lastOf(await connection.run(flightOf(query, returnsRows)))
      } finally {
        connection.release()
      }
    }),
    transaction: (work) =>
      runTransaction(
        { lease: acquire, clean: false, begin: beginReadWrite, prelude: [], plan: '', allowsScripts: true },
        work,
      ),
    listen: (channel, onNotify, onLost) => listen(budget, database, user, channel, { onNotify, onLost }),
    close: () => budget.close(closeGraceMs),
  }
}

function flightOf(query: Sql, returnsRows: boolean): FlightPlan {
  const isScript = !returnsRows && query.values.length === 0
  if (isScript) return { ...plainFlight, script: query.text }
  return { ...plainFlight, steps: [{ text: query.text, values: query.values.map(encodeValue), plan: '' }] }
}

function lastOf(results: readonly StepResult[]): StepResult {
  return results.at(-1) ?? { fields: [], rows: [], tag: '' }
}
