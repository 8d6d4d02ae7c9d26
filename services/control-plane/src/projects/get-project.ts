import { controlErrors } from '../errors.ts'
import type { Platform } from '../platform.ts'
import { findProjectRow, type ProjectRow } from './projects.sql.ts'

/** Throws 404. */
export async function getProject(platform: Platform, ref: string | undefined): Promise<ProjectRow> {
  const row = await findProjectRow(platform.db, ref ?? '')
  if (row === null || row.status === 'REMOVED') throw controlErrors.projectNotFound()
  return row
}

/** Throws 404, or 409 when the project's database is not in use now. */
export async function getActiveProject(platform: Platform, ref: string | undefined): Promise<ProjectRow> {
  const row = await getProject(platform, ref)
  if (row.status !== 'ACTIVE_HEALTHY') throw controlErrors.notActive(row.status)
  return row
}
