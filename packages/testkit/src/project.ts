import { randomBytes } from 'node:crypto'
import { silentLogger } from '@favo/runtime'
import { createPools, openDb, sql, type Db, type Pools, type ProjectDb } from '@favo/postgres'
import { superuser } from '@favo/cluster'
import { defaultAuthSettings, defaultRestSettings, type Project } from '@favo/projects'
import { createRef, createSlug, loginPassword, SecretBox } from '@favo/tokens'
import { inject, onTestFinished } from 'vitest'
import { adminUrl, type ClusterAccess } from './cluster.ts'
import { createTestTenancy } from './tenancy.ts'

export interface TestProject {
  readonly project: Project
  readonly database: string
  readonly db: ProjectDb
  readonly pools: Pools
  /** Superuser session in the project's database, under the platform's own safe options. */
  readonly admin: Db
  readonly adminUrl: string
  /** As the customer: `p_<slug>_db`, over loopback. */
  readonly ownerUrl: string
  /** Runs SQL as the customer would in a migration: one implicit transaction, as `postgres`. */
  owner(text: string): Promise<void>
  close(): Promise<void>
}

/**
 * A project's database as the product makes it, in the run's cluster (or the one given), without a control plane around it.
 * Close it in `afterAll`; inside a test it is closed when the test ends.
 */
export async function createTestProject(
  overrides: Partial<Project> = {},
  cluster: ClusterAccess = inject('cluster'),
): Promise<TestProject> {
  const database = `p_${createSlug()}`
  const ownerPassword = randomBytes(12).toString('hex')
  const box = new SecretBox(Buffer.from(cluster.masterKey, 'hex'))
  const tenancy = createTestTenancy(cluster)
  await tenancy.createDatabase({ database, ownerPassword })
  const pools = createPools({
    endpoint: cluster.endpoint,
    passwordFor: (name, login) => loginPassword(box, name, login),
    repairLogin: (name, login) => tenancy.repairLogin(name, login),
    maxConnections: 20,
    maxPerPool: 8,
    idleMs: 60_000,
    acquireTimeoutMs: 10_000,
    log: silentLogger(),
  })
  const admin = openDb({
    endpoint: cluster.endpoint,
    user: superuser,
    password: cluster.password,
    database,
    max: 1,
    options: '-c search_path=pg_catalog -c event_triggers=off',
    applicationName: 'favo test',
  })
  const db = pools.forDatabase(database)
  const project: Project = {
    ref: createRef(),
    name: 'test',
    subdomain: 'test',
    status: 'ACTIVE_HEALTHY',
    database,
    jwtSecret: randomBytes(32).toString('hex'),
    apiKeys: [],
    rest: defaultRestSettings,
    auth: defaultAuthSettings,
    version: 1,
    ...overrides,
  }
  const closeAll = async () => {
    await pools.close()
    await admin.close()
    await tenancy.dropDatabase(database)
    await tenancy.close()
  }
  // A service that was started on it closes it too.
  let closing: Promise<void> | null = null
  const close = () => (closing ??= closeAll())
  closeWithTest(close)
  return {
    project,
    database,
    db,
    pools,
    admin,
    adminUrl: adminUrl(cluster, database),
    ownerUrl: `postgresql://${database}_db:${ownerPassword}@127.0.0.1:${cluster.endpoint.port}/${database}`,
    owner: async (text) => {
      const url = new URL(adminUrl(cluster, database))
      const own = openDb({
        endpoint: cluster.endpoint,
        user: `${database}_own`,
        password: loginPassword(box, database, 'own'),
        database: url.pathname.slice(1),
        max: 1,
        applicationName: 'favo test',
      })
      try {
        await own.run(sql.trusted(text))
      } finally {
        await own.close()
      }
    },
    close,
  }
}

/** Inside a test: close when it ends. In `beforeAll` there is no such moment, and the file closes it itself. */
export function closeWithTest(close: () => Promise<void>): void {
  try {
    onTestFinished(close)
  } catch {
    // Not inside a test.
  }
}
