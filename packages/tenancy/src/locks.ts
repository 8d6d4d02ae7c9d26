import { sql } from '@favo/postgres'
import type { AdminSession } from './admin.ts'

/**
 * Holds a session-level advisory lock of the maintenance database while `work` runs: rivals, also in other processes, wait
 * up to two minutes. Freed by Postgres when the process dies.
 */
export async function withLock<T>(
  session: AdminSession,
  name: string,
  mode: 'exclusive' | 'shared',
  work: () => Promise<T>,
): Promise<T> {
  const suffix = mode === 'shared' ? '_shared' : ''
  const key = sql`hashtextextended(${sql.literal(`favo ${name}`)}, 0)`
  // One trip, one implicit transaction; the lock outlives it, and the setting is back for the work itself.
  await session.run(sql`
    set local lock_timeout = '2min';
    select ${sql.ident(`pg_advisory_lock${suffix}`)}(${key})
  `)
  try {
    return await work()
  } finally {
    // When the session is broken the lock is gone with it; the error that broke it is the one to report.
    await session.run(sql`select ${sql.ident(`pg_advisory_unlock${suffix}`)}(${key})`).catch(() => {})
  }
}

export const databaseLock = (database: string): string => `database ${database}`
export const templateLock = 'template'
export const clusterLock = 'cluster'
