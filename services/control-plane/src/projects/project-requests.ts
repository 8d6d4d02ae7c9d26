import { ControlError, reasonOf } from '../errors.ts'
import type { Platform } from '../platform.ts'
import { deleteProject } from './change-status.ts'
import { createProject } from './create-project.ts'
import { claimProjectRequests, deleteProjectRequest, releaseProjectRequest } from './project-requests.sql.ts'
import type { ProjectRequestRow } from './project-requests.sql.ts'

/** What a change of `control.project_requests` is announced as, on the channel of the projects. */
export const requestsMark = '!requests'

/**
 * Makes and deletes the projects that were asked for in SQL. A creation's request goes in the transaction that claims the
 * project's row; from then on it is a creation as any other. Its database password is known to nobody: the owner resets it.
 */
export async function carryOutRequests(platform: Platform): Promise<void> {
  for (;;) {
    const rows = await claimProjectRequests(platform.db, 10)
    if (rows.length === 0) return
    for (const row of rows) await carryOutRequest(platform, row)
  }
}

async function carryOutRequest(platform: Platform, row: ProjectRequestRow): Promise<void> {
  try {
    if (row.kind === 'create')
      await createProject(platform, {
        ref: row.ref,
        name: row.name,
        organization_slug: row.organization_id,
        id: row.project_id,
      })
    else await deleteProject(platform, row.ref, { isForGood: false })
    await deleteProjectRequest(platform.db, row.ref, row.kind)
  } catch (error) {
    if (error instanceof ControlError && isSettled(row.kind, error)) {
      await deleteProjectRequest(platform.db, row.ref, row.kind)
      return
    }
    platform.log.warn({ project: row.ref, kind: row.kind, error }, 'a project request failed')
    await releaseProjectRequest(platform.db, row, reasonOf(error), 2 ** row.attempts)
  }
}

/** The project is there already (another process was quicker, or its row says what failed), or gone already. */
const isSettled = (kind: 'create' | 'delete', { code }: ControlError): boolean =>
  kind === 'create' ? code === 'ref_taken' || code === 'change_failed' : code === 'project_not_found'
