import { sql } from '@favo/postgres'
import type { AdminSession } from './admin.ts'

export interface DatabaseState {
  /** A half-made database has never been open to connections. */
  readonly database: 'absent' | 'half_made' | 'complete' | 'paused'
  /** Whether any role of the project is there. */
  readonly hasRoles: boolean
}

export async function findState(session: AdminSession, database: string): Promise<DatabaseState> {
  const [row] = await session.many<{ allows: boolean | null; limit: number | null; has_roles: boolean }>(sql`
    select
      (select datallowconn from pg_database where datname = ${database}) as allows,
      (select datconnlimit from pg_database where datname = ${database}) as limit,
      exists (
        select from pg_roles where rolname = ${database} or starts_with(rolname::text, ${`${database}_`})
      ) as has_roles
  `)
  return {
    database: describe(row?.allows ?? null, row?.limit ?? null),
    hasRoles: row?.has_roles ?? false,
  }
}

export function describe(allowsConnections: boolean | null, connectionLimit: number | null) {
  if (allowsConnections === null) return 'absent'
  // -2 is how Postgres marks a database whose DROP was interrupted.
  if (!allowsConnections || connectionLimit === -2) return 'half_made'
  return connectionLimit === 0 ? 'paused' : 'complete'
}
