import { DatabaseError } from '@favo/postgres'
import type { ProjectStatus } from '@favo/projects'
import type { Audit } from '../audit/audit-entry.ts'
import { listBranchRefs } from '../branches/branches.sql.ts'
import { settleReset } from '../branches/settle-reset.ts'
import { controlErrors, reasonOf } from '../errors.ts'
import type { Platform } from '../platform.ts'
import { proposeSubdomain } from './subdomain.ts'
import {
  deleteChangedProject,
  deleteFailedProject,
  findProjectRow,
  finishChange,
  listPurgeableRows,
  setChangeAudit,
  setError,
  startChange,
  startDeletion,
  startRestoration,
  type ProjectRow,
} from './projects.sql.ts'

/**
 * Pause, resume, restart and delete. Each marks the row first (which drops the project from all caches), then works on the
 * database, then marks the end. Every step can be repeated, so a change that was cut off is simply carried on.
 */
type Change = 'pause' | 'resume' | 'restart'

const changes: Record<Change, { from: readonly ProjectStatus[]; via: ProjectStatus; participle: string }> = {
  pause: { from: ['ACTIVE_HEALTHY'], via: 'PAUSING', participle: 'paused' },
  resume: { from: ['INACTIVE'], via: 'RESTORING', participle: 'resumed' },
  restart: { from: ['ACTIVE_HEALTHY'], via: 'RESTARTING', participle: 'restarted' },
}

/** For the row of the audit log; none when nobody asked for the change. */
export type Trail = Pick<Audit, 'carry'>

export async function pauseProject(platform: Platform, ref: string, trail?: Trail): Promise<ProjectRow> {
  const row = await getRow(platform, ref)
  return row.status === 'INACTIVE' ? row : change(platform, row, 'pause', trail)
}

/** Also brings a removed project back, under another subdomain if its own has got a new owner meanwhile. */
export async function resumeProject(platform: Platform, ref: string, trail?: Trail): Promise<ProjectRow> {
  const row = await getRow(platform, ref)
  if (row.status === 'REMOVED') return restoreProject(platform, row, trail)
  return row.status === 'ACTIVE_HEALTHY' ? row : change(platform, row, 'resume', trail)
}

/** Ends all sessions of the project. Requests that come meanwhile hear that it is coming up. */
export const restartProject = async (platform: Platform, ref: string, trail?: Trail): Promise<ProjectRow> =>
  change(platform, await getRow(platform, ref), 'restart', trail)

/**
 * Resolves when nothing reaches the project any more. After the platform's grace (at once where that is zero, or with
 * `isForGood`) database, logins and row are dropped. A deletion that fails is tried again by the sweep.
 */
export async function deleteProject(
  platform: Platform,
  ref: string,
  { isForGood, trail }: { readonly isForGood: boolean; readonly trail?: Trail | undefined },
): Promise<ProjectRow> {
  const row = await getRow(platform, ref)
  if (row.status === 'INIT_FAILED') {
    // Its database went with the roll-back; asking again costs nothing and makes sure.
    await platform.tenancy.dropDatabase(row.database)
    await platform.db.transaction(async (tx) => {
      if (trail !== undefined) await setChangeAudit(tx, ref, trail.carry())
      await deleteFailedProject(tx, row)
    })
    return row
  }
  if (row.status === 'REMOVED' && !isForGood) throw controlErrors.projectNotFound()
  const started = await startDeletion(platform.db, {
    ref,
    from: isForGood ? ['ACTIVE_HEALTHY', 'INACTIVE', 'REMOVED'] : ['ACTIVE_HEALTHY', 'INACTIVE'],
    instance: platform.instance.number,
    graceSeconds: isForGood ? 0 : platform.deleteGraceSeconds,
    audit: trail?.carry() ?? null,
  })
  return finish(platform, row, started, 'deleted')
}

/** Drops what was removed long enough ago. Returns how many projects that were. */
export async function purgeRemovedProjects(platform: Platform): Promise<number> {
  const rows = await listPurgeableRows(platform.db, platform.clock())
  for (const row of rows) {
    await deleteProject(platform, row.ref, { isForGood: true })
    platform.log.info({ project: row.ref }, 'purged a removed project')
  }
  return rows.length
}

async function restoreProject(
  platform: Platform,
  row: ProjectRow,
  trail: Trail | undefined,
): Promise<ProjectRow> {
  for (let attempt = 0; ; attempt++) {
    const subdomain = attempt === 0 ? row.subdomain : proposeSubdomain(row.name, row.organization_id, attempt)
    try {
      const started = await startRestoration(platform.db, {
        ref: row.ref,
        subdomain,
        instance: platform.instance.number,
        audit: trail?.carry() ?? null,
      })
      return await finish(platform, row, started, 'restored')
    } catch (error) {
      const isTaken = error instanceof DatabaseError && error.constraint === 'projects_subdomain_key'
      if (!isTaken || attempt >= 5) throw error
    }
  }
}

async function change(
  platform: Platform,
  row: ProjectRow,
  kind: Change,
  trail: Trail | undefined,
): Promise<ProjectRow> {
  const { from, via, participle } = changes[kind]
  const started = await startChange(platform.db, {
    ref: row.ref,
    from,
    to: via,
    instance: platform.instance.number,
    audit: trail?.carry() ?? null,
  })
  return finish(platform, row, started, participle)
}

/** The row as it was, and as the change has marked it: null when somebody else was quicker. */
async function finish(
  platform: Platform,
  row: ProjectRow,
  started: ProjectRow | null,
  participle: string,
): Promise<ProjectRow> {
  if (started === null) {
    const now = await getRow(platform, row.ref)
    if (now.status === 'REMOVED') throw controlErrors.projectNotFound()
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
        if (await settleReset(platform, row)) return (await findProjectRow(db, row.ref)) ?? row
        await tenancy.resumeDatabase(row.database)
        await finishChange(db, row, 'ACTIVE_HEALTHY')
      } else if (row.status === 'RESTARTING') {
        await pools.closeDatabase(row.database)
        await tenancy.pauseDatabase(row.database)
        await tenancy.resumeDatabase(row.database)
        await finishChange(db, row, 'ACTIVE_HEALTHY')
      } else if (row.status === 'GOING_DOWN') {
        for (const ref of await listBranchRefs(db, row.ref))
          await deleteProject(platform, ref, { isForGood: true })
        await pools.closeDatabase(row.database)
        if (row.purge_at === null) {
          await tenancy.dropDatabase(row.database)
          await deleteChangedProject(db, row)
        } else {
          await tenancy.pauseDatabase(row.database)
          await finishChange(db, row, 'REMOVED')
        }
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
  if (row.status === 'PAUSING' || row.status === 'RESTARTING') {
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
