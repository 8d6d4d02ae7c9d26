import type { CreateBranchBody } from '@favo/contracts'
import { DatabaseError } from '@favo/postgres'
import type { Audit } from '../audit/audit-entry.ts'
import { clusterNumberOf } from '@favo/tenancy'
import { controlErrors, reasonOf, ControlError } from '../errors.ts'
import type { Platform } from '../platform.ts'
import { deleteProject } from '../projects/change-status.ts'
import { bringUp, reserve, StepNotes } from '../projects/create-project.ts'
import { getActiveProject } from '../projects/get-project.ts'
import { setStep, type ProjectRow } from '../projects/projects.sql.ts'
import { branchErrors } from './branch-errors.ts'
import {
  copySettings,
  ensureDefaultBranch,
  findBranch,
  findBranchByName,
  insertBranch,
  listBranchRefs,
  setBranchStatus,
} from './branches.sql.ts'
import { makeBranchDatabase } from './fill-branch.ts'
import { applyMigrations, readMigrations } from './migrations.ts'
import { applySeeds, readSeeds } from './seeds.ts'

const BRANCHES_MAX = 50

/**
 * Claims a ref for a branch and begins to make it. `done` resolves when it is up, and rejects when it could not be made;
 * then its project stays, INIT_FAILED with the reason, until it is deleted or its name is used again.
 */
export async function startBranch(
  platform: Platform,
  parent: ProjectRow,
  body: CreateBranchBody,
  audit: Audit,
): Promise<{ readonly ref: string; readonly done: Promise<unknown> }> {
  const own = await findBranch(platform.db, parent.ref)
  if (own !== null && !own.is_default) throw branchErrors.branchOfBranch()
  const same = await findBranchByName(platform.db, parent.ref, body.branch_name)
  if (same?.project_status === 'INIT_FAILED') await deleteProject(platform, same.ref, { isForGood: true })
  if ((await listBranchRefs(platform.db, parent.ref)).length >= BRANCHES_MAX)
    throw branchErrors.tooMany(BRANCHES_MAX)

  const withData = body.with_data ?? false
  const row = await reserve(
    platform,
    { name: `${parent.name.slice(0, 150)} (${body.branch_name})`, region: parent.region },
    parent.organization_id,
    clusterNumberOf(parent.database),
    async (tx, { ref }) => {
      await ensureDefaultBranch(tx, parent.ref)
      await insertBranch(tx, {
        ref,
        parentRef: parent.ref,
        name: body.branch_name,
        gitBranch: body.git_branch ?? null,
        isPersistent: body.persistent ?? false,
        withData,
        notifyUrl: body.notify_url ?? null,
        expiresInHours: body.expires_in_hours ?? null,
      })
      await copySettings(tx, ref, parent.ref)
      // It is answered before it is up, so the row is of this moment.
      audit.note({ target: ref, after: { name: body.branch_name, with_data: withData } })
      await audit.write(tx)
    },
  ).catch((error: unknown) => {
    if (error instanceof DatabaseError && error.constraint === 'branches_name_key')
      throw branchErrors.nameTaken(body.branch_name)
    throw error
  })
  const done = bringUp(platform, row, () => fill(platform, row, parent, withData))
  return { ref: row.ref, done }
}

async function fill(
  platform: Platform,
  row: ProjectRow,
  parent: ProjectRow,
  withData: boolean,
): Promise<void> {
  const steps = new StepNotes(platform, row)
  await makeBranchDatabase(platform, row.database, { database: parent.database, withData }, steps)
  await steps.settle()
  if (!withData) {
    await setStep(platform.db, row, 'migrations')
    await setBranchStatus(platform.db, row.ref, 'RUNNING_MIGRATIONS')
  }
  const failure = withData ? null : await replay(platform, parent.database, row.database)
  await setBranchStatus(
    platform.db,
    row.ref,
    failure === null ? 'FUNCTIONS_DEPLOYED' : 'MIGRATIONS_FAILED',
    failure,
  )
}

/** A migration or a seed file that fails leaves a branch that says so and can be mended; only what is the platform's fault is thrown. */
async function replay(platform: Platform, from: string, to: string): Promise<string | null> {
  const ctx = { pools: platform.pools, signal: new AbortController().signal }
  try {
    await applyMigrations(ctx, to, await readMigrations(ctx, from))
    await applySeeds(ctx, to, await readSeeds(ctx, from))
    return null
  } catch (error) {
    if (error instanceof ControlError && error.status < 500) return reasonOf(error)
    throw error
  }
}

/** Throws 404. */
export async function getBranch(platform: Platform, ref: string | null) {
  const branch = ref === null ? null : await findBranch(platform.db, ref)
  if (branch === null) throw branchErrors.notFound()
  return branch
}

/** The project of a branch, and that of its parent, when both are up. Throws 404 and 409. */
export async function getPair(
  platform: Platform,
  branch: { ref: string; parent_ref: string; is_default: boolean },
) {
  if (branch.is_default) throw branchErrors.isDefault()
  const [own, parent] = [
    await getActiveProject(platform, branch.ref),
    await getActiveProject(platform, branch.parent_ref),
  ]
  // A branch that was given away alone has no way back.
  if (own.organization_id !== parent.organization_id) throw controlErrors.projectNotFound()
  return { own, parent }
}
