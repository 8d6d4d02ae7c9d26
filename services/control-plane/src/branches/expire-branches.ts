import { reasonOf } from '../errors.ts'
import type { Platform } from '../platform.ts'
import { deleteProject } from '../projects/change-status.ts'
import { listExpiredBranchRefs } from './branches.sql.ts'

/** Deletes branches whose time is over. One that cannot be deleted now is tried again by the next sweep. */
export async function deleteExpiredBranches(platform: Platform): Promise<void> {
  for (const ref of await listExpiredBranchRefs(platform.db, platform.clock())) {
    try {
      await deleteProject(platform, ref, { isForGood: true })
      platform.log.info({ project: ref }, 'deleted a branch whose time was over')
    } catch (error) {
      platform.log.warn({ project: ref, error: reasonOf(error) }, 'an expired branch could not be deleted')
    }
  }
}
