import {
  serviceNames,
  UpdatePasswordBody,
  UpdateProjectBody,
  type PlatformAddresses,
  type ProjectStatusReport,
  type RemovedProject,
} from '@favo/contracts'
import { DatabaseError } from '@favo/postgres'
import { z } from 'zod'
import type { ControlContext } from '../context.ts'
import { controlErrors } from '../errors.ts'
import { listedFor } from '../permissions/access.ts'
import { route, type Route } from '../route.ts'
import { restartProject } from './change-status.ts'
import { getActiveProject, getProject } from './get-project.ts'
import { checkService } from './health.routes.ts'
import {
  listHistory,
  listRemovedRows,
  updateProject,
  type ProjectPatch,
  type ProjectRow,
} from './projects.sql.ts'
import { renderProject } from './render-project.ts'

const HISTORY_MAX = 100

export const lifecycleRoutes: readonly Route[] = [
  route({
    operation: 'platform.get_addresses',
    method: 'GET',
    path: '/addresses',
    permission: { scope: 'account', grant: 'projects:read' },
    handle: async ({ addresses }): Promise<PlatformAddresses> => ({
      api_url: addresses.apiUrl,
      project_host: new URL(addresses.projectUrl('x')).hostname.slice(2),
    }),
  }),
  route({
    operation: 'projects.update',
    method: 'PATCH',
    path: '/projects/:ref',
    permission: { scope: 'project', role: 'administrator', grant: 'projects:write' },
    body: UpdateProjectBody,
    handle: async (ctx, { params, body }) => {
      const before = await getProject(ctx, params.ref)
      const row = await patchProject(ctx, before, {
        ...body,
        hasVanitySubdomain: body.subdomain === undefined ? undefined : true,
      })
      return { ...renderProject(row, ctx.addresses), id: Number(row.id) }
    },
  }),
  route({
    operation: 'projects.restart',
    method: 'POST',
    path: '/projects/:ref/restart',
    permission: { scope: 'project', role: 'administrator', grant: 'projects:write' },
    handle: async (ctx, { params }) => {
      await getProject(ctx, params.ref)
      return renderProject(await restartProject(ctx, params.ref ?? '', ctx.audit), ctx.addresses)
    },
  }),
  route({
    operation: 'projects.list_removed',
    method: 'GET',
    path: '/removed-projects',
    permission: { scope: 'account', grant: 'projects:read' },
    handle: async (ctx): Promise<RemovedProject[]> =>
      (await listRemovedRows(ctx.db, listedFor(ctx))).map((row) => ({
        ref: row.ref,
        name: row.name,
        organization_id: row.organization_id,
        restorable_until: row.purge_at ?? '',
      })),
  }),
  route({
    operation: 'projects.get_status',
    method: 'GET',
    path: '/projects/:ref/status',
    permission: { scope: 'project', role: 'read_only', grant: 'projects:read' },
    handle: async (ctx, { params }): Promise<ProjectStatusReport> => {
      const row = await getProject(ctx, params.ref)
      const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(5_000)])
      const names = serviceNames.filter((name) => name === 'db' || ctx.services.has(name))
      const [history, services] = await Promise.all([
        listHistory(ctx.db, row.ref, HISTORY_MAX),
        Promise.all(names.map((name) => checkService(ctx, row, name, signal))),
      ])
      const { ref, name, status, step, error } = row
      // The oldest of the entries since which the status is what it is.
      const changed = history.findIndex((entry) => entry.status !== status)
      const since = history[(changed === -1 ? history.length : changed) - 1]?.at ?? row.created_at
      return { ref, name, status, is_up: status === 'ACTIVE_HEALTHY', step, error, since, services, history }
    },
  }),
  route({
    operation: 'projects.list_history',
    method: 'GET',
    path: '/projects/:ref/history',
    permission: { scope: 'project', role: 'read_only', grant: 'projects:read' },
    query: z.object({ limit: z.coerce.number().int().min(1).max(1_000).default(HISTORY_MAX) }),
    handle: async (ctx, { params, query }) =>
      listHistory(ctx.db, (await getProject(ctx, params.ref)).ref, query.limit),
  }),
  route({
    operation: 'projects.reset_password',
    method: 'PATCH',
    path: '/projects/:ref/database/password',
    permission: { scope: 'project', role: 'administrator', grant: 'database:write' },
    body: UpdatePasswordBody,
    handle: async (ctx, { params, body }) => {
      const row = await getActiveProject(ctx, params.ref)
      await ctx.db.transaction(async (tx) => {
        await ctx.audit.write(tx)
        // Sessions that are open stay; new ones need the new password at once.
        await ctx.tenancy.setOwnerPassword(row.database, body.password)
      })
      return { message: 'The database password is changed.' }
    },
  }),
]

/** Throws 404, 409 when the subdomain is another project's, 422 when it is nobody's to have. */
export async function patchProject(
  ctx: ControlContext,
  before: ProjectRow,
  patch: ProjectPatch,
): Promise<ProjectRow> {
  try {
    return await ctx.db.transaction(async (tx) => {
      const row = await updateProject(tx, before.ref, patch)
      if (row === null) throw controlErrors.projectNotFound()
      const shown = ({ name, subdomain }: ProjectRow) => ({ name, subdomain })
      ctx.audit.note({ before: shown(before), after: shown(row) })
      await ctx.audit.write(tx)
      return row
    })
  } catch (error) {
    const constraint = error instanceof DatabaseError ? error.constraint : null
    if (constraint === 'projects_subdomain_key') throw controlErrors.subdomainTaken(patch.subdomain ?? '')
    if (constraint === 'projects_subdomain_free') throw controlErrors.subdomainReserved(patch.subdomain ?? '')
    throw error
  }
}
