import { createQueryable } from './queryable.ts'
import { ConnectionError, type Queryable, type Step, type StepResult } from './types.ts'
import type { Sql } from './sql.ts'
import { encodeValue } from './values.ts'
import type { Connection } from './wire/connection.ts'
import { plainFlight, type FlightPlan } from './wire/flight.ts'

export const beginReadWrite = 'begin isolation level read committed, read write, not deferrable'

export interface TransactionOptions {
  /** The connection is held until `release`. */
  readonly lease: () => Promise<Connection>
  /** See `FlightPlan.clean`. */
  readonly clean: boolean
  /** Spells out isolation level and access mode, so that no default left on the connection decides. */
  readonly begin: string
  /** Goes in front of every statement, in its flight. */
  readonly prelude: readonly Step[]
  readonly plan: string
  /** Whether a statement without parameters is sent by the simple protocol, which allows several in one text. */
  readonly allowsScripts: boolean
}

/**
 * Runs `work` in a transaction. BEGIN travels with the first statement; a transaction that asks nothing takes no
 * connection. Loses nothing silently: an error that `work` swallowed makes the commit throw.
 */
export async function runTransaction<T>(
  options: TransactionOptions,
  work: (tx: Queryable) => Promise<T>,
): Promise<T> {
  let opening: Promise<Opened> | null = null
  let isOver = false
  const execute = async (query: Sql, returnsRows: boolean): Promise<StepResult> => {
    if (isOver) throw new Error('the transaction is over; a query was not awaited')
    const isScript = options.allowsScripts && !returnsRows && query.values.length === 0
    let results
    if (opening === null) {
      // The simple protocol cannot share a flight with BEGIN, and positions in its errors should be its own.
      opening = open(options, isScript ? beginning(options, []) : beginning(options, stepsOf(options, query)))
      const opened = await opening
      results = await opened.first
      if (isScript) results = await inTransaction(opened.connection, { ...empty, script: query.text })
    } else {
      const { connection } = await opening
      const rest = isScript ? { script: query.text } : { steps: stepsOf(options, query) }
      results = await inTransaction(connection, { ...empty, ...rest })
    }
    const result = results.at(-1)
    if (result === undefined) throw new Error('the statement had no result')
    return result
  }
  let result: T
  try {
    result = await work(createQueryable(execute))
  } catch (error) {
    isOver = true
    await finish(opening, 'rollback').catch(() => {})
    throw error
  }
  isOver = true
  await finish(opening, 'commit')
  return result
}

interface Opened {
  readonly connection: Connection
  /** The result of the first statement, which went with BEGIN. */
  readonly first: Promise<readonly StepResult[]>
}

/** A connection that turns out unusable before anything was done is exchanged for another. */
async function open(options: TransactionOptions, flight: FlightPlan): Promise<Opened> {
  for (let attempt = 1; ; attempt++) {
    const connection = await options.lease()
    const first = connection.run(flight)
    try {
      await first
    } catch (error) {
      if (error instanceof ConnectionError && error.kind === 'unavailable' && attempt < attemptsMax) {
        connection.release()
        continue
      }
    }
    return { connection, first: first.catch(rolledBack) }
  }
}

const attemptsMax = 3

const beginning = ({ begin, clean }: TransactionOptions, steps: readonly Step[]): FlightPlan => ({
  ...empty,
  clean,
  begin: { text: begin, inheritsIsolation: false, inheritsReadOnly: false },
  steps,
})

const stepsOf = ({ prelude, plan }: TransactionOptions, query: Sql): readonly Step[] => [
  ...prelude,
  ...settingSteps(query),
  { text: query.text, values: query.values.map(encodeValue), plan },
]

const settingSteps = ({ settings }: Sql): readonly Step[] =>
  Object.entries(settings ?? {}).map((setting) => ({
    text: 'select pg_catalog.set_config($1, $2, true)',
    values: setting,
    plan: '(service)',
  }))

const empty: FlightPlan = { ...plainFlight, keepsTransaction: true }

const inTransaction = (connection: Connection, flight: FlightPlan): Promise<readonly StepResult[]> =>
  connection.run(flight).catch(rolledBack)

/** Until COMMIT is sent nothing can have been committed, so a broken connection leaves no doubt. */
function rolledBack(error: unknown): never {
  if (!(error instanceof ConnectionError) || error.kind !== 'lost') throw error
  throw new ConnectionError('unavailable', 'the connection broke; the transaction was rolled back', {
    cause: error,
  })
}

async function finish(opening: Promise<Opened> | null, how: 'commit' | 'rollback'): Promise<void> {
  if (opening === null) return
  const { connection } = await opening
  try {
    const results = await connection.run({ ...plainFlight, script: how })
    if (how === 'commit' && results.at(-1)?.tag !== 'COMMIT') {
      throw new Error('the transaction was rolled back, because a statement in it had failed')
    }
  } finally {
    connection.release()
  }
}
