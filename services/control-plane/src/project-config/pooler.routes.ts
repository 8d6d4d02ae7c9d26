import { Pooler } from '@favo/contracts'
import { z } from 'zod'
import { getProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'
import { renderPooler } from './pooler.ts'

export const poolerRoutes: readonly Route[] = [
  route({
    operation: 'settings.get_pooler',
    method: 'GET',
    path: '/projects/:ref/config/database/pooler',
    permission: { scope: 'project', role: 'read_only', grant: 'database:read' },
    summary: 'How to reach a project’s database, without its password.',
    response: z.array(Pooler),
    handle: async (ctx, { params }) => renderPooler(await getProject(ctx, params.ref), ctx.addresses),
  }),
]
