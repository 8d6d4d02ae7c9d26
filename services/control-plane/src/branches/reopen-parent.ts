import type { Platform } from '../platform.ts'
import { findProjectRow } from '../projects/projects.sql.ts'
import { findBranch } from './branches.sql.ts'

/**
 * A process that was killed while it copied a parent's database has left it refusing sessions. Does nothing for projects
 * that are no branches, and for parents that were meant to be closed.
 */
export async function reopenParent(platform: Platform, ref: string): Promise<void> {
  const branch = await findBranch(platform.db, ref)
  if (branch === null || branch.is_default || !branch.with_data) return
  const parent = await findProjectRow(platform.db, branch.parent_ref)
  if (parent?.status !== 'ACTIVE_HEALTHY') return
  await platform.tenancy.resumeDatabase(parent.database)
  // Somebody may have paused it in between.
  const now = await findProjectRow(platform.db, branch.parent_ref)
  if (now?.status === 'INACTIVE') await platform.tenancy.pauseDatabase(parent.database)
}
