import { CliLogin, CreateCliLoginBody, DeletedCliLogins } from '@favo/contracts'
import type { z } from 'zod'
import { getActiveProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'

/** As hosted Supabase has it. Sessions that were opened in time outlive it. */
const TTL_SECONDS = 5 * 60

export const cliLoginRoutes: readonly Route[] = [
  route({
    operation: 'cli_logins.create',
    method: 'POST',
    path: '/projects/:ref/cli/login-role',
    // One that only reads takes less than one that is the owner's equal.
    permission: { scope: 'project', role: 'read_only', grant: 'database:read' },
    summary: 'A login for the database that expires, in place of the owner’s password.',
    status: 201,
    body: CreateCliLoginBody,
    response: CliLogin,
    handle: async (ctx, { params, body }): Promise<CliLogin> => {
      if (!body.read_only) ctx.require('developer', 'database:write')
      const { database } = await getActiveProject(ctx, params.ref)
      const login = await ctx.tenancy.createCliLogin({
        database,
        ttlSeconds: TTL_SECONDS,
        isReadOnly: body.read_only,
      })
      ctx.audit.note({ target: login.name })
      return { role: login.name, password: login.password, ttl_seconds: TTL_SECONDS }
    },
  }),
  route({
    operation: 'cli_logins.delete',
    method: 'DELETE',
    path: '/projects/:ref/cli/login-role',
    permission: { scope: 'project', role: 'developer', grant: 'database:write' },
    summary: 'Removes all such logins of a project and ends their sessions.',
    response: DeletedCliLogins,
    handle: async (ctx, { params }): Promise<z.infer<typeof DeletedCliLogins>> => {
      const { database } = await getActiveProject(ctx, params.ref)
      await ctx.tenancy.dropCliLogins(database)
      return { message: 'ok' }
    },
  }),
]
