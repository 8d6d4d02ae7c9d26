import { sql, type Queryable } from '@favo/postgres'
import { clusterNumberOf } from '@favo/tenancy'
import { isoTime } from '../iso-time.ts'

export interface ClusterRow {
  readonly number: number
  readonly name: string
  /** Sealed; null for the home cluster. */
  readonly access: string | null
  readonly host: string
  readonly port: number
  readonly projects: number
  readonly created_at: string
}

const columns = sql`
  number, name, access, host, port, ${isoTime('created_at')} as created_at,
  (select count(*)::int from control.projects p where p.cluster_number = c.number and not p.is_platform) as projects`

export const listClusterRows = (db: Queryable) =>
  db.many<ClusterRow>(sql`select ${columns} from control.clusters c order by number`)

export const findClusterRow = (db: Queryable, name: string) =>
  db.maybeOne<ClusterRow>(sql`select ${columns} from control.clusters c where name = ${name}`)

/** Violates `clusters_name_key` or `clusters_system_identifier_key` when there is such a one. */
export const insertCluster = (
  tx: Queryable,
  cluster: {
    readonly number: number
    readonly name: string
    readonly access: string
    readonly host: string
    readonly port: number
    readonly systemIdentifier: string
  },
) =>
  tx.one<ClusterRow>(sql`
    insert into control.clusters as c (number, name, access, host, port, system_identifier)
    values (${cluster.number}, ${cluster.name}, ${cluster.access}, ${cluster.host}, ${cluster.port},
      ${cluster.systemIdentifier})
    returning ${columns}`)

/** What the server of a project's cluster is: `18.4`, without the packager's additions. */
export async function readServerVersions(db: Queryable): Promise<(database: string) => string> {
  const rows = await db.many<{ number: number; version: string }>(sql`
    select number, split_part(coalesce(server_version, current_setting('server_version')), ' ', 1) as version
    from control.clusters`)
  const versions = new Map(rows.map(({ number, version }) => [number, version]))
  return (database) => versions.get(clusterNumberOf(database)) ?? versions.get(0) ?? ''
}

export const saveServerVersion = (db: Queryable, number: number, version: string) =>
  db.run(sql`
    update control.clusters set server_version = ${version}
    where number = ${number} and server_version is distinct from ${version}`)

/** A number that is nobody's, and will not be given out again. */
export const takeClusterNumber = async (db: Queryable): Promise<number> =>
  (
    await db.one<{ number: number }>(
      sql`select nextval(pg_get_serial_sequence('control.clusters', 'number'))::int as number`,
    )
  ).number

/** Violates `projects_cluster_number_fkey` while projects are there. */
export const deleteCluster = (tx: Queryable, number: number) =>
  tx.run(sql`delete from control.clusters where number = ${number} and number <> 0`)

export const isKnownServer = async (db: Queryable, systemIdentifier: string): Promise<boolean> =>
  (await db.maybeOne(
    sql`select 1 as known from control.clusters where system_identifier = ${systemIdentifier}`,
  )) !== null
