import { ConnectionError, DatabaseError, openSession, type Endpoint, type ScramKeys } from '@favo/postgres'
import type { Logger } from '@favo/runtime'
import { refusals, Refusal } from '../errors.ts'
import { Places } from '../limits/places.ts'
import { Backend } from './backend.ts'
import { KnownParameters, type SessionStart } from './known-parameters.ts'

/** Clients with the same login and the same settings at the start: they share backends. */
export interface PoolKey {
  readonly database: string
  readonly role: string
  readonly settings: Readonly<Record<string, string>>
}

/** What Postgres knows of a client's login when the client signs in. */
export interface PoolLogin {
  readonly keys: ScramKeys
  /** What its sessions begin with: `name=value`. */
  readonly settings: readonly string[]
}

export interface BackendPoolOptions {
  readonly endpointOf: (database: string) => Endpoint
  /** Brings a database up to date before it is used for the first time. */
  readonly beforeOpen: (database: string) => Promise<void>
  readonly backendsMax: number
  readonly backendsPerProjectMax: number
  /** A backend that nobody wanted for so long is closed. */
  readonly idleMs: number
  /** How long a transaction waits for its backend. */
  readonly waitMs: number
  readonly log: Logger
}

interface Pool extends PoolKey {
  readonly id: string
  readonly idle: { readonly backend: Backend; readonly sinceMs: number }[]
  backends: number
  clients: number
  parameters: ReadonlyMap<string, string> | null
  /** Rises when somebody changed the schema: what was prepared before may be wrong. */
  generation: number
}

interface Waiter {
  readonly pool: Pool
  readonly login: PoolLogin
  readonly sinceMs: number
  readonly resolve: (backend: Backend) => void
  readonly reject: (error: Refusal) => void
  /** Stops the clock, and listening for the client's end. */
  readonly stop: () => void
  isOpening: boolean
}

/** A client's share in a pool. */
export interface Membership {
  /** What Postgres reports to a new session of this pool. */
  parameters(): Promise<ReadonlyMap<string, string>>
  /** One that is free at this moment, clean and up to date. */
  borrowIdle(): Backend | null
  /** Throws Refusal. `signal` gives up waiting. */
  borrow(signal: AbortSignal): Promise<Backend>
  /** Gives a backend back after its transaction. */
  giveBack(backend: Backend): void
  /** Statements that are prepared on this pool's backends may not fit the schema any more. */
  schemaChanged(): void
  leave(): void
}

/** Who has waited that long goes before those for whom a backend of their own login just came free. */
const patienceMs = 50
/** A backend picks up settings that were changed for its login when it is opened anew. */
const lifetimeMs = 10 * 60_000
const openTimeoutMs = 5_000
const retryMs = 100

/**
 * Backends of the transaction port, under one budget. A place is taken before a backend is opened and free when Postgres
 * has closed it. Where the budget is used up, idle backends of others make room, and waiting is in order of arrival.
 */
export class BackendPool {
  readonly #options: BackendPoolOptions
  readonly #places: Places
  readonly #pools = new Map<string, Pool>()
  readonly #waiting = new Set<Waiter>()
  readonly #backends = new Set<Backend>()
  readonly #known = new KnownParameters()
  readonly #sweeper: NodeJS.Timeout
  #isClosed = false

  constructor(options: BackendPoolOptions) {
    this.#options = options
    this.#places = new Places(options.backendsMax, options.backendsPerProjectMax)
    this.#sweeper = setInterval(() => this.#sweep(), Math.min(options.idleMs, 5_000))
    this.#sweeper.unref()
  }

  /** Connections to Postgres that are open, being opened or being closed. */
  get backends(): number {
    return this.#places.inAll
  }

  get waiting(): number {
    return this.#waiting.size
  }

