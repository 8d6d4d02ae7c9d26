import { createQueryable } from './queryable.ts'
import { ConnectionError, type Queryable, type Step, type StepResult } from './types.ts'
import type { Sql } from './sql.ts'
import { encodeValue } from './values.ts'
import type { Connection } from './wire/connection.ts'
import type { FlightPlan } from './wire/flight.ts'

export interface TransactionOptions {
  /** The connection is held until `release`. */
  readonly lease: () => Promise<Connection>
  /** See `FlightPlan.clean`. */
  readonly clean: boolean
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
    const flight = flightOf(options, query, returnsRows, opening === null)
    let results
    if (opening === null) {
      opening = open(options, flight)
      results = await (await opening).first
    } else results = await inTransaction((await opening).connection, flight)
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

/** The statement, with all that belongs in front of it. */
function flightOf(
  options: TransactionOptions,
  query: Sql,
  returnsRows: boolean,
  isFirst: boolean,
): FlightPlan {
  const begin = isFirst ? { text: options.begin, inheritsIsolation: false, inheritsReadOnly: false } : null
  if (options.allowsScripts && !returnsRows && query.values.length === 0) {
    return { ...empty, script: isFirst ? `${options.begin};${query.text}` : query.text }
  }
  const step: Step = { text: query.text, values: query.values.map(encodeValue), plan: options.plan }
  return { ...empty, clean: options.clean && isFirst, begin, steps: [...options.prelude, step] }
}

const empty: FlightPlan = {
  clean: false,
  begin: null,
  steps: [],
  end: null,
  keepsTransaction: true,
  script: null,
}

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
    const results = await connection.run({ ...empty, keepsTransaction: false, script: how })
    if (how === 'commit' && results.at(-1)?.tag !== 'COMMIT') {
      throw new Error('the transaction was rolled back, because a statement in it had failed')
    }
  } finally {
    connection.release()
  }
}
