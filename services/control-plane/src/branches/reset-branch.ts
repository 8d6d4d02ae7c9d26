import { createSlug } from '@favo/tokens'
import { sql } from '@favo/postgres'
import { clusterNumberOf, databaseNameOn } from '@favo/tenancy'
import { ControlError, controlErrors, reasonOf } from '../errors.ts'
import type { Platform } from '../platform.ts'
import { StepNotes } from '../projects/create-project.ts'
import type { Trail } from '../projects/change-status.ts'
import { finishChange, startChange, type ProjectRow } from '../projects/projects.sql.ts'
import { setBranchStatus, type BranchRow } from './branches.sql.ts'
import { makeBranchDatabase } from './fill-branch.ts'
import { applyMigrations, findNew, readMigrations, type AppliedMigration } from './migrations.ts'
import { applySeeds, readSeeds, type AppliedSeed } from './seeds.ts'
import { exchangedStep, settleReset } from './settle-reset.ts'

/**
 * Makes a branch's database anew: for one with data from its parent's, then the branch's own migrations; for one without
 * from nothing, then all of its migrations and seed files; both up to a version when one is given. What was not in a migration is lost.
 * The old database stays in use until the new one is complete. Returns the versions that were applied.
 */
export async function resetBranch(
  platform: Platform,
  branch: BranchRow,
  { own, parent }: { readonly own: ProjectRow; readonly parent: ProjectRow },
  { upTo, trail }: { readonly upTo: string | undefined; readonly trail: Trail },
): Promise<string[]> {
  const ctx = { pools: platform.pools, signal: new AbortController().signal }
  const history = await readMigrations(ctx, own.database)
  const base = branch.with_data ? await readMigrations(ctx, parent.database) : []
  const migrations = findNew(history, base, upTo)
  // Of an earlier state the tables may not be there yet that a seed file fills.
  const seeds = branch.with_data || upTo !== undefined ? [] : await readSeeds(ctx, own.database)
  const database = databaseNameOn(`p_${createSlug()}`, clusterNumberOf(own.database))
  const row = await platform.db.transaction(async (tx) => {
    const started = await startChange(tx, {
      ref: own.ref,
      from: ['ACTIVE_HEALTHY'],
      to: 'RESTORING',
      instance: platform.instance.number,
      audit: trail.carry(),
    })
    if (started !== null)
      await tx.run(sql`update control.branches set reset_database = ${database} where ref = ${own.ref}`)
    return started
  })
  if (row === null) throw controlErrors.wrongStatus('changing', 'reset')
  return platform.running.track(row.id, () =>
    rebuild(platform, row, branch, parent, database, { migrations, seeds }),
  )
}

async function rebuild(
  platform: Platform,
  row: ProjectRow,
  branch: BranchRow,
  parent: ProjectRow,
  database: string,
  { migrations, seeds }: { migrations: readonly AppliedMigration[]; seeds: readonly AppliedSeed[] },
): Promise<string[]> {
  const ctx = { pools: platform.pools, signal: new AbortController().signal }
  const steps = new StepNotes(platform, row)
  try {
    await makeBranchDatabase(
      platform,
      database,
      { database: parent.database, withData: branch.with_data },
      steps,
    )
    await steps.settle()
    const applied = await applyMigrations(ctx, database, migrations)
    await applySeeds(ctx, database, seeds)
    await exchange(platform, row, database)
    await settleReset(platform, { ...row, step: exchangedStep })
    return applied
  } catch (error) {
    platform.log.warn({ project: row.ref, error: reasonOf(error) }, 'a branch could not be reset')
    await undo(platform, row, reasonOf(error)).catch((failure: unknown) => {
      platform.log.warn({ project: row.ref, error: failure }, 'the sweep will carry on')
    })
    throw error instanceof ControlError ? error : controlErrors.changeFailed('reset', error)
  }
}

/** Both in one transaction: the project's database, and which of the two goes. */
const exchange = (platform: Platform, row: ProjectRow, database: string) =>
  platform.db.transaction(async (tx) => {
    const count = await tx.run(sql`
      update control.projects set database = ${database}, step = ${exchangedStep}
      where id = ${row.id}::bigint and status = 'RESTORING' and instance = ${row.instance}`)
    if (count !== 1) throw new Error('another process took this reset for an orphan and undid it')
    await tx.run(sql`update control.branches set reset_database = ${row.database} where ref = ${row.ref}`)
  })

async function undo(platform: Platform, row: ProjectRow, reason: string): Promise<void> {
  if (!(await settleReset(platform, row))) await finishChange(platform.db, row, 'ACTIVE_HEALTHY', reason)
  await setBranchStatus(platform.db, row.ref, 'MIGRATIONS_FAILED', reason)
}
