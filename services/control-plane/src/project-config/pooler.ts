import type { Pooler } from '@favo/contracts'
import type { Addresses } from '../platform.ts'
import type { ProjectRow } from '../projects/projects.sql.ts'

/** Where Postgres is expected; Supabase's CLI asks the first host there, whatever the connection string says. */
const STANDARD_PORT = 5432

/** How to reach a project's database. The password is nowhere in it. */
export function renderPooler(row: ProjectRow, addresses: Addresses): Pooler[] {
  const { host, port } = addresses.database
  const user = `postgres.${row.ref}`
  const connection = `postgresql://${user}:[YOUR-PASSWORD]@${hostList(host, port)}/postgres`
  return [
    {
      identifier: row.ref,
      database_type: 'PRIMARY',
      is_using_scram_auth: true,
      db_user: user,
      db_host: host,
      db_port: port,
      db_name: 'postgres',
      connection_string: connection,
      connectionString: connection,
      default_pool_size: null,
      max_client_conn: null,
      pool_mode: 'session',
    },
  ]
}

/**
 * Supabase's CLI (3.1) wants a first host with a registrable domain and asks it on port 5432; hosts after it keep their own
 * ports. So where this is not the standard port, the first host is one that never answers (RFC 2606), and it goes on.
 */
function hostList(host: string, port: number): string {
  const here = `${host.includes(':') ? `[${host}]` : host}:${port}`
  return port === STANDARD_PORT ? here : `none.favo.invalid:${STANDARD_PORT},${here}`
}
