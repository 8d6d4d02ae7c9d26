import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  BranchActionBody,
  CreateBranchBody,
  DeleteBranchQuery,
  UpdateBranchBody,
  type Branch,
  type BranchActionReply,
  type BranchConfig,
} from '@favo/contracts'
import { DatabaseError } from '@favo/postgres'
import { audited } from '../audit/audited.ts'
import { readServerVersions } from '../clusters/clusters.sql.ts'
import type { ControlContext } from '../context.ts'
import type { Permission } from '../permissions/permission.ts'
import { deleteProject } from '../projects/change-status.ts'
import { getActiveProject, getProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'
import { branchErrors } from './branch-errors.ts'
import {
  findBranch,
  findBranchByName,
  findBranchRef,
  listBranches,
  listBranchRefs,
  updateBranch,
  type BranchRow,
} from './branches.sql.ts'
import { getBranch, getPair, startBranch } from './create-branch.ts'
import { applyMigrations, findNew, joinStatements, readMigrations } from './migrations.ts'
import { resetBranch } from './reset-branch.ts'

/** A large copy goes on after the answer, whose status then says CREATING_PROJECT. */
const ANSWER_AFTER_MS = 20_000
const SOFT_DELETE_HOURS = 1

const onBranch = (
  role: 'read_only' | 'developer' | 'administrator',
  grant: 'environment:read' | 'environment:write',
): Permission => ({
  scope: 'project',
  role,
  grant,
  locate: {
    ref: (db, params) => findBranchRef(db, params.branch ?? ''),
    notFound: () => branchErrors.notFound(),
  },
})

export const branchRoutes: readonly Route[] = [
  route({
    operation: 'branches.list',
    method: 'GET',
    path: '/projects/:ref/branches',
    permission: { scope: 'project', role: 'read_only', grant: 'environment:read' },
    handle: async (ctx, { params }) => {
      const { ref } = await getProject(ctx, params.ref)
      return (await listBranches(ctx.db, ref)).map(render)
    },
  }),
  route({
    operation: 'branches.create',
    method: 'POST',
    path: '/projects/:ref/branches',
    permission: { scope: 'project', role: 'developer', grant: 'environment:write' },
    status: 201,
    body: CreateBranchBody,
    handle: async (ctx, { params, body }): Promise<Branch> => {
      const parent = await getActiveProject(ctx, params.ref)
      const { ref, done } = await startBranch(ctx, parent, body, ctx.audit)
      // Its failure is in the row and the log when nobody waits for it any more.
      done.catch(() => undefined)
      await Promise.race([done, sleep(ANSWER_AFTER_MS, undefined, { ref: false })])
      return render(await getBranch(ctx, ref))
    },
  }),
  route({
    operation: 'branches.disable',
    method: 'DELETE',
    path: '/projects/:ref/branches',
    permission: { scope: 'project', role: 'administrator', grant: 'environment:write' },
    handle: async (ctx, { params }) => {
      const { ref } = await getProject(ctx, params.ref)
      for (const branch of await listBranchRefs(ctx.db, ref))
        await deleteProject(ctx, branch, { isForGood: true })
      return { message: 'ok' }
    },
  }),
  route({
    operation: 'branches.get_by_name',
    method: 'GET',
    path: '/projects/:ref/branches/:name',
    permission: { scope: 'project', role: 'read_only', grant: 'environment:read' },
    handle: async (ctx, { params }) => {
      const { ref } = await getProject(ctx, params.ref)
      const branch = await findBranchByName(ctx.db, ref, params.name ?? '')
      if (branch === null) throw branchErrors.notFound()
      return render(branch)
    },
  }),
  route({
    operation: 'branches.get_config',
    method: 'GET',
    path: '/branches/:branch',
    permission: onBranch('read_only', 'environment:read'),
    handle: async (ctx): Promise<BranchConfig> => {
      const row = await getProject(ctx, ctx.access.projectRef ?? '')
      const version = (await readServerVersions(ctx.db))(row.database)
      const { host, port } = ctx.addresses.database
      return {
        ref: row.ref,
        postgres_version: version,
        postgres_engine: version.split('.')[0] ?? version,
        release_channel: 'ga',
        status: row.status,
        db_host: host,
        db_port: port,
        db_user: `postgres.${row.ref}`,
      }
    },
  }),
  route({
    operation: 'branches.update',
    method: 'PATCH',
    path: '/branches/:branch',
    permission: onBranch('developer', 'environment:write'),
    body: UpdateBranchBody,
    handle: async (ctx, { body }) => {
      const branch = await getBranch(ctx, ctx.access.projectRef)
      if (branch.is_default && body.expires_in_hours != null) throw branchErrors.isDefault()
      ctx.audit.note({ target: branch.ref, before: { name: branch.name }, after: body })
      await audited(ctx, (tx) =>
        updateBranch(tx, branch.ref, {
          name: body.branch_name,
          gitBranch: body.git_branch,
          isPersistent: body.persistent,
          resetsOnPush: body.reset_on_push,
          isReviewRequested: body.request_review,
          notifyUrl: body.notify_url,
          expiresInHours: body.expires_in_hours,
        }),
      ).catch((error: unknown) => {
        if (error instanceof DatabaseError && error.constraint === 'branches_name_key')
          throw branchErrors.nameTaken(body.branch_name ?? '')
        throw error
      })
      return render(await getBranch(ctx, branch.ref))
    },
  }),
  route({
    operation: 'branches.delete',
    method: 'DELETE',
    path: '/branches/:branch',
    permission: onBranch('administrator', 'environment:write'),
    query: DeleteBranchQuery,
    handle: async (ctx, { query }) => {
      const branch = await getBranch(ctx, ctx.access.projectRef)
      if (branch.is_default) throw branchErrors.isDefault()
      if (query.force === 'false') await setExpiry(ctx, branch, SOFT_DELETE_HOURS)
      else await deleteProject(ctx, branch.ref, { isForGood: true, trail: ctx.audit })
      return { message: 'ok' }
    },
  }),
  route({
    operation: 'branches.restore',
    method: 'POST',
    path: '/branches/:branch/restore',
    permission: onBranch('administrator', 'environment:write'),
    status: 201,
    handle: async (ctx) => {
      await setExpiry(ctx, await getBranch(ctx, ctx.access.projectRef), null)
      return { message: 'Branch restoration initiated' }
    },
  }),
  route({
    operation: 'branches.diff',
    method: 'GET',
    path: '/branches/:branch/diff',
    permission: onBranch('read_only', 'environment:read'),
    contentType: 'text/plain; charset=utf-8',
    /** The SQL that a merge would run in the parent. */
    handle: async (ctx) => {
      const { own, parent } = await getPair(ctx, await getBranch(ctx, ctx.access.projectRef))
      const [from, to] = [await readMigrations(ctx, own.database), await readMigrations(ctx, parent.database)]
      return findNew(from, to, undefined)
        .map(({ version, name, statements }) => `-- ${version}_${name}\n${joinStatements(statements)}`)
        .join('\n')
    },
  }),
  ...(['merge', 'push'] as const).map((action) =>
    route({
      operation: `branches.${action}`,
      method: 'POST',
      path: `/branches/:branch/${action}`,
      permission: onBranch('developer', 'environment:write'),
      status: 201,
      body: BranchActionBody,
      handle: async (ctx, { body }): Promise<BranchActionReply> => {
        ctx.require('developer', 'database:write')
        const { own, parent } = await getPair(ctx, await getBranch(ctx, ctx.access.projectRef))
        const [from, to] = action === 'merge' ? [own, parent] : [parent, own]
        const pending = findNew(
          await readMigrations(ctx, from.database),
          await readMigrations(ctx, to.database),
          body.migration_version,
        )
        return answer(ctx, await applyMigrations(ctx, to.database, pending))
      },
    }),
  ),
  route({
    operation: 'branches.reset',
    method: 'POST',
    path: '/branches/:branch/reset',
    permission: onBranch('developer', 'environment:write'),
    status: 201,
    body: BranchActionBody,
    handle: async (ctx, { body }): Promise<BranchActionReply> => {
      const branch = await getBranch(ctx, ctx.access.projectRef)
      const pair = await getPair(ctx, branch)
      ctx.audit.note({ target: branch.ref, after: { name: branch.name, up_to: body.migration_version } })
      return answer(
        ctx,
        await resetBranch(ctx, branch, pair, { upTo: body.migration_version, trail: ctx.audit }),
      )
    },
  }),
]

function answer(ctx: ControlContext, applied: readonly string[]): BranchActionReply {
  ctx.audit.note({ after: { applied } })
  return { workflow_run_id: randomUUID(), message: 'ok', applied: [...applied] }
}

async function setExpiry(ctx: ControlContext, branch: BranchRow, hours: number | null): Promise<void> {
  ctx.audit.note({ target: branch.ref, after: { expires_in_hours: hours } })
  await audited(ctx, (tx) =>
    updateBranch(tx, branch.ref, {
      name: undefined,
      gitBranch: undefined,
      isPersistent: undefined,
      resetsOnPush: undefined,
      isReviewRequested: undefined,
      notifyUrl: undefined,
      expiresInHours: hours,
    }),
  )
  await findBranch(ctx.db, branch.ref)
}

const render = (row: BranchRow): Branch => ({
  id: row.id,
  name: row.name,
  project_ref: row.ref,
  parent_project_ref: row.parent_ref,
  is_default: row.is_default,
  ...(row.git_branch === null ? {} : { git_branch: row.git_branch }),
  persistent: row.is_persistent,
  status: row.status,
  created_at: row.created_at,
  updated_at: row.updated_at,
  ...(row.review_requested_at === null ? {} : { review_requested_at: row.review_requested_at }),
  with_data: row.with_data,
  ...(row.notify_url === null ? {} : { notify_url: row.notify_url }),
  ...(row.expires_at === null ? {} : { deletion_scheduled_at: row.expires_at }),
  preview_project_status: row.project_status,
  ...(row.error === null ? {} : { error: row.error }),
})
