import { sql, type Queryable } from '@favo/postgres'
import type { HookFunction } from './hook-uri.ts'

const TIMEOUT_MS = 2_000

/**
 * Calls a function of the project with the rights of supabase_auth_admin, within the caller's transaction: what it writes
 * stays exactly if the request succeeds. Mirrors auth internal/hooks/hookspgfunc@bc32168. Gives the answer as JSON's text.
 */
export async function runFunctionHook(
  tx: Queryable,
  { schema, name }: HookFunction,
  input: object,
): Promise<string | null> {
  const { before } = await tx.one<{ before: string }>(sql`
    select current_setting('statement_timeout') as before,
      set_config('statement_timeout', ${String(TIMEOUT_MS)}, true)
  `)
  const { answer } = await tx.one<{ answer: string | null }>(sql`
    select ${sql.ident(schema)}.${sql.ident(name)}(${JSON.stringify(input)})::text as answer
  `)
  await tx.one(sql`select set_config('statement_timeout', ${before}, true)`)
  return answer
}
