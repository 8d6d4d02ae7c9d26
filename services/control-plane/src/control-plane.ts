import type { ServiceName } from '@favo/contracts'
import type { SchemaMigrations, Service } from '@favo/http'
import { migrate, sql, type openDb, type Pools } from '@favo/postgres'
import type { DirectorySource } from '@favo/projects'
import type { Logger } from '@favo/runtime'
import type { Tenancy } from '@favo/tenancy'
import type { SecretBox } from '@favo/tokens'
import { Resolver } from 'node:dns/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SessionVerifier } from './access-tokens/sessions.ts'
import { deleteExpiredBranches } from './branches/expire-branches.ts'
import { ChangeFeed } from './change-feed.ts'
import { ClusterKeeper, clustersMark, type ClusterTools } from './clusters/cluster-keeper.ts'
import { createDirectorySource, loadProject } from './directory-source.ts'
import { Instance } from './instance.ts'
import { createMailMarks } from './mail-marks.ts'
import { deliverOutbox, type PlatformMailer } from './outbox/outbox.ts'
import { Rounds } from './outbox/rounds.ts'
import { ensurePlatformProject } from './platform-project/ensure-platform-project.ts'
import { getPlatformProject, type PlatformProject } from './platform-project/get-platform-project.ts'
import { banAddress } from './network/ban-address.ts'
import { deleteExpiredBans } from './network/network.sql.ts'
import type { Addresses, Platform, Pooling } from './platform.ts'
import { carryOutRequests, requestsMark } from './projects/project-requests.ts'
import { saveAddresses } from './projects/project-requests.sql.ts'
import { RunningChanges } from './projects/running-changes.ts'
import { purgeRemovedProjects } from './projects/change-status.ts'
import { settleOrphans } from './projects/settle-orphans.ts'
import { FailureLimit } from './rate-limits/failure-limit.ts'
import { RequestLimit, REQUESTS_PER_MINUTE } from './rate-limits/request-limit.ts'
import { createService, createServiceV2 } from './service.ts'

type OpenedDb = ReturnType<typeof openDb>

/** The control plane's tables. Its schema `control` must exist and belong to its login. */
export const controlMigrations: SchemaMigrations = {
  component: 'control',
  directory: join(import.meta.dirname, 'migrations'),
}

const CLOSE_GRACE_MS = 10_000

export interface ControlPlaneDeps {
  /** The platform project's database, as the login `<database>_ctl`. Closed by whoever opened it. */
  readonly db: OpenedDb
  /** The same, but one connection (`max: 1`) that stays open, holds the lock that says this process lives, and listens for changes. */
  readonly session: OpenedDb
  /** Of all clusters: it finds out by the names of databases which is meant. */
  readonly tenancy: Tenancy
  readonly clusters: ClusterTools
  readonly pools: Pick<Pools, 'forDatabase' | 'closeDatabase' | 'holdDatabase'>
  readonly secretBox: SecretBox
  readonly addresses: Addresses
  readonly pooling: Pooling
  /** SHA-256 of the operator's token, hex. */
  readonly bootstrapTokenHash: string
  readonly services: ReadonlyMap<ServiceName, Pick<Service, 'checkHealth'>>
  /** How invitations leave; without it they wait in the outbox. */
  readonly mailer?: PlatformMailer
  /** Of one user to one project or organization; 120 unless given. */
  readonly requestsPerMinute?: number
  /** How long a deleted project can be restored; zero unless given: not at all. */
  readonly deleteGraceSeconds?: number
  /** Name servers (`address` or `address:port`) that are asked whose a domain is; the system's unless given. */
  readonly dnsServers?: readonly string[]
  readonly log: Logger
  readonly clock?: () => Date
  /** Milliseconds between looks at the instance lock and for orphans. */
  readonly sweepMs?: number
}

export interface ControlPlane {
  /** `/v1`. */
  readonly service: Service
  /** `/v2`: the little that the Management API has moved there. */
  readonly serviceV2: Service
  readonly directorySource: DirectorySource
  /** The tenant whose database this is: its Auth signs people in, and sends the control plane's mails. */
  getPlatformProject(): Promise<PlatformProject>
  /** For the Postgres gateway: keeps an address away from a project's database. */
  banAddress(ref: string, range: string, seconds: number): Promise<void>
  /** Of the projects' mails; Auth goes by them. */
  readonly mailMarks: ReturnType<typeof createMailMarks>
  /**
   * Migrates the schema, listens for changes of projects, and settles what an earlier process left half done; from then on
   * does that periodically. Requests may come only after it.
   */
  start(): Promise<void>
  /** Waits for changes of projects that are underway, at most ten seconds. */
  close(): Promise<void>
}

