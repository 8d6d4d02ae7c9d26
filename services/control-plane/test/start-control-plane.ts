import { createControlPlane, type ControlPlane, type PlatformMailer } from '../src/index.ts'
import { superuser } from '@favo/cluster'
import { createPools, openDb, type OwnDb } from '@favo/postgres'
import { createLogger } from '@favo/runtime'
import { createClusters, type Tenancy } from '@favo/tenancy'
import { createTestTenancy } from '@favo/testkit'
import { createAccessToken, createSlug, loginPassword, SecretBox, sha256Hex } from '@favo/tokens'
import fastify from 'fastify'
import { expect, inject } from 'vitest'

export interface Reply<Body = Record<string, unknown>> {
  readonly status: number
  readonly body: Body
  readonly headers: Headers
}

/** Looks again until it is so; patient, because other tests share the machine. */
export const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 20_000 })

/** One process' control plane over HTTP, without the data plane around it. */
export interface TestControlPlane {
  readonly url: string
  readonly token: string
  readonly controlPlane: ControlPlane
  readonly logLines: readonly Record<string, unknown>[]
  request<Body = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Reply<Body>>
  /** Lets go of the instance lock and stops nothing else: what is left when a process was killed. */
  die(): Promise<void>
  close(): Promise<void>
}

/** The tables and databases that control planes of one platform share. */
export interface TestPlatformDatabase {
  readonly database: string
  readonly tenancy: Tenancy
  /** The control plane's own login. */
  readonly db: OwnDb
  /** A superuser's session in the same database. */
  admin<T>(work: (admin: OwnDb) => Promise<T>): Promise<T>
  start(options?: StartOptions): Promise<TestControlPlane>
  close(): Promise<void>
}

export interface StartOptions {
  /** Puts something between the control plane and the databases. */
  readonly wrapTenancy?: (real: Tenancy) => Partial<Tenancy>
  readonly sweepMs?: number
  readonly clock?: () => Date
  readonly mailer?: PlatformMailer
  readonly requestsPerMinute?: number
  readonly deleteGraceSeconds?: number
  readonly dnsServers?: readonly string[]
}

export async function createPlatformDatabase(): Promise<TestPlatformDatabase> {
  const cluster = inject('cluster')
  const box = new SecretBox(Buffer.from(cluster.masterKey, 'hex'))
  const database = `p_${createSlug()}`
  const tenancy = createTestTenancy(cluster)
  await tenancy.createDatabase({ database, ownerPassword: createSlug() })
  await tenancy.ensureControlLogin(database)
  const open = (max: number) =>
    openDb({
      endpoint: cluster.endpoint,
      user: `${database}_ctl`,
      password: loginPassword(box, database, 'ctl'),
      database,
      max,
      applicationName: 'favo test',
    })
  const db = open(2)
  const closers: (() => Promise<void>)[] = []

  const start = async (options: StartOptions = {}): Promise<TestControlPlane> => {
    const controlDb = open(4)
    const session = open(1)
    const pools = createPools({
      endpoint: cluster.endpoint,
      passwordFor: (name, login) => loginPassword(box, name, login),
      repairLogin: (name, login) => tenancy.repairLogin(name, login),
      maxConnections: 20,
      maxPerPool: 4,
      idleMs: 60_000,
      acquireTimeoutMs: 10_000,
      log: createLogger({ level: 'silent' }),
    })
    const clusters = createClusters({
      home: { tenancy, pools, endpoint: cluster.endpoint },
      open: () => {
        throw new Error('other clusters are tested with a whole platform: e2e/clusters.test.ts')
      },
      log: createLogger({ level: 'silent' }),
    })
    const token = createAccessToken()
    const logLines: Record<string, unknown>[] = []
    const controlPlane = createControlPlane({
      db: controlDb,
      session,
      tenancy: { ...tenancy, ...options.wrapTenancy?.(tenancy) },
      clusters: {
        routes: clusters,
        home: {
          endpoint: cluster.endpoint,
          superuser: { user: superuser, password: cluster.password },
        },
        passwordFor: (name, login) => loginPassword(box, name, login),
        platformId: 'test',
      },
      pools,
      secretBox: box,
      addresses: {
        apiUrl: 'http://127.0.0.1:8000',
        projectUrl: (label) => `http://${label}.favo.localhost:8000`,
        pathUrl: (ref) => `http://127.0.0.1:8000/p/${ref}`,
        database: { host: '127.0.0.1', port: 54_322, transactionPort: 54_329 },
      },
      pooling: { poolSize: 8, clientsMax: 500, waitSeconds: 15, idleSeconds: 30 },
      bootstrapTokenHash: sha256Hex(token),
      services: new Map([['rest', {}]]),
      log: createLogger({
        level: 'debug',
        write: (line) => logLines.push(JSON.parse(line) as Record<string, unknown>),
      }),
      sweepMs: options.sweepMs ?? 100,
      deleteGraceSeconds: options.deleteGraceSeconds ?? 0,
      ...(options.dnsServers === undefined ? {} : { dnsServers: options.dnsServers }),
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      ...(options.mailer === undefined ? {} : { mailer: options.mailer }),
      requestsPerMinute: options.requestsPerMinute ?? 10_000,
    })
    await controlPlane.start()
    const app = fastify()
    for (const { routes, prefix } of [controlPlane.service, controlPlane.serviceV2])
      await app.register(routes, { prefix })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })

    let isDead = false
    const close = async () => {
      closers.splice(closers.indexOf(close), 1)
      app.server.closeAllConnections()
      await app.close()
      // A dead process waits for nothing.
      if (!isDead) await controlPlane.close()
      await Promise.all([pools.close(), controlDb.close(), session.close()])
    }
    closers.push(close)
    return {
      url,
      token,
      controlPlane,
      logLines,
      request: async <Body>(
        method: string,
        path: string,
        body?: unknown,
        headers: Record<string, string> = {},
      ) => {
        const reply = await fetch(`${url}/v1${path}`, {
          method,
          headers: { authorization: `Bearer ${token}`, ...headers },
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        })
        const text = await reply.text()
        return {
          status: reply.status,
          headers: reply.headers,
          body: (text === '' ? null : JSON.parse(text)) as Body,
        }
      },
      die: async () => {
        isDead = true
        await session.close()
      },
      close,
    }
  }

  return {
    database,
    tenancy,
    db,
    admin: async (work) => {
      const admin = openDb({
        endpoint: cluster.endpoint,
        user: superuser,
        password: cluster.password,
        database,
        max: 1,
      })
      try {
        return await work(admin)
      } finally {
        await admin.close()
      }
    },
    start,
    close: async () => {
      for (const close of [...closers]) await close()
      await db.close()
      await tenancy.dropDatabase(database)
      await tenancy.close()
    },
  }
}
