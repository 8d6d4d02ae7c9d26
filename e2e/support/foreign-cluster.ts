import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startCluster } from '@favo/testkit'
import pg from 'pg'

export interface ForeignCluster {
  /** The superuser's, who is called `postgres` as nearly everywhere. */
  readonly url: string
  readonly password: string
  readonly port: number
  /** As the superuser, by whatever name he has now. */
  query<Row extends object>(text: string, user?: string): Promise<Row[]>
  /** Replaces pg_hba.conf and has the server read it. */
  setHba(lines: string): Promise<void>
  stop(): Promise<void>
}

/** What distributions write, but for the password that is asked for on the socket, too. */
export const usualHba = `local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
`

/** A server that nobody prepared for Favo: its first superuser is called `postgres`, and every database is open to everybody. */
export async function startForeignCluster(): Promise<ForeignCluster> {
  const cluster = await startCluster({ reserved_connections: '0' })
  const { port } = cluster.endpoint
  const { password } = cluster
  const query = async <Row extends object>(text: string, user: string): Promise<Row[]> => {
    const client = new pg.Client({ host: '127.0.0.1', port, user, password, database: 'postgres' })
    await client.connect()
    try {
      return (await client.query<Row>(text)).rows
    } finally {
      await client.end()
    }
  }
  const setHba = async (lines: string, user: string) => {
    await writeFile(join(cluster.directory, 'data', 'pg_hba.conf'), lines)
    await query('select pg_reload_conf()', user)
  }
  await query(`create role helper superuser login password '${password}'`, 'favo_admin')
  await setHba(usualHba, 'favo_admin')
  await query('alter role favo_admin rename to postgres', 'helper')
  await query('drop role helper', 'postgres')
  let superuser = 'postgres'
  return {
    url: `postgresql://postgres:${password}@127.0.0.1:${port}/`,
    password,
    port,
    query: async (text, user) => {
      if (user !== undefined) superuser = user
      return query(text, superuser)
    },
    setHba: (lines) => setHba(lines, superuser),
    stop: () => cluster.stop(),
  }
}
