/**
 * One budget of connections over all databases.
 *
 * A request takes an idle connection of its own login at once. Otherwise it waits; its database stands once in a ring of
 * databases that want another connection, however many requests it has, so one project's storm delays another project by
 * one turn, not by the length of the storm. When the budget is used up, the connection that has been idle longest makes
 * room, and if none is idle, a database with more connections than the one at the front gives up the next that comes free.
 */
import type { Logger } from '@favo/runtime'
import { ConnectionError, DatabaseError } from '../types.ts'
import type { Connection } from '../wire/connection.ts'
import { DatabasePools, type LoginPool } from './login-pool.ts'
import type { Waiter } from './waiters.ts'

export interface BudgetOptions {
  /** Opens a connection; rejects with DatabaseError or ConnectionError. */
  readonly open: (database: string, login: string) => Promise<Connection>
  /** Runs before the first connection of a database is opened, again when it has had none in between. */
  readonly beforeOpen?: (database: string) => Promise<void>
  readonly maxConnections: number
  /** Per database and login. */
  readonly maxPerPool: number
  readonly idleMs: number
  readonly acquireTimeoutMs: number
  readonly log: Logger
}

export interface BudgetStats {
  readonly connections: number
  readonly idle: number
  readonly opening: number
  readonly databases: number
  /** Requests that wait for a connection. */
  readonly waiting: number
  readonly waitingByDatabase: Readonly<Record<string, number>>
  /** Counted since the start. */
  readonly opened: number
  readonly evicted: number
  readonly failed: number
}

/** More at once only slows each other down: opening costs the server 4 to 14 ms of CPU. */
const openingMax = 4
const sweepMs = 25
/** Flights underway on one connection, when all are quick reads. */
const depthMax = 8
/** From this many on it is worth opening another connection. */
const growDepth = 3
/** How long a quick read may hold up the others. */
const stalledMs = 50
/** How long a database may keep its only connection while another one has none. */
const turnMs = 50
const retryMsMin = 25
const retryMsMax = 1_000

export class Budget {
  readonly #options: BudgetOptions
  readonly #databases = new Map<string, DatabasePools>()
  readonly #poolOf = new Map<Connection, LoginPool>()
  readonly #openedAt = new Map<Connection, number>()
  /** Idle connections, the one that has been idle longest first. */
  readonly #idle = new Map<Connection, number>()
  /** Databases that want another connection, in the order of their turns. */
  #ring: DatabasePools[] = []
  /** Places taken: open, opening, and closing until the server has really let go. */
  #taken = 0
  #opening = 0
  /** Told to close to make room; their places are not free yet. */
  readonly #closing = new Set<Connection>()
  #sweeper: NodeJS.Timeout | null = null
  #idleTimer: NodeJS.Timeout | null = null
  #isClosed = false
  #opened = 0
  #evicted = 0
  #failed = 0

  constructor(options: BudgetOptions) {
    this.#options = options
  }

