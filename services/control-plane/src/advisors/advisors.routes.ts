import { Advisors, AdvisorsQuery } from '@favo/contracts'
import { sql } from '@favo/postgres'
import type { ControlContext } from '../context.ts'
import { loadProject } from '../directory-source.ts'
import { controlErrors } from '../errors.ts'
import { getActiveProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'
import type { Rule } from './rule.ts'
import { runAdvisors } from './run-advisors.ts'

const advise = (category: Rule['category'], path: string, summary: string): Route =>
  route({
    operation: `advisors.${category.toLowerCase()}`,
    method: 'GET',
    path,
    permission: { scope: 'project', role: 'read_only', grant: 'database:read' },
    summary,
    query: AdvisorsQuery,
    response: Advisors,
    handle: async (ctx, { params }) => ({ lints: await lint(ctx, params.ref, category) }),
  })

async function lint(ctx: ControlContext, ref: string | undefined, category: Rule['category']) {
  const row = await getActiveProject(ctx, ref)
  const project = await loadProject(ctx, sql`p.ref = ${row.ref}`)
  if (project === null) throw controlErrors.projectNotFound()
  return runAdvisors(ctx, { database: row.database, exposedSchemas: project.rest.schemas }, category)
}

export const advisorRoutes: readonly Route[] = [
  advise('SECURITY', '/projects/:ref/advisors/security', 'What leaves a project’s data open.'),
  advise('PERFORMANCE', '/projects/:ref/advisors/performance', 'What makes a project’s database slow.'),
]
