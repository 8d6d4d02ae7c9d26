import { migrations as authMigrations, createAuth } from '@favo/auth'
import { createControlPlane, type Addresses } from '@favo/control-plane'
import { createGateway, defaultGatewayConfig } from '@favo/gateway'
import type { SchemaMigrations, Service } from '@favo/http'
import { createPgGateway, defaultPgGatewayConfig, type PgGatewayConfig } from '@favo/pg-gateway'
import { createPools, openDb, sql, type Endpoint, type Pools, type ProjectDb } from '@favo/postgres'
import { createDirectory, type Project } from '@favo/projects'
import { createRest } from '@favo/rest'
import type { Logger } from '@favo/runtime'
import { createClusters, createTenancy, type ClusterAccess, type Tenancy } from '@favo/tenancy'
import { loginPassword, SecretBox, sha256Hex } from '@favo/tokens'
import { createInvitationMailer } from './invitation-mailer.ts'

/** SQL that every project's database gets from the services, in order. */
export const allMigrations: readonly SchemaMigrations[] = [authMigrations]

export interface PlatformOptions {
  readonly cluster: {
    readonly endpoint: Endpoint
    readonly superuser: { readonly user: string; readonly password: string }
  }
  readonly masterKey: Buffer
  readonly bootstrapToken: string
  /** The platform project's database: `p_platform`, or a random one in tests. */
  readonly platformDatabase: string
  /** Whether projects may make the platform call private networks and this machine. */
  readonly allowPrivateAddresses: boolean
  /** Server of ranges of leaked passwords; Have I Been Pwned unless given. */
  readonly leakedPasswordsUrl?: string
  /** How long deleted projects can be restored; zero unless given: not at all. */
  readonly deleteGraceSeconds?: number
  /** Name servers that say whose a domain is; the system's unless given. */
  readonly dnsServers?: readonly string[]
  readonly http: {
    readonly host: string
    readonly port: number
    readonly domain: string
    /** Null: clients reach us at the listening address itself. */
    readonly publicUrl: string | null
    readonly bodyLimitBytes: number
    /** Addresses or CIDR ranges whose `X-Forwarded-…` headers are believed. */
    readonly trustedProxies: readonly string[]
  }
  /** The ports for Postgres clients; 0 is any free one. */
  readonly pg: {
    readonly host: string
    readonly sessionPort: number
    readonly transactionPort: number
    /** PEM; null: no TLS. */
    readonly certificate: { readonly key: string; readonly certificate: string } | null
    readonly limits?: Partial<PgGatewayConfig>
  }
  readonly pools: {
    readonly maxConnections: number
    readonly maxPerPool: number
    readonly idleMs: number
    readonly acquireTimeoutMs: number
  }
  readonly log: Logger
}

export interface Platform {
  /** For clients on this machine: `http://127.0.0.1:8000`. */
  readonly apiUrl: string
  readonly databasePorts: { readonly session: number; readonly transaction: number }
  readonly pools: Pools
  readonly tenancy: Tenancy
  countProjects(): Promise<number>
  /** Lets requests under way finish, then closes everything that was opened. Postgres is not ours to stop. */
  close(): Promise<void>
}

