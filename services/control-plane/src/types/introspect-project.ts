import type { GeneratorMetadata } from '@supabase/postgrest-typegen'
import type { ControlContext } from '../context.ts'
import { controlErrors } from '../errors.ts'
import { rowsToJson } from '../owner-sql/json-cells.ts'
import { plainStep, runOwnerSql } from '../owner-sql/run-owner-sql.ts'

const DEADLINE_MS = 30_000

/** Schemas whose tables are the platform's; types of them help nobody and would be many. */
const SCHEMAS_MAX = 50

/**
 * What the generators need to know of a project's database, in their order. Read as its owner, read-only, one statement
 * after the other: types are worth one connection, not ten.
 */
export async function introspectProject(
  ctx: ControlContext,
  database: string,
  schemas: readonly string[],
): Promise<GeneratorMetadata> {
  if (schemas.length > SCHEMAS_MAX)
    throw controlErrors.invalid(`included_schemas must name at most ${SCHEMAS_MAX} schemas.`)
  // Loaded when it is asked for: the package and its formatter take 17 MB and a moment.
  const { introspect, sortGeneratorMetadata } = await import('@supabase/postgrest-typegen')
  let last: Promise<unknown> = Promise.resolve()
  const query = (text: string): Promise<{ rows: Record<string, unknown>[] }> => {
    const result = last.then(() => readRows(ctx, database, text))
    last = result.catch(() => undefined)
    return result
  }
  return sortGeneratorMetadata(await introspect({ query }, { includedSchemas: [...schemas] }))
}

async function readRows(ctx: ControlContext, database: string, text: string) {
  const [result] = await runOwnerSql(ctx, database, {
    source: text,
    statements: [],
    steps: [plainStep(text)],
    readOnly: true,
    deadlineMs: DEADLINE_MS,
  })
  return { rows: result === undefined ? [] : rowsToJson(result) }
}
