/** The pools of all projects: what the data plane reaches its databases through. */
import { availableParallelism } from 'node:os'
import type { Logger } from '@favo/runtime'
import { Budget } from './pool/budget.ts'
import type { BudgetStats } from './pool/budget-options.ts'
import { listen } from './pool/listen.ts'
import { openConnection } from './pool/open-connection.ts'
import { PipelineJob } from './pool/pipeline-job.ts'
import { DeadlineWatch } from './pool/deadline-watch.ts'
import { createServiceDb } from './service-db.ts'
import type { Db, Login, PipelineRequest, PipelineResult, ProjectDb, ServiceRole } from './types.ts'
import type { Endpoint } from './wire/endpoint.ts'

export interface PoolsOptions {
  readonly endpoint: Endpoint
  /** The password of `<database>_<login>`. */
  readonly passwordFor: (database: string, login: Login) => string | Promise<string>
  /** Called once when a login's password is refused, before a second try: somebody may have changed it. */
  readonly repairLogin?: (database: string, login: Login) => Promise<void>
  /** Awaited before the first connection of a database is opened, and again when it has had none in between. */
  readonly beforeOpen?: (database: string) => Promise<void>
  /** Over all databases. */
  readonly maxConnections: number
  /** Per database and login. */
  readonly maxPerPool: number
  /** Cores that the server has for backends; all of this machine's but one, unless told otherwise. */
  readonly cores?: number
  /** A connection that nobody used for this long is closed. */
  readonly idleMs: number
  /** How long a request waits for a connection before it fails. */
  readonly acquireTimeoutMs: number
  readonly log: Logger
}

export type PoolsStats = BudgetStats

export interface Pools {
  /**
   * Opens nothing by itself. Cheap; need not be kept.
   *
   * @param apiMax connections that requests of the API's own login may hold, where that is fewer than `maxPerPool`; counts
   *   for the database from now on
   */
  forDatabase(database: string, apiMax?: number | null): ProjectDb
  /** Ends the connections of one database: at once where idle, else when their work is done, after 5 s in any case. */
  closeDatabase(database: string): Promise<void>
  /**
   * Ends the connections of one database as `closeDatabase` does, but requests wait until the function that this resolves
   * with is called, or as long as they would for a free connection.
   */
  holdDatabase(database: string): Promise<() => void>
  stats(): PoolsStats
  close(): Promise<void>
}

const closeGraceMs = 5_000

export function createPools(options: PoolsOptions): Pools {
  const budget = new Budget({
    ...options,
    cores: options.cores ?? Math.max(1, availableParallelism() - 1),
    open: (database, login) => openConnection(options, database, login as Login),
  })
  const deadlines = new DeadlineWatch()
  return {
    forDatabase: (database, apiMax) => {
      if (apiMax !== undefined) budget.limitApi(database, apiMax)
      return createProjectDb(budget, deadlines, database)
    },
    closeDatabase: (database) => budget.closeDatabase(database, closeGraceMs),
    holdDatabase: (database) => budget.holdDatabase(database, closeGraceMs),
    stats: () => budget.stats(),
    close: () => budget.close(closeGraceMs),
  }
}

function createProjectDb(budget: Budget, deadlines: DeadlineWatch, database: string): ProjectDb {
  const services = new Map<ServiceRole, Db>()
  return {
    pipeline: (login: Login, request: PipelineRequest) =>
      new Promise<PipelineResult>((resolve, reject) => {
        const job = new PipelineJob(
          request,
          (waiter) => budget.acquire(database, login, waiter),
          (settled) => deadlines.remove(settled),
          resolve,
          reject,
        )
        deadlines.add(job)
        job.start()
      }),
    asService: (role: ServiceRole, _why: string) => {
      let db = services.get(role)
      if (db === undefined) services.set(role, (db = createServiceDb(budget, database, role)))
      return db
    },
    // On a connection of its own while there is room: it is idle most of the time, so notices come at once. When places are
    // scarce a second connection for each project would crowd out the projects themselves, so it shares the one of requests;
    // what these do to LISTEN is undone in their own transaction (wire/cleaning.ts).
    listen: (channel, onNotify, onLost) => {
      const login = budget.isScarce ? 'api' : 'svc'
      return listen(budget, database, login, channel, { onNotify, onLost })
    },
  }
}
