import { EdgeFunction } from '@favo/contracts'
import { z } from 'zod'
import { controlErrors } from '../errors.ts'
import { getProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'
import type { Permission } from '../permissions/permission.ts'

// This platform runs no edge functions, so a project has none, and nothing can be deployed.

const reads: Permission = { scope: 'project', role: 'read_only', grant: 'edge_functions:read' }
const writes: Permission = { scope: 'project', role: 'developer', grant: 'edge_functions:write' }

const refuse = (operation: string, method: Route['method'], path: string): Route =>
  route({
    operation,
    method,
    path,
    permission: writes,
    summary: 'Answers 501: this platform does not run edge functions.',
    handle: () => Promise.reject(controlErrors.notAvailable('This platform does not run edge functions.')),
  })

const find = (operation: string, method: Route['method'], path: string, permission: Permission): Route =>
  route({
    operation,
    method,
    path,
    permission,
    summary: 'Answers 404: the project has no edge functions.',
    handle: async (ctx, { params }) => {
      await getProject(ctx, params.ref)
      throw controlErrors.functionNotFound()
    },
  })

export const functionRoutes: readonly Route[] = [
  route({
    operation: 'functions.list',
    method: 'GET',
    path: '/projects/:ref/functions',
    permission: reads,
    summary: 'The edge functions of a project.',
    response: z.array(EdgeFunction),
    handle: async (ctx, { params }): Promise<EdgeFunction[]> => {
      await getProject(ctx, params.ref)
      return []
    },
  }),
  refuse('functions.create', 'POST', '/projects/:ref/functions'),
  refuse('functions.deploy', 'POST', '/projects/:ref/functions/deploy'),
  refuse('functions.bulk_update', 'PUT', '/projects/:ref/functions'),
  find('functions.get', 'GET', '/projects/:ref/functions/:slug', reads),
  find('functions.get_body', 'GET', '/projects/:ref/functions/:slug/body', reads),
  find('functions.update', 'PATCH', '/projects/:ref/functions/:slug', writes),
  find('functions.delete', 'DELETE', '/projects/:ref/functions/:slug', writes),
]