  join(key: PoolKey, login: PoolLogin): Membership {
    const id = JSON.stringify([key.database, key.role, Object.entries(key.settings).sort()])
    const pool = this.#pools.get(id) ?? {
      ...key,
      id,
      idle: [],
      backends: 0,
      clients: 0,
      parameters: null,
      generation: 0,
    }
    this.#pools.set(id, pool)
    pool.clients += 1
    let isMember = true
    return {
      parameters: async () => {
        const known = pool.parameters ?? this.#known.find(this.#startOf(pool, login))
        if (known !== null) return known
        const backend = await this.#borrow(pool, login, null)
        this.#offer(pool, backend)
        return backend.parameters
      },
      borrowIdle: () => (this.#isClosed ? null : this.#takeIdle(pool)),
      borrow: (signal) => this.#borrow(pool, login, signal),
      giveBack: (backend) => this.#giveBack(pool, backend),
      schemaChanged: () => (pool.generation += 1),
      leave: () => {
        if (!isMember) return
        isMember = false
        pool.clients -= 1
        this.#forget(pool)
      },
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#sweeper)
    for (const waiter of this.#waiting) this.#settle(waiter)?.reject(refusals.shuttingDown())
    const closed = [...this.#backends].map(
      (backend) => new Promise<void>((resolve) => backend.socket.once('close', () => resolve())),
    )
    for (const backend of this.#backends) backend.close()
    await Promise.all(closed)
  }

  #borrow(pool: Pool, login: PoolLogin, signal: AbortSignal | null): Promise<Backend> {
    if (this.#isClosed) return Promise.reject(refusals.shuttingDown())
    const idle = this.#takeIdle(pool)
    if (idle !== null) return Promise.resolve(idle)
    return new Promise((resolve, reject) => {
      const giveUp = (): void => this.#settle(waiter)?.reject(refusals.waitedInVain())
      const timer = setTimeout(giveUp, this.#options.waitMs)
      signal?.addEventListener('abort', giveUp, { once: true })
      const waiter: Waiter = {
        pool,
        login,
        sinceMs: Date.now(),
        resolve,
        reject,
        stop: () => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', giveUp)
        },
        isOpening: false,
      }
      this.#waiting.add(waiter)
      this.#serve(waiter)
    })
  }

  /** The most recently used, so that the others become superfluous. */
  #takeIdle(pool: Pool): Backend | null {
    for (let entry = pool.idle.pop(); entry !== undefined; entry = pool.idle.pop())
      if (entry.backend.isOpen) return this.#upToDate(pool, entry.backend)
    return null
  }

  #upToDate(pool: Pool, backend: Backend): Backend {
    if (backend.generation !== pool.generation) {
      backend.generation = pool.generation
      backend.statements.clear()
      backend.isUncertain = true
    }
    return backend
  }

  /** Opens a backend for one who waits, if there is a place or one can be made. */
  #serve(waiter: Waiter): void {
    if (waiter.isOpening || !this.#waiting.has(waiter)) return
    const { pool } = waiter
    const place = this.#places.take(pool.database)
    if (typeof place === 'string') {
      this.#makeRoom(place === 'full' ? null : pool.database)
      return
    }
    waiter.isOpening = true
    void this.#open(waiter, place.release)
  }

  async #open(waiter: Waiter, release: () => void): Promise<void> {
    const { pool, login } = waiter
    const { log } = this.#options
    const endpoint = this.#options.endpointOf(pool.database)
    try {
      await this.#options.beforeOpen(pool.database)
      const session = await openSession({
        endpoint,
        user: pool.role,
        password: login.keys,
        database: pool.database,
        settings: pool.settings,
        timeoutMs: openTimeoutMs,
      })
      const backend = new Backend(session, endpoint)
      pool.backends += 1
      pool.parameters ??= backend.parameters
      this.#known.remember(this.#startOf(pool, login), backend.parameters)
      backend.generation = pool.generation
      this.#backends.add(backend)
      backend.onClosed = () => {
        this.#backends.delete(backend)
        pool.backends -= 1
        const at = pool.idle.findIndex((entry) => entry.backend === backend)
        if (at >= 0) pool.idle.splice(at, 1)
        release()
        this.#forget(pool)
        this.#serveNext()
      }
      waiter.isOpening = false
      if (this.#isClosed) return backend.close()
      const isWaiting = this.#settle(waiter) !== null
      if (isWaiting) waiter.resolve(backend)
      else this.#offer(pool, backend)
    } catch (error) {
      release()
      waiter.isOpening = false
      if (isFull(error)) {
        // The budget is ours, but sessions of the other port and roles' own limits count in Postgres, too.
        setTimeout(() => this.#serve(waiter), retryMs).unref()
        return
      }
      if (!(error instanceof DatabaseError || error instanceof ConnectionError))
        log.error({ error }, 'no backend')
      this.#settle(waiter)?.reject(refusalOf(error, pool.role))
      this.#serveNext()
    }
  }

  #startOf({ database, role, settings }: Pool, login: PoolLogin): SessionStart {
    return { endpoint: this.#options.endpointOf(database), role, settings, loginSettings: login.settings }
  }

  /** To one who waits for a backend of this pool, unless somebody else has waited longer and needs its place. */
  #offer(pool: Pool, backend: Backend): void {
    if (!backend.isOpen) return
    const waiting = this.#waiting.size === 0 ? [] : [...this.#waiting].filter((waiter) => !waiter.isOpening)
    const own = waiting.find((waiter) => waiter.pool === pool)
    const [first] = waiting
    if (this.#isSuperfluous(pool, backend, first)) return backend.close()
    if (own !== undefined) {
      this.#settle(own)
      own.resolve(this.#upToDate(pool, backend))
      return
    }
    pool.idle.push({ backend, sinceMs: Date.now() })
    if (first !== undefined) this.#serveNext()
  }

  /** Too old to be kept, or in the place of somebody who has waited for too long. */
  #isSuperfluous(pool: Pool, backend: Backend, first: Waiter | undefined): boolean {
    if (Date.now() - backend.openedAtMs > lifetimeMs || pool.clients === 0) return true
    if (first === undefined || first.pool === pool || Date.now() - first.sinceMs <= patienceMs) return false
    return this.#needsRoom(first)
  }

  #giveBack(pool: Pool, backend: Backend): void {
    backend.disown()
    // Not worth cleaning when it is not kept.
    if (this.#isSuperfluous(pool, backend, this.#firstWaiting())) return backend.close()
    backend.clean((isClean) => {
      if (isClean) this.#offer(pool, backend)
      else backend.close()
    })
  }

  #firstWaiting(): Waiter | undefined {
    for (const waiter of this.#waiting) if (!waiter.isOpening) return waiter
    return undefined
  }

  /** Whether closing a backend of another pool would help this one. */
  #needsRoom({ pool }: Waiter): boolean {
    return (
      this.#places.inAll >= this.#options.backendsMax &&
      this.#places.of(pool.database) < this.#options.backendsPerProjectMax
    )
  }

  /** Closes the backend that has been idle for longest, in all or of one project. */
  #makeRoom(database: string | null): void {
    let found: { readonly backend: Backend; readonly sinceMs: number } | null = null
    for (const pool of this.#pools.values()) {
      const [oldest] = pool.idle
      if (oldest === undefined || (database !== null && pool.database !== database)) continue
      if (found === null || oldest.sinceMs < found.sinceMs) found = oldest
    }
    if (found === null) return
    for (const pool of this.#pools.values()) {
      const at = pool.idle.indexOf(found)
      if (at >= 0) pool.idle.splice(at, 1)
    }
    found.backend.close()
  }