/** All services in one process, on a cluster that runs already. This is the only place that knows all of them. */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { cluster, platformDatabase, http, log } = options
  const box = new SecretBox(options.masterKey)
  const undo: (() => Promise<void>)[] = []
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }

  try {
    const passwordFor = (database: string, login: 'api' | 'svc' | 'own' | 'ctl') =>
      loginPassword(box, database, login)
    const openCluster = ({ endpoint, superuser }: ClusterAccess) => {
      const own = createTenancy({
        admin: {
          endpoint,
          ...superuser,
          // The embedded server is on this machine, and may take its time after a crash.
          ...(endpoint === cluster.endpoint ? {} : { connectTimeoutMs: 10_000 }),
        },
        migrations: allMigrations,
        passwordFor,
        log,
      })
      const ownPools = createPools({
        endpoint,
        passwordFor,
        repairLogin: (database, login) => own.repairLogin(database, login),
        beforeOpen: async (database) => {
          await own.upgradeDatabase(database)
        },
        ...options.pools,
        log,
      })
      return { tenancy: own, pools: ownPools, endpoint }
    }
    const home = openCluster(cluster)
    const clusters = createClusters({ home, open: openCluster, log })
    const { tenancy, pools } = clusters
    undo.push(() => home.tenancy.close())
    await tenancy.prepare()
    await preparePlatformDatabase(tenancy, platformDatabase, box)
    undo.push(() => home.pools.close())
    undo.push(() => clusters.close())

    const openControlDb = (max: number, applicationName: string) => {
      const db = openDb({
        endpoint: cluster.endpoint,
        user: `${platformDatabase}_ctl`,
        password: loginPassword(box, platformDatabase, 'ctl'),
        database: platformDatabase,
        max,
        applicationName,
        log,
      })
      undo.push(() => db.close())
      return db
    }
    const controlDb = openControlDb(6, 'favo control plane')

    const addresses = createAddresses(http, options.pg)
    const { limits, certificate, ...listenAt } = options.pg
    const pgConfig = { ...defaultPgGatewayConfig, ...limits }
    const dbFor = createDbFinder(pools)
    const auth = createAuth({
      projectUrl: (project) => addresses.projectUrl(project.ref),
      outbound: { allowPrivate: options.allowPrivateAddresses },
      leakedPasswords: options.leakedPasswordsUrl,
      mails: {
        openProject: async (ref) => {
          const project = await directory.findByRef(ref)
          return project?.status === 'ACTIVE_HEALTHY' ? { project, db: dbFor(project) } : null
        },
        marks: {
          mark: (ref) => controlPlane.mailMarks.mark(ref),
          list: () => controlPlane.mailMarks.list(),
          clear: (ref, ageSeconds) => controlPlane.mailMarks.clear(ref, ageSeconds),
        },
        log,
      },
    })
    const services: Service[] = [createRest(), auth]
    undo.push(async () => {
      for (const service of services) await service.close()
    })

    const controlPlane = createControlPlane({
      db: controlDb,
      session: openControlDb(1, 'favo instance lock and changes'),
      tenancy,
      clusters: {
        routes: clusters,
        home: cluster,
        passwordFor,
        platformId: box.derive('platform-id').toString('hex').slice(0, 16),
      },
      pools,
      secretBox: box,
      addresses,
      pooling: {
        poolSize: pgConfig.backendsPerProjectMax,
        clientsMax: pgConfig.clientsPerProjectMax,
        waitSeconds: pgConfig.waitMs / 1_000,
        idleSeconds: pgConfig.backendIdleMs / 1_000,
      },
      bootstrapTokenHash: sha256Hex(options.bootstrapToken),
      deleteGraceSeconds: options.deleteGraceSeconds ?? 0,
      ...(options.dnsServers === undefined ? {} : { dnsServers: options.dnsServers }),
      services: new Map([
        ['rest', services[0] ?? {}],
        ['auth', services[1] ?? {}],
      ]),
      mailer: createInvitationMailer({
        auth,
        platformProject: () => controlPlane.getPlatformProject(),
        languageOf: async (ref) => (await directory.findByRef(ref))?.auth.mailerLanguage ?? null,
        localUrl: `http://${bracketed(reachable(http.host))}:${http.port}`,
      }),
      log,
    })
    undo.push(() => controlPlane.close())
    const directory = createDirectory(controlPlane.directorySource)
    await controlPlane.start()

    const gateway = createGateway({
      directory,
      dbFor,
      services,
      controlPlane: controlPlane.service,
      controlPlaneV2: controlPlane.serviceV2,
      config: {
        ...defaultGatewayConfig,
        domain: http.domain,
        publicUrl: addresses.apiUrl,
        bodyLimitBytes: http.bodyLimitBytes,
        trustedProxies: http.trustedProxies,
      },
      log,
      health: { postgres: async () => void (await controlDb.one(sql`select 1 as ok`)) },
    })
    undo.push(() => gateway.close())
    await gateway.listen({ host: http.host, port: http.port })

    const pgGateway = createPgGateway({
      directory,
      endpointOf: (database) => clusters.endpointOf(database),
      findLogin: (role) => tenancy.findLogin(role),
      banAddress: (ref, range, seconds) => controlPlane.banAddress(ref, range, seconds),
      sweepLogins: () => tenancy.sweepCliLogins(),
      beforeOpen: async (database) => {
        await tenancy.upgradeDatabase(database)
      },
      secret: box.derive('pg-gateway'),
      certificate,
      config: pgConfig,
      log,
    })
    undo.push(() => pgGateway.close())
    await pgGateway.listen(listenAt)
    tenancy.startWatchdog()
    tenancy.startVacuum()
    auth.startMails()

    return {
      apiUrl: addresses.apiUrl,
      databasePorts: { session: listenAt.sessionPort, transaction: listenAt.transactionPort },
      pools,
      tenancy,
      countProjects: async () =>
        (
          await controlDb.one<{ count: number }>(
            sql`select count(*)::int as count from control.projects where not is_platform`,
          )
        ).count,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** One handle for each cached project, instead of one for each request. */
function createDbFinder(pools: Pools): (project: Project) => ProjectDb {
  const known = new WeakMap<Project, ProjectDb>()
  return (project) => {
    let db = known.get(project)
    if (db === undefined) {
      db = pools.forDatabase(project.database, project.rest.poolSize ?? null)
      known.set(project, db)
    }
    return db
  }
}

/** The platform project is a tenant like others, made from the same template; the control plane's login comes on top. */
async function preparePlatformDatabase(tenancy: Tenancy, database: string, box: SecretBox): Promise<void> {
  const databases = await tenancy.listDatabases()
  const isThere = databases.some((found) => found.database === database && found.state === 'complete')
  if (!isThere)
    await tenancy.createDatabase({
      database,
      // Nobody signs in as this database's owner; the password is one that nobody is told.
      ownerPassword: box.derive(`login:${database}_db`).toString('base64url'),
    })
  await tenancy.upgradeDatabase(database)
  await tenancy.ensureControlLogin(database)
}

function createAddresses(http: PlatformOptions['http'], pg: PlatformOptions['pg']): Addresses {
  const apiUrl = http.publicUrl ?? `http://${bracketed(reachable(http.host))}:${http.port}`
  const { protocol, port, hostname } = new URL(apiUrl)
  return {
    apiUrl,
    projectUrl: (label) => `${protocol}//${label}.${http.domain}${port === '' ? '' : `:${port}`}`,
    pathUrl: (ref) => `${apiUrl}/p/${ref}`,
    database: {
      // Behind a proxy for HTTP the name is the same; Postgres clients come to it directly.
      host: http.publicUrl === null ? reachable(pg.host) : hostname.replace(/^\[|\]$/g, ''),
      port: pg.sessionPort,
      transactionPort: pg.transactionPort,
    },
  }
}

/** Where clients on this machine find what listens on all addresses. */
const reachable = (host: string): string => (host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host)
const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)
