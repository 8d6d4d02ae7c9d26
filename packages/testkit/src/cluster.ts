import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded, superuser, type EmbeddedCluster } from '@favo/cluster'
import { silentLogger } from '@favo/runtime'
import { extensionsDirectory } from '@favo/tenancy'
import { scratchDirectory } from './scratch.ts'

/** How to reach a cluster that a test may use; plain data, so that it can be handed to worker processes. */
export interface ClusterAccess {
  readonly endpoint: { readonly host: string; readonly port: number }
  readonly password: string
  /** Hex of the 32 bytes that platforms on this cluster use as master key: logins' passwords are derived from it. */
  readonly masterKey: string
}

export interface TestCluster extends ClusterAccess {
  readonly server: EmbeddedCluster
  readonly directory: string
  stop(): Promise<void>
}

/** One copy of Postgres' programs for all runs: it is named by version and content. */
export const binariesDirectory: string = join(tmpdir(), 'favo-test-postgres')

/**
 * A cluster of its own in a temporary folder, without fsync: for the whole run, or for one test that kills or exhausts it.
 * `overrides` are settings of postgresql.conf.
 */
export async function startCluster(overrides: Record<string, string> = {}): Promise<TestCluster> {
  const directory = await mkdtemp(join(scratchDirectory, 'favo-test-'))
  // As root the server runs as another user, who has to get in.
  await chmod(directory, 0o711)
  const password = randomBytes(16).toString('hex')
  const server = await startEmbedded({
    directory,
    binariesDirectory,
    password,
    port: 0,
    maxConnections: 300,
    extensionsDirectory,
    overrides: {
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      shared_buffers: '128MB',
      max_wal_size: '256MB',
      ...overrides,
    },
    log: silentLogger(),
  })
  return {
    endpoint: server.endpoint,
    password,
    masterKey: randomBytes(32).toString('hex'),
    server,
    directory,
    stop: async () => {
      await server.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export const adminUrl = (cluster: ClusterAccess, database: string): string =>
  `postgresql://${superuser}:${cluster.password}@127.0.0.1:${cluster.endpoint.port}/${database}`
