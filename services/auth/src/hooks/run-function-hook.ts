import { sql, type Queryable } from '@favo/postgres'
import type { HookFunction } from './hook-uri.ts'

/** GoTrue's limit, and the search_path that its role has on Supabase. */
const settings = { statement_timeout: '2s', search_path: 'auth, pg_temp' }

/**
 * Calls a function of the project with the rights of supabase_auth_admin, within the caller's transaction: what it writes
 * stays exactly if the request succeeds. Mirrors auth internal/hooks/hookspgfunc@bc32168. Gives the answer as JSON's text.
 */
export async function runFunctionHook(
  tx: Queryable,
  { schema, name }: HookFunction,
  input: object,
): Promise<string | null> {
  const call = sql`select ${sql.ident(schema, name)}(${JSON.stringify(input)})::text as answer`
  const { answer } = await tx.one<{ answer: string | null }>(sql.withSettings(settings, call))
  return answer
}
