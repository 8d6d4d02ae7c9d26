import { randomBytes } from 'node:crypto'
import type { CreatedProject, ProjectConnection } from '@favo/contracts'
import { findFreePort, superuser } from '@favo/cluster'
import { createLogger } from '@favo/runtime'
import { startPlatform as startServerPlatform, type Platform, type PlatformOptions } from '@favo/server'
import { createAccessToken, createSlug } from '@favo/tokens'
import { inject } from 'vitest'
import { adminUrl, type ClusterAccess } from './cluster.ts'
import { closeWithTest } from './project.ts'

export interface TestPlatform extends Platform {
  readonly port: number
  readonly domain: string
  /** Token of the control API with all rights. */
  readonly token: string
  /** Lines that the platform has logged so far, parsed. */
  readonly logLines: readonly Record<string, unknown>[]
  /** The control API: answers parsed JSON; throws when the status is not the expected one. */
  api<T = unknown>(method: string, path: string, body?: unknown, expectedStatus?: number): Promise<T>
  /** What `favo projects create --json` prints. */
  createProject(input?: Record<string, unknown>): Promise<ProjectConnection>
  readonly platformDatabase: string
  adminUrl(database: string): string
}

/** The whole platform in this process, on a free port, with a master database of its own in the run's cluster. */
export async function startPlatform(
  overrides: Partial<PlatformOptions> = {},
  cluster: ClusterAccess = inject('cluster'),
): Promise<TestPlatform> {
  const port = await findFreePort(0, '127.0.0.1')
  const token = createAccessToken()
  const platformDatabase = overrides.platformDatabase ?? `p_${createSlug()}`
  const domain = 'favo.localhost'
  const logLines: Record<string, unknown>[] = []
  const platform = await startServerPlatform({
    cluster: { endpoint: cluster.endpoint, superuser: { user: superuser, password: cluster.password } },
    masterKey: Buffer.from(cluster.masterKey, 'hex'),
    bootstrapToken: token,
    platformDatabase,
    allowPrivateAddresses: false,
    http: {
      host: '127.0.0.1',
      port,
      domain,
      publicUrl: null,
      bodyLimitBytes: 10 * 2 ** 20,
      trustedProxies: [],
    },
    pg: {
      host: '127.0.0.1',
      sessionPort: await findFreePort(0, '127.0.0.1'),
      transactionPort: await findFreePort(0, '127.0.0.1'),
      certificate: null,
    },
    pools: { maxConnections: 30, maxPerPool: 8, idleMs: 60_000, acquireTimeoutMs: 10_000 },
    log: createLogger({
      level: 'debug',
      write: (line) => logLines.push(JSON.parse(line) as Record<string, unknown>),
    }),
    ...overrides,
  })
  closeWithTest(() => platform.close())

  const api = async <T>(
    method: string,
    path: string,
    body?: unknown,
    expectedStatus?: number,
  ): Promise<T> => {
    const reply = await fetch(`${platform.apiUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await reply.text()
    const isExpected = expectedStatus === undefined ? reply.ok : reply.status === expectedStatus
    if (!isExpected) throw new Error(`${method} ${path} answered ${reply.status}: ${text}`)
    return (text === '' ? null : JSON.parse(text)) as T
  }
  return {
    ...platform,
    port,
    domain,
    token,
    logLines,
    api,
    createProject: async (input = {}) => {
      const name = `test-${randomBytes(4).toString('hex')}`
      return (await api<CreatedProject>('POST', '/v1/projects', { name, ...input })).connection
    },
    platformDatabase,
    adminUrl: (database) => adminUrl(cluster, database),
  }
}
