import { sql } from '@favo/postgres'
import type { AdminSession } from './admin.ts'

/** Who uses up the cluster's transaction ids, of which there are 2^31 before Postgres has to vacuum every database. */
export interface TransactionUse {
  readonly intervalMs: number
  /** Exact, of the whole cluster. */
  readonly idsPerSecond: number
  readonly oldestDatabaseAge: number
  /** Databases that may have used any, the heaviest first. */
  readonly databases: readonly DatabaseTransactionUse[]
}

export interface DatabaseTransactionUse {
  readonly database: string
  /** Ended in the interval, also those that only read: an upper bound of the ids that whole transactions used. */
  readonly transactions: number
  /**
   * An estimate. Postgres does not count subtransactions (savepoints, exception blocks) per database, although each that
   * writes takes an id; what transactions do not explain is ascribed to the sessions that were seen with subtransactions.
   */
  readonly subtransactions: number
}

interface Sample {
  readonly at: number
  readonly nextId: bigint
  readonly oldestDatabaseAge: number
  readonly databases: ReadonlyMap<string, { transactions: number; openSubtransactions: number }>
}

export interface TransactionMeter {
  sample(session: AdminSession): Promise<TransactionUse | null>
  latest(): TransactionUse | null
}

export function createTransactionMeter(): TransactionMeter {
  let previous: Sample | null = null
  let latest: TransactionUse | null = null
  return {
    sample: async (session) => {
      const current = await takeSample(session)
      latest = previous === null ? null : compare(previous, current)
      previous = current
      return latest
    },
    latest: () => latest,
  }
}

async function takeSample(session: AdminSession): Promise<Sample> {
  // Takes an id itself: the only exact way to learn the next one, and one in five seconds is nothing.
  const rows = await session.many<{
    next_id: string
    age: number
    database: string
    transactions: string
    open_subtransactions: string
  }>(sql`
    select
      pg_current_xact_id()::text as next_id,
      (select max(age(datfrozenxid)) from pg_database where datallowconn) as age,
      datname as database,
      xact_commit + xact_rollback as transactions,
      (
        -- 64 is what a backend shows at most; beyond it there is only a flag.
        select coalesce(sum(subxact_count + case when subxact_overflowed then 64 else 0 end), 0)
        from pg_stat_get_backend_idset() backend, pg_stat_get_backend_subxact(backend)
        where pg_stat_get_backend_dbid(backend) = datid
      ) as open_subtransactions
    from pg_stat_database
    where datname is not null
  `)
  return {
    at: Date.now(),
    nextId: BigInt(rows[0]?.next_id ?? 0),
    oldestDatabaseAge: rows[0]?.age ?? 0,
    databases: new Map(
      rows.map((row) => [
        row.database,
        { transactions: Number(row.transactions), openSubtransactions: Number(row.open_subtransactions) },
      ]),
    ),
  }
}

function compare(before: Sample, after: Sample): TransactionUse {
  const ids = Number(after.nextId - before.nextId)
  const ended = [...after.databases].map(([database, now]) => {
    // A database that is new, or whose statistics were reset, counts from zero.
    const then = before.databases.get(database)?.transactions ?? 0
    const transactions = now.transactions >= then ? now.transactions - then : now.transactions
    return { database, transactions, weight: now.openSubtransactions }
  })
  const explained = ended.reduce((sum, { transactions }) => sum + transactions, 0)
  const weights = ended.reduce((sum, { weight }) => sum + weight, 0)
  const unexplained = Math.max(0, ids - explained)
  const intervalMs = Math.max(1, after.at - before.at)
  return {
    intervalMs,
    idsPerSecond: (ids * 1000) / intervalMs,
    oldestDatabaseAge: after.oldestDatabaseAge,
    databases: ended
      .map(({ database, transactions, weight }) => ({
        database,
        transactions,
        subtransactions: weights === 0 ? 0 : Math.round((unexplained * weight) / weights),
      }))
      .filter(({ transactions, subtransactions }) => transactions + subtransactions > 0)
      .sort((a, b) => b.transactions + b.subtransactions - a.transactions - a.subtransactions),
  }
}