  /** Finds the waiter a connection. It is given back by becoming idle; nobody has to release it. */
  acquire(database: string, login: string, waiter: Waiter): void {
    if (this.#isClosed) return waiter.fail(new ConnectionError('unavailable', 'the pools are closed'))
    const pool = this.#database(database).pool(login)
    pool.database.lastUsed = Date.now()
    const connection = this.#takeIdle(pool) ?? this.#findShared(pool, waiter)
    if (connection !== null) return this.#give(pool, connection, waiter)
    pool.waiters.push(waiter, Date.now() + this.#options.acquireTimeoutMs)
    this.#startSweeping()
    this.#want(pool)
  }

  /** As `acquire`, but for this very connection. Fails when it is gone. */
  acquireThis(connection: Connection, waiter: Waiter): void {
    const pool = this.#poolOf.get(connection)
    if (pool === undefined || !connection.isOpen) {
      return waiter.fail(new ConnectionError('unavailable', 'the connection is closed'))
    }
    const index = pool.idle.indexOf(connection)
    if (index >= 0) {
      pool.idle.splice(index, 1)
      this.#idle.delete(connection)
      return waiter.take(connection)
    }
    const errands = pool.errands.get(connection)
    if (errands === undefined) pool.errands.set(connection, [waiter])
    else errands.push(waiter)
  }

  listeningConnection(database: string): Connection | null {
    return this.#databases.get(database)?.listening ?? null
  }

  setListeningConnection(database: string, connection: Connection): void {
    this.#database(database).listening = connection
  }

  /** Ends all connections of a database; those in use when their work is done, or after `graceMs`. */
  async closeDatabase(name: string, graceMs: number): Promise<void> {
    const database = this.#databases.get(name)
    if (database === undefined) return
    database.isClosing = true
    this.#databases.delete(name)
    const connections: Connection[] = []
    for (const pool of database.logins.values()) {
      for (let waiter = pool.waiters.shift(); waiter !== undefined; waiter = pool.waiters.shift()) {
        waiter.fail(new ConnectionError('unavailable', 'the database is being closed'))
      }
      connections.push(...pool.connections)
    }
    for (const connection of connections) if (this.#idle.delete(connection)) connection.close()
    const deadline = Date.now() + graceMs
    while (database.size > 0) {
      if (Date.now() > deadline)
        for (const left of connections) left.destroy(new Error('the database is being closed'))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#databases.keys()].map((name) => this.closeDatabase(name, graceMs)))
    if (this.#sweeper !== null) clearInterval(this.#sweeper)
    if (this.#idleTimer !== null) clearInterval(this.#idleTimer)
  }

  stats(): BudgetStats {
    const waitingByDatabase: Record<string, number> = {}
    let waiting = 0
    for (const database of this.#databases.values()) {
      if (database.waiting === 0) continue
      waitingByDatabase[database.name] = database.waiting
      waiting += database.waiting
    }
    return {
      connections: this.#taken,
      idle: this.#idle.size,
      opening: this.#opening,
      databases: this.#databases.size,
      waiting,
      waitingByDatabase,
      opened: this.#opened,
      evicted: this.#evicted,
      failed: this.#failed,
    }
  }

  #database(name: string): DatabasePools {
    let database = this.#databases.get(name)
    if (database === undefined) this.#databases.set(name, (database = new DatabasePools(name)))
    return database
  }

  #takeIdle(pool: LoginPool): Connection | null {
    for (;;) {
      const connection = pool.idle.pop()
      if (connection === undefined) return null
      this.#idle.delete(connection)
      if (connection.isOpen) return connection
    }
  }

  #give(pool: LoginPool, connection: Connection, waiter: Waiter): void {
    if (this.#mayShare(pool, waiter)) pool.sharing.add(connection)
    waiter.take(connection)
  }

  #mayShare(pool: LoginPool, waiter: Waiter): boolean {
    return waiter.shareKey !== null && pool.speeds.isQuick(waiter.shareKey)
  }

  /**
   * A connection that quick reads keep busy, to stand in line there: the wait is shorter than it takes to open another,
   * and several answers in one packet cost both sides less. Nobody overtakes a waiter, and while other databases wait for
   * a place the connections must be left to drain.
   */
  #findShared(pool: LoginPool, waiter: Waiter): Connection | null {
    if (pool.sharing.size === 0 || pool.waiters.length > 0 || !this.#mayShare(pool, waiter)) return null
    if (this.#ring.length > 0 && this.#taken >= this.#options.maxConnections) return null
    let best: Connection | null = null
    for (const connection of pool.sharing) {
      if (this.#hasRoom(pool, connection) && connection.underway < (best?.underway ?? Infinity))
        best = connection
    }
    if (best === null) return null
    if (best.underway >= growDepth) this.#grow(pool)
    this.#startSweeping()
    return best
  }

  #hasRoom(pool: LoginPool, connection: Connection): boolean {
    return connection.isOpen && connection.underway < depthMax && !pool.errands.has(connection)
  }

  /** Another connection without anybody waiting for it, if it costs nobody else one. */
  #grow(pool: LoginPool): void {
    const isFree =
      this.#taken < this.#options.maxConnections && this.#opening < openingMax && this.#ring.length === 0
    if (isFree && pool.opening === 0 && pool.size < this.#options.maxPerPool && pool.retryAt <= Date.now()) {
      this.#open(pool)
    }
  }

  /** Fills a shared connection up with those at the front of the queue. */
  #topUp(pool: LoginPool, connection: Connection): void {
    if (!pool.sharing.has(connection) || this.#mustYield(pool, connection)) return
    for (;;) {
      const waiter = pool.waiters.peek()
      if (waiter === undefined || !this.#mayShare(pool, waiter) || !this.#hasRoom(pool, connection)) return
      pool.waiters.shift()
      waiter.take(connection)
    }
  }

  /** Queues the pool's database for a place, if it may have one more. */
  #want(pool: LoginPool): void {
    const { database } = pool
    if (!database.isQueued && this.#wants(pool)) {
      database.isQueued = true
      this.#ring.push(database)
    }
    this.#handOut()
  }

  #wants(pool: LoginPool): boolean {
    return (
      pool.waiters.length > pool.opening && pool.size < this.#options.maxPerPool && pool.retryAt <= Date.now()
    )
  }

  /** Gives free places to the databases in the ring, one each in turn. */
  #handOut(): void {
    while (this.#ring.length > 0 && this.#opening < openingMax) {
      const database = this.#ring[0]
      if (database === undefined) return
      const pool = database.isClosing ? null : this.#nextPool(database)
      if (pool === null) {
        this.#ring.shift()
        database.isQueued = false
        continue
      }
      if (this.#taken >= this.#options.maxConnections) {
        // Its place is free when the server has let go; this is called again then.
        if (this.#closing.size < this.#ring.length) this.#evict()
        return
      }
      this.#ring.shift()
      database.isQueued = false
      this.#open(pool)
      if (this.#nextPool(database) !== null) {
        database.isQueued = true
        this.#ring.push(database)
      }
    }
  }

  /** The login whose turn it is: the one with the fewest connections, so that none starves beside another. */
  #nextPool(database: DatabasePools): LoginPool | null {
    let best: LoginPool | null = null
    for (const pool of database.logins.values()) {
      if (this.#wants(pool) && (best === null || pool.size < best.size)) best = pool
    }
    return best
  }

  #evict(): void {
    let victim: Connection | null = null
    for (const connection of this.#idle.keys()) {
      victim ??= connection
      // A listener costs its database the schema cache: only when nothing else is idle.
      if (connection.isListening) continue
      victim = connection
      break
    }
    if (victim === null) return
    this.#evicted++
    this.#retire(victim)
  }

  #retire(connection: Connection): void {
    const pool = this.#poolOf.get(connection)
    const index = pool?.idle.indexOf(connection) ?? -1
    if (index >= 0) pool?.idle.splice(index, 1)
    this.#idle.delete(connection)
    if (!connection.isOpen) return
    this.#closing.add(connection)
    connection.close()
  }