  #serveNext(): void {
    for (const waiter of this.#waiting) {
      if (waiter.isOpening) continue
      const idle = this.#takeIdle(waiter.pool)
      if (idle !== null) this.#settle(waiter)?.resolve(idle)
      else this.#serve(waiter)
    }
  }

  /** Takes a waiter out; null when it was answered before. */
  #settle(waiter: Waiter): Waiter | null {
    if (!this.#waiting.delete(waiter)) return null
    waiter.stop()
    return waiter
  }

  #sweep(): void {
    const now = Date.now()
    for (const backend of this.#backends) backend.checkCleaning(now)
    for (const pool of this.#pools.values())
      for (const entry of [...pool.idle])
        if (now - entry.sinceMs > this.#options.idleMs || now - entry.backend.openedAtMs > lifetimeMs) {
          pool.idle.splice(pool.idle.indexOf(entry), 1)
          entry.backend.close()
        }
  }

  #forget(pool: Pool): void {
    if (pool.clients > 0) return
    for (const { backend } of pool.idle.splice(0)) backend.close()
    if (pool.backends === 0) this.#pools.delete(pool.id)
  }
}

const isFull = (error: unknown): boolean => error instanceof DatabaseError && error.code === '53300'

/** What a client hears when no backend could be opened for it. */
export function refusalOf(error: unknown, role: string): Refusal {
  if (error instanceof DatabaseError)
    return error.code === '28P01' || error.code === '28000'
      ? refusals.wrongPassword(role)
      : new Refusal(error.code, error.message, error.hint)
  return refusals.databaseUnreachable()
}
