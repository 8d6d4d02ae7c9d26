import type { ProjectStatus } from '@favo/projects'
import { controlErrors, reasonOf } from '../errors.ts'
import type { Platform } from '../platform.ts'
import {
  deleteChangedProject,
  deleteFailedProject,
  findProjectRow,
  finishChange,
  setError,
  startChange,
  type ProjectRow,
} from './projects.sql.ts'

/**
 * Pause, resume and delete. Each marks the row first (which drops the project from all caches), then works on the
 * database, then marks the end. Every step can be repeated, so a change that was cut off is simply carried on.
 */
type Change = 'pause' | 'resume' | 'delete'

const changes: Record<Change, { from: readonly ProjectStatus[]; via: ProjectStatus; participle: string }> = {
  pause: { from: ['ACTIVE_HEALTHY'], via: 'PAUSING', participle: 'paused' },
  resume: { from: ['INACTIVE'], via: 'RESTORING', participle: 'resumed' },
  delete: { from: ['ACTIVE_HEALTHY', 'INACTIVE'], via: 'GOING_DOWN', participle: 'deleted' },
}

export async function pauseProject(platform: Platform, ref: string): Promise<ProjectRow> {
  const row = await getRow(platform, ref)
  return row.status === 'INACTIVE' ? row : change(platform, row, 'pause')
}

export async function resumeProject(platform: Platform, ref: string): Promise<ProjectRow> {
  const row = await getRow(platform, ref)
  return row.status === 'ACTIVE_HEALTHY' ? row : change(platform, row, 'resume')
}

/** Resolves when the database, its logins and the row are gone. A deletion that fails is tried again by the sweep. */
export async function deleteProject(platform: Platform, ref: string): Promise<ProjectRow> {
  const row = await getRow(platform, ref)
  if (row.status !== 'INIT_FAILED') return change(platform, row, 'delete')
  // Its database went with the roll-back; asking again costs nothing and makes sure.
  await platform.tenancy.dropDatabase(row.database)
  await deleteFailedProject(platform.db, row)
  return row
}

async function change(platform: Platform, row: ProjectRow, kind: Change): Promise<ProjectRow> {
  const { from, via, participle } = changes[kind]
  const started = await startChange(platform.db, {
    ref: row.ref,
    from,
    to: via,
    instance: platform.instance.number,
  })
  if (started === null) {
    const now = await getRow(platform, row.ref)
    throw controlErrors.wrongStatus(now.status, participle)
  }
  try {
    return await carryOut(platform, started)
  } catch (error) {
    throw controlErrors.changeFailed(participle, error)
  }
}

/**
 * Does what a row's status says is underway, and marks the end. Throws after noting the failure in the row: a project that
 * could not be paused is active again, one that could not be resumed stays paused, a deletion stays underway.
 */
export const carryOut = (platform: Platform, row: ProjectRow): Promise<ProjectRow> =>
  platform.running.track(row.id, async () => {
    const { db, pools, tenancy, log } = platform
    try {
      if (row.status === 'PAUSING') {
        await pools.closeDatabase(row.database)
        await tenancy.pauseDatabase(row.database)
        await finishChange(db, row, 'INACTIVE')
      } else if (row.status === 'RESTORING') {
        await tenancy.resumeDatabase(row.database)
        await finishChange(db, row, 'ACTIVE_HEALTHY')
      } else if (row.status === 'GOING_DOWN') {
        await pools.closeDatabase(row.database)
        await tenancy.dropDatabase(row.database)
        await deleteChangedProject(db, row)
      }
    } catch (error) {
      log.error({ project: row.ref, status: row.status, error }, 'change of status failed')
      await noteFailure(platform, row, reasonOf(error)).catch((noting: unknown) => {
        log.warn(
          { project: row.ref, error: noting },
          'the failure could not be noted; the sweep will carry on',
        )
      })
      throw error
    }
    return (await findProjectRow(db, row.ref)) ?? row
  })

async function noteFailure(platform: Platform, row: ProjectRow, reason: string): Promise<void> {
  if (row.status === 'PAUSING') {
    // Half a pause would leave a database that refuses connections under a project that says it is active.
    await platform.tenancy.resumeDatabase(row.database)
    await finishChange(platform.db, row, 'ACTIVE_HEALTHY', reason)
  } else if (row.status === 'RESTORING') await finishChange(platform.db, row, 'INACTIVE', reason)
  else await setError(platform.db, row, reason)
}

async function getRow(platform: Platform, ref: string): Promise<ProjectRow> {
  const row = await findProjectRow(platform.db, ref)
  if (row === null) throw controlErrors.projectNotFound()
  return row
}