  #open(pool: LoginPool): void {
    this.#taken++
    this.#opening++
    pool.opening++
    void this.#openNow(pool).finally(() => this.#handOut())
  }

  async #openNow(pool: LoginPool): Promise<void> {
    const { database } = pool
    try {
      await (database.prepared ??= this.#options.beforeOpen?.(database.name) ?? Promise.resolve())
      const connection = await this.#options.open(database.name, pool.login)
      this.#opening--
      pool.opening--
      pool.failures = 0
      pool.lastFailure = null
      this.#opened++
      this.#adopt(pool, connection)
    } catch (error) {
      this.#taken--
      this.#opening--
      pool.opening--
      this.#failed++
      if (database.size === 0) database.prepared = null
      this.#refuse(pool, error as Error)
    }
  }

  #adopt(pool: LoginPool, connection: Connection): void {
    pool.connections.add(connection)
    this.#poolOf.set(connection, pool)
    this.#openedAt.set(connection, Date.now())
    connection.speeds = pool.speeds
    connection.onProgress = () => this.#topUp(pool, connection)
    connection.onIdle = () => this.#offer(pool, connection)
    connection.onClosed = () => this.#forget(pool, connection)
    // It may have broken while it was on its way here.
    if (connection.isOpen) this.#offer(pool, connection)
    else connection.destroy(new Error('the connection broke at once'))
  }

  /** A connection is free: an errand, the next waiter of its pool, another database, or rest. */
  #offer(pool: LoginPool, connection: Connection): void {
    pool.sharing.delete(connection)
    if (!connection.isOpen) return
    const errands = pool.errands.get(connection)
    const errand = errands?.shift()
    if (errand !== undefined) {
      if (errands?.length === 0) pool.errands.delete(connection)
      return errand.take(connection)
    }
    if (pool.database.isClosing) return connection.close()
    if (this.#mustYield(pool, connection)) {
      this.#evicted++
      this.#retire(connection)
      // Those that wait here get in line again behind the others.
      this.#want(pool)
      return
    }
    const waiter = pool.waiters.shift()
    if (waiter !== undefined) {
      this.#give(pool, connection, waiter)
      return this.#topUp(pool, connection)
    }
    pool.idle.push(connection)
    this.#idle.set(connection, Date.now())
    this.#startIdleTimer()
    if (this.#ring.length > 0) this.#handOut()
  }

  #mustYield(pool: LoginPool, connection: Connection): boolean {
    if (this.#ring.length === 0 || this.#taken < this.#options.maxConnections) return false
    if (this.#closing.size >= this.#ring.length || this.#idle.size > 0) return false
    const next = this.#ring[0]
    if (next === undefined || next === pool.database) return false
    const mine = pool.database.size
    const theirs = next.size
    if (mine >= theirs + 2) return true
    return theirs === 0 && Date.now() - (this.#openedAt.get(connection) ?? 0) >= turnMs
  }

  #forget(pool: LoginPool, connection: Connection): void {
    if (!pool.connections.delete(connection)) return
    this.#closing.delete(connection)
    this.#taken--
    this.#poolOf.delete(connection)
    this.#openedAt.delete(connection)
    this.#idle.delete(connection)
    pool.sharing.delete(connection)
    const index = pool.idle.indexOf(connection)
    if (index >= 0) pool.idle.splice(index, 1)
    const { database } = pool
    if (database.listening === connection) database.listening = null
    for (const errand of pool.errands.get(connection) ?? []) {
      errand.fail(new ConnectionError('unavailable', 'the connection is closed'))
    }
    pool.errands.delete(connection)
    if (database.size === 0) {
      database.prepared = null
      if (database.waiting === 0 && this.#databases.get(database.name) === database) {
        this.#databases.delete(database.name)
      }
    }
    this.#want(pool)
  }

  #refuse(pool: LoginPool, error: Error): void {
    const code = error instanceof DatabaseError ? error.code : null
    pool.lastFailure = error
    if (code === null ? error instanceof ConnectionError : passing.has(code)) {
      const delay = Math.min(retryMsMin * 2 ** pool.failures++, retryMsMax)
      pool.retryAt = Date.now() + delay * (0.75 + Math.random() / 2)
      return
    }
    // It will not get better by waiting.
    this.#options.log.warn(
      { database: pool.database.name, login: pool.login, code, error },
      'cannot open a connection',
    )
    const reason = new ConnectionError('unavailable', `cannot open a connection: ${error.message}`, {
      cause: error,
    })
    for (let waiter = pool.waiters.shift(); waiter !== undefined; waiter = pool.waiters.shift())
      waiter.fail(reason)
  }

  /** A statement that used to be quick is not: those behind it go elsewhere. */
  #unshare(pool: LoginPool, connection: Connection): void {
    pool.sharing.delete(connection)
    connection.rescue()
  }

  /** Ends waits that last too long, and tries again to open what failed. Runs only while somebody waits. */
  #startSweeping(): void {
    this.#sweeper ??= setInterval(() => {
      const now = Date.now()
      let waiting = 0
      for (const database of this.#databases.values()) {
        for (const pool of database.logins.values()) {
          for (const waiter of pool.waiters.shiftExpired(now)) waiter.fail(this.#tooLong(pool))
          waiting += pool.waiters.length
          if (pool.waiters.length > 0) this.#want(pool)
          for (const connection of pool.sharing) {
            waiting += connection.underway - 1
            if (connection.frontMs > stalledMs) this.#unshare(pool, connection)
          }
        }
        if (database.size === 0 && database.waiting === 0) this.#databases.delete(database.name)
      }
      if (waiting > 0 || this.#sweeper === null) return
      clearInterval(this.#sweeper)
      this.#sweeper = null
    }, sweepMs)
  }

  #tooLong(pool: LoginPool): ConnectionError {
    const cause = pool.lastFailure
    const isFull = cause === null || (cause instanceof DatabaseError && cause.code.startsWith('53'))
    return isFull
      ? new ConnectionError('busy', 'no database connection came free in time', { cause })
      : new ConnectionError('unavailable', `cannot connect to the database: ${cause.message}`, { cause })
  }

  #startIdleTimer(): void {
    if (this.#idleTimer !== null) return
    const everyMs = Math.max(10, Math.min(1_000, this.#options.idleMs / 4))
    this.#idleTimer = setInterval(() => this.#closeIdle(), everyMs)
    this.#idleTimer.unref()
  }

  #closeIdle(): void {
    const limit = Date.now() - this.#options.idleMs
    for (const [connection, since] of this.#idle) {
      if (since > limit) break
      const database = this.#poolOf.get(connection)?.database
      if (connection.isListening && database !== undefined && database.lastUsed > limit) continue
      this.#retire(connection)
    }
    if (this.#idle.size > 0 || this.#idleTimer === null) return
    clearInterval(this.#idleTimer)
    this.#idleTimer = null
  }
}

/**
 * Errors at login that pass by themselves: too many connections (53300), out of resources (53xxx), shutting down and
 * starting up (57P01, 57P02, 57P03).
 */
const passing = {
  has: (code: string): boolean => code.startsWith('53') || code.startsWith('57P'),
}