export function createControlPlane(deps: ControlPlaneDeps): ControlPlane {
  const { db, tenancy, pools, secretBox, addresses, services, log } = deps
  const clock = deps.clock ?? (() => new Date())
  const instance = new Instance(deps.session, log)
  const feed = new ChangeFeed(deps.session, db, log)
  const running = new RunningChanges()
  const resolver = new Resolver({ timeout: 3_000, tries: 2 })
  if (deps.dnsServers !== undefined) resolver.setServers(deps.dnsServers)
  const platform: Platform = {
    db,
    tenancy,
    clusters: deps.clusters,
    pools,
    secretBox,
    addresses,
    pooling: deps.pooling,
    services,
    instance,
    running,
    catchUp: () => feed.catchUp(),
    deliverMails: () => void mails.run(),
    deleteGraceSeconds: deps.deleteGraceSeconds ?? 0,
    resolveTxt: (name) => resolver.resolveTxt(name),
    log,
    clock,
  }
  const mails = new Rounds(log, 'mails', async () => {
    if (deps.mailer !== undefined) await deliverOutbox(platform, deps.mailer, log)
  })
  const sessions = new SessionVerifier(() => loadProject(platform, sql`p.is_platform`))
  const sweeper = new Sweeper(deps.sweepMs ?? 5_000, async () => {
    await instance.hold()
    await settleOrphans(platform)
    await mails.run()
    await requests.run()
    // Not awaited: one that does not answer takes its time.
    void clusters.run()
    await purgeRemovedProjects(platform)
    await deleteExpiredBranches(platform)
    await deleteExpiredBans(db)
  })
  const requests = new Rounds(log, 'project requests', () => carryOutRequests(platform))
  const keeper = new ClusterKeeper(platform, deps.clusters)
  const clusters = new Rounds(log, 'clusters', () => keeper.prepare())

  const close = async () => {
    feed.close()
    await sweeper.stop()
    await Promise.all([
      mails.settle(),
      Promise.race([clusters.settle(), sleep(CLOSE_GRACE_MS, undefined, { ref: false })]),
      Promise.race([requests.settle(), sleep(CLOSE_GRACE_MS, undefined, { ref: false })]),
    ])
    // What takes longer is carried on by the next start.
    await Promise.race([running.settle(), sleep(CLOSE_GRACE_MS, undefined, { ref: false })])
  }
  const gatekeeper = {
    authenticator: {
      db,
      bootstrapTokenHash: deps.bootstrapTokenHash,
      sessions,
      limit: new FailureLimit(),
      clock,
    },
    limit: new RequestLimit(deps.requestsPerMinute ?? REQUESTS_PER_MINUTE),
  }
  // Cheaper than asking whose change it was.
  feed.subscribe((ref) => {
    sessions.forget()
    if (ref === null || ref === requestsMark) void requests.run()
    if (ref === null || ref === clustersMark) void clusters.run()
  })
  return {
    service: createService(platform, gatekeeper, close),
    serviceV2: createServiceV2(platform, gatekeeper),
    directorySource: createDirectorySource(platform, {
      onChange: (listener) => feed.subscribe(listener),
      isFollowing: () => feed.isFollowing,
    }),
    banAddress: (ref, range, seconds) => banAddress(platform, ref, range, seconds),
    mailMarks: createMailMarks(db),
    getPlatformProject: () => getPlatformProject(platform),
    start: async () => {
      await migrate(db, { ...controlMigrations, table: 'control.migrations' })
      const { database } = await db.one<{ database: string }>(sql`select current_database() as database`)
      await ensurePlatformProject(platform, database)
      await saveAddresses(db, {
        projectUrl: addresses.projectUrl('{label}'),
        databaseHost: addresses.database.host,
        databasePort: addresses.database.port,
      })
      await keeper.load()
      await instance.hold()
      await feed.start()
      await settleOrphans(platform)
      sweeper.start(log)
    },
    close,
  }
}

/** Runs something again and again, one at a time, with a pause after each. */
class Sweeper {
  readonly #pauseMs: number
  readonly #sweep: () => Promise<void>
  #timer: NodeJS.Timeout | null = null
  #current: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor(pauseMs: number, sweep: () => Promise<void>) {
    this.#pauseMs = pauseMs
    this.#sweep = sweep
  }

  start(log: Logger): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(() => {
      this.#current = this.#sweep()
        .catch((error: unknown) => log.warn({ error }, 'sweep for interrupted changes failed'))
        .then(() => this.start(log))
    }, this.#pauseMs)
    // Never what keeps a process alive.
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#current
  }
}
