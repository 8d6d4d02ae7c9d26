import { GeneratedTypes, GenerateTypesQuery, TypeLanguage } from '@favo/contracts'
import { controlErrors } from '../errors.ts'
import { getActiveProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'
import { generateTypes } from './generate-types.ts'
import { introspectProject } from './introspect-project.ts'

export const typeRoutes: readonly Route[] = [
  route({
    operation: 'types.generate',
    method: 'GET',
    path: '/projects/:ref/types/:language',
    permission: { scope: 'project', role: 'read_only', grant: 'database:read' },
    summary: 'Types of a project’s tables, views and functions: `typescript`, `go`, `python` or `swift`.',
    query: GenerateTypesQuery,
    response: GeneratedTypes,
    handle: async (ctx, { params, query }): Promise<GeneratedTypes> => {
      const language = TypeLanguage.safeParse(params.language)
      if (!language.success)
        throw controlErrors.invalid(`The language must be one of ${TypeLanguage.options.join(', ')}.`)
      const row = await getActiveProject(ctx, params.ref)
      const metadata = await introspectProject(ctx, row.database, readSchemas(query.included_schemas))
      return { types: await generateTypes(language.data, metadata) }
    },
  }),
]

/** As the Management API: `public` unless others are named. */
function readSchemas(list: string | undefined): string[] {
  const names = (list ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  return names.length === 0 ? ['public'] : [...new Set(names)]
}
