import { isGone } from '../instance.ts'
import { reasonOf } from '../errors.ts'
import type { Platform } from '../platform.ts'
import { carryOut } from './change-status.ts'
import { rollBack } from './create-project.ts'
import { listChangingRows, takeOverChange, type ProjectRow } from './projects.sql.ts'

/**
 * Finishes changes whose process is gone, and those of this process that ended without a mark because the database did
 * not answer: half-made projects are rolled back (their password was known to their creator alone), everything else is
 * carried on. One that fails is left for the next sweep. Returns how many were settled.
 */
export async function settleOrphans(platform: Platform): Promise<number> {
  let settled = 0
  for (const row of await listChangingRows(platform.db)) {
    if (platform.running.has(row.id)) continue
    const ours = await takeOver(platform, row, row.idle_seconds)
    if (ours === null) continue
    try {
      await settle(platform, ours)
      settled++
      platform.log.info({ project: row.ref, status: row.status }, 'settled an interrupted change')
    } catch (error) {
      platform.log.warn(
        { project: row.ref, status: row.status, error: reasonOf(error) },
        'an interrupted change could not be settled; it will be tried again',
      )
    }
  }
  return settled
}

/** A change of ours that was marked in the row a moment ago may not be in `running` yet. */
const OWN_ORPHAN_SECONDS = 15

async function takeOver(
  platform: Platform,
  row: ProjectRow,
  idleSeconds: number,
): Promise<ProjectRow | null> {
  const { number } = platform.instance
  if (row.instance === null) return null
  if (row.instance === number) return idleSeconds >= OWN_ORPHAN_SECONDS ? row : null
  const from = row.instance
  return platform.db.transaction(async (tx) =>
    (await isGone(tx, from)) ? takeOverChange(tx, row, number) : null,
  )
}

const settle = (platform: Platform, row: ProjectRow): Promise<unknown> =>
  row.status === 'COMING_UP'
    ? platform.running.track(row.id, () =>
        rollBack(platform, row, `interrupted at the step ${row.step ?? 'reserve'}`),
      )
    : carryOut(platform, row)
