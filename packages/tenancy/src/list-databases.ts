import { sql } from '@favo/postgres'
import type { Admin } from './admin.ts'
import { describe } from './state.ts'

export interface DatabaseListing {
  readonly database: string
  readonly state: 'half_made' | 'complete' | 'paused'
  /** The platform version it was last brought to; differs from `platformVersion` when an upgrade is due. */
  readonly version: string | null
}

/** All project databases of the cluster, by name. */
export async function listDatabases(admin: Admin): Promise<readonly DatabaseListing[]> {
  const rows = await admin.session((session) =>
    session.many<{ database: string; allows: boolean; limit: number; version: string | null }>(sql`
      select
        datname as database,
        datallowconn as allows,
        datconnlimit as limit,
        (
          select substr(entry, 14) from pg_db_role_setting, unnest(setconfig) entry
          where setdatabase = pg_database.oid and setrole = 0 and starts_with(entry, 'favo.version=')
        ) as version
      from pg_database
      where datname ~ '^p_[a-z0-9]+$'
      order by datname
    `),
  )
  return rows.map(({ database, allows, limit, version }) => {
    const state = describe(allows, limit)
    return { database, state: state === 'absent' ? 'half_made' : state, version }
  })
}
