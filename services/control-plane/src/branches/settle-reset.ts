import { sql, type Queryable } from '@favo/postgres'
import type { Platform } from '../platform.ts'
import { finishChange, type ProjectRow } from '../projects/projects.sql.ts'
import { findBranch } from './branches.sql.ts'
import { reopenParent } from './reopen-parent.ts'

/** What a reset leaves when the new database has taken the old one's place. */
export const exchangedStep = 'drop the old database'

/**
 * Ends a reset that was cut off: before the exchange by taking the new database away, after it by taking the old one. False
 * when the row is no branch with a reset underway.
 */
export async function settleReset(platform: Platform, row: ProjectRow): Promise<boolean> {
  const branch = await findBranch(platform.db, row.ref)
  if (branch === null || branch.reset_database === null) return false
  await reopenParent(platform, row.ref)
  await platform.pools.closeDatabase(branch.reset_database)
  await platform.tenancy.dropDatabase(branch.reset_database)
  const isDone = row.step === exchangedStep
  await platform.db.transaction(async (tx) => {
    const reason = isDone ? null : 'the reset was interrupted and undone'
    if (await finishChange(tx, row, 'ACTIVE_HEALTHY', reason)) await forgetResetDatabase(tx, row.ref)
  })
  return true
}

export const forgetResetDatabase = (db: Queryable, ref: string) =>
  db.run(
    sql`update control.branches set reset_database = null, status = 'FUNCTIONS_DEPLOYED' where ref = ${ref}`,
  )
