import type { ControlContext } from '../context.ts'
import { ControlError } from '../errors.ts'
import { prepareSeeds, recordSeed } from '../owner-sql/history.ts'
import { rowsToJson } from '../owner-sql/json-cells.ts'
import { MIGRATION_DEADLINE_MS } from '../owner-sql/limits.ts'
import { readHistory } from '../owner-sql/read-history.ts'
import { runOwnerSql, splitOwnerSql } from '../owner-sql/run-owner-sql.ts'
import { unwrapTransaction } from '../owner-sql/statement-kind.ts'

type Databases = Pick<ControlContext, 'pools' | 'signal'>

export interface AppliedSeed {
  readonly path: string
  readonly hash: string
  readonly content: string
}

/**
 * The seed files of a database in the order in which they were run. Those that Supabase's CLI ran itself are not among them:
 * it remembers their hashes only.
 */
export async function readSeeds(ctx: Databases, database: string): Promise<AppliedSeed[]> {
  const result = await readHistory(
    ctx,
    database,
    `select path, hash, to_jsonb(s) ->> 'content' as content from supabase_migrations.seed_files s
      order by to_jsonb(s) ->> 'applied_at', path`,
  )
  if (result === null) return []
  return rowsToJson(result).flatMap(({ path, hash, content }) =>
    typeof content === 'string' ? [{ path: String(path), hash: String(hash), content }] : [],
  )
}

/** Each in a transaction of its own together with its row. Throws what the first that fails says, with its name. */
export async function applySeeds(
  ctx: Databases,
  database: string,
  seeds: readonly AppliedSeed[],
): Promise<void> {
  for (const { path, hash, content } of seeds)
    try {
      await runOwnerSql(ctx, database, {
        source: content,
        statements: unwrapTransaction(await splitOwnerSql(content)),
        before: prepareSeeds,
        after: [recordSeed(path, hash, content)],
        deadlineMs: MIGRATION_DEADLINE_MS,
      })
    } catch (error) {
      if (!(error instanceof ControlError)) throw error
      throw new ControlError(error.status, error.code, `The seed file ${path} failed: ${error.message}`, {
        ...(error.sql === undefined ? {} : { sql: error.sql }),
        cause: error,
      })
    }
}
