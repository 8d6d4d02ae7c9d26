import {
  CreateProjectBody,
  DeleteProjectQuery,
  type CreatedProject,
  type DeletedProject,
} from '@favo/contracts'
import { readServerVersions } from '../clusters/clusters.sql.ts'
import { controlErrors } from '../errors.ts'
import { listedFor } from '../permissions/access.ts'
import { route, type Route } from '../route.ts'
import { deleteProject, pauseProject, resumeProject } from './change-status.ts'
import { createProject } from './create-project.ts'
import { getProject } from './get-project.ts'
import { findProjectRow, listProjectRows } from './projects.sql.ts'
import { loadConnection, renderDetails, renderProject } from './render-project.ts'

export const projectRoutes: readonly Route[] = [
  route({
    operation: 'projects.list',
    method: 'GET',
    path: '/projects',
    permission: { scope: 'account', grant: 'projects:read' },
    handle: async (ctx) => {
      const [rows, versionOf] = await Promise.all([
        listProjectRows(ctx.db, listedFor(ctx)),
        readServerVersions(ctx.db),
      ])
      return rows.map((row) => renderDetails(row, ctx.addresses, versionOf(row.database)))
    },
  }),
  route({
    operation: 'projects.create',
    method: 'POST',
    path: '/projects',
    permission: { scope: 'account', grant: 'projects:write' },
    status: 201,
    body: CreateProjectBody,
    handle: async (ctx, { body }): Promise<CreatedProject> => {
      await ctx.requireOrganization(
        body.organization_slug ?? body.organization_id ?? 'default',
        'administrator',
      )
      if (body.cluster !== undefined && !ctx.access.isPlatformAdministrator)
        throw controlErrors.forPlatformAdministrators()
      const { row, databasePassword } = await createProject(ctx, body, ctx.audit)
      return {
        ...renderProject(row, ctx.addresses),
        connection: await loadConnection(ctx, row, databasePassword),
      }
    },
  }),
  route({
    operation: 'projects.get',
    method: 'GET',
    path: '/projects/:ref',
    permission: { scope: 'project', role: 'read_only', grant: 'projects:read' },
    handle: async (ctx, { params }) => {
      const [row, versionOf] = await Promise.all([getProject(ctx, params.ref), readServerVersions(ctx.db)])
      return renderDetails(row, ctx.addresses, versionOf(row.database))
    },
  }),
  route({
    operation: 'projects.get_connection',
    method: 'GET',
    path: '/projects/:ref/connection',
    permission: { scope: 'project', role: 'developer', grant: 'secrets:read' },
    handle: async (ctx, { params }) => loadConnection(ctx, await getProject(ctx, params.ref), null),
  }),
  route({
    operation: 'projects.pause',
    method: 'POST',
    path: '/projects/:ref/pause',
    permission: { scope: 'project', role: 'administrator', grant: 'projects:write' },
    handle: async (ctx, { params }) =>
      renderProject(await pauseProject(ctx, params.ref ?? '', ctx.audit), ctx.addresses),
  }),
  route({
    operation: 'projects.restore',
    method: 'POST',
    path: '/projects/:ref/restore',
    permission: { scope: 'project', role: 'administrator', grant: 'projects:write' },
    handle: async (ctx, { params }) =>
      renderProject(await resumeProject(ctx, params.ref ?? '', ctx.audit), ctx.addresses),
  }),
  route({
    operation: 'projects.delete',
    method: 'DELETE',
    path: '/projects/:ref',
    permission: { scope: 'project', role: 'administrator', grant: 'projects:write' },
    query: DeleteProjectQuery,
    handle: async (ctx, { params, query }): Promise<DeletedProject> => {
      const before = await findProjectRow(ctx.db, params.ref ?? '')
      ctx.audit.note({ before: { name: before?.name, status: before?.status } })
      const row = await deleteProject(ctx, params.ref ?? '', {
        isForGood: query.for_good,
        trail: ctx.audit,
      })
      return { id: Number(row.id), ref: row.ref, name: row.name, restorable_until: row.purge_at }
    },
  }),
]
