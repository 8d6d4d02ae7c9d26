/**
 * One budget of connections over all databases.
 *
 * A request takes an idle connection of its own login at once. Otherwise it waits; its database stands once in a ring of
 * databases that want another connection, however many requests it has, so one project's storm delays another project by
 * one turn, not by the length of the storm. When the budget is used up, the connection that has been idle longest makes
 * room, and if none is idle, a database with more connections than the one at the front gives up the next that comes free.
 */
import { ConnectionError, DatabaseError } from '../types.ts'
import type { Connection } from '../wire/connection.ts'
import { IdleConnections } from './idle-connections.ts'
import { DatabasePools, type LoginPool } from './login-pool.ts'
import { isPassing, retryDelayMs, waitedInVain } from './open-failure.ts'
import type { BudgetOptions, BudgetStats } from './budget-options.ts'
import { briefMs, findLine, findShortestLine, leaveStalled, mayShare, topUp } from './sharing.ts'
import type { Waiter } from './waiters.ts'

/** More at once only slows each other down: opening costs the server 4 to 14 ms of CPU. */
const openingMax = 4
const sweepMs = 25
/** How long a database may keep its only connection while another one has none. */
const turnMs = 50

export class Budget {
  readonly #options: BudgetOptions
  readonly #databases = new Map<string, DatabasePools>()
  readonly #apiMax = new Map<string, number>()
  readonly #poolOf = new Map<Connection, LoginPool>()
  readonly #openedAt = new Map<Connection, number>()
  readonly #idle = new IdleConnections()
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
    const connection = pool.database.isClosing ? null : this.#find(pool, waiter)
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
    if (this.#idle.remove(connection)) return waiter.take(connection)
    const errands = pool.errands.get(connection)
    if (errands === undefined) pool.errands.set(connection, [waiter])
    else errands.push(waiter)
  }

  /** What is open beyond a new limit is closed when it has been idle. Null = no limit of its own. */
  limitApi(name: string, max: number | null): void {
    if (max === null) this.#apiMax.delete(name)
    else this.#apiMax.set(name, max)
    const database = this.#databases.get(name)
    if (database !== undefined) database.apiMax = max
  }

  /** Half of the places are taken. */
  get isScarce(): boolean {
    return this.#taken * 2 >= this.#options.maxConnections
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
    for (const pool of database.logins.values()) {
      for (let waiter = pool.waiters.shift(); waiter !== undefined; waiter = pool.waiters.shift()) {
        waiter.fail(new ConnectionError('unavailable', 'the database is being closed'))
      }
    }
    await this.#endConnections(database, graceMs)
  }

  /** Ends a database's connections in the same way; who waits goes on waiting until the function is called that this gives. */
  async holdDatabase(name: string, graceMs: number): Promise<() => void> {
    const database = this.#database(name)
    database.isClosing = true
    await this.#endConnections(database, graceMs)
    return () => {
      database.isClosing = false
      for (const pool of database.logins.values()) {
        pool.retryAt = 0
        this.#want(pool)
      }
    }
  }

  async #endConnections(database: DatabasePools, graceMs: number): Promise<void> {
    const connections = [...database.logins.values()].flatMap((pool) => [...pool.connections])
    for (const connection of connections) if (this.#idle.remove(connection)) connection.close()
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
    if (database === undefined) {
      database = new DatabasePools(name)
      database.apiMax = this.#apiMax.get(name) ?? null
      this.#databases.set(name, database)
    }
    return database
  }

  #give(pool: LoginPool, connection: Connection, waiter: Waiter): void {
    if (mayShare(pool, waiter)) pool.sharing.add(connection)
    waiter.take(connection)
  }

  /** While other databases wait for a place, the connections are left to drain. */
  get #isDraining(): boolean {
    return this.#ring.length > 0 && this.#taken >= this.#options.maxConnections
  }

  /** A place in a line, or an idle connection, whichever is better for all. */
  #find(pool: LoginPool, waiter: Waiter): Connection | null {
    if (this.#isDraining) return this.#idle.take(pool)
    const line = this.#isSaturated ? findLine(pool, waiter) : findLine(pool, waiter, briefMs)
    if (line !== null) return this.#share(line)
    const idle = this.#idle.take(pool)
    if (idle !== null) return idle
    const shortest = findShortestLine(pool, waiter)
    if (shortest === null) return null
    if (!this.#isSaturated) this.#grow(pool)
    return this.#share(shortest)
  }

  #share(connection: Connection): Connection {
    this.#startSweeping()
    return connection
  }

  /** As many backends are at work as there are cores for them. */
  get #isSaturated(): boolean {
    return this.#taken - this.#idle.size - this.#opening - this.#closing.size >= this.#options.cores
  }

  /** Another connection without anybody waiting for it, if it costs nobody else one. */
  #grow(pool: LoginPool): void {
    const isFree =
      this.#taken < this.#options.maxConnections && this.#opening < openingMax && this.#ring.length === 0
    if (isFree && pool.opening === 0 && this.#hasRoom(pool) && pool.retryAt <= Date.now()) {
      this.#open(pool)
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

  #hasRoom(pool: LoginPool): boolean {
    return pool.size < Math.min(this.#options.maxPerPool, pool.max)
  }

  #wants(pool: LoginPool): boolean {
    return pool.waiters.length > pool.opening && this.#hasRoom(pool) && pool.retryAt <= Date.now()
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
    const victim = this.#idle.findSpare()
    if (victim === null) return
    this.#evicted++
    this.#retire(victim)
  }

  #retire(connection: Connection): void {
    this.#idle.remove(connection)
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
    connection.onProgress = () => {
      if (!pool.database.isClosing && !this.#mustYield(pool, connection)) topUp(pool, connection)
    }
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
      return topUp(pool, connection)
    }
    this.#idle.add(pool, connection)
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
    this.#idle.remove(connection)
    pool.sharing.delete(connection)
    const { database } = pool
    if (database.listening === connection) database.listening = null
    for (const errand of pool.errands.get(connection) ?? []) {
      errand.fail(new ConnectionError('unavailable', 'the connection is closed'))
    }
    pool.errands.delete(connection)
    if (database.size === 0) {
      database.prepared = null
      if (database.waiting === 0 && !database.isClosing && this.#databases.get(database.name) === database) {
        this.#databases.delete(database.name)
      }
    }
    this.#want(pool)
  }

  #refuse(pool: LoginPool, error: Error): void {
    pool.lastFailure = error
    if (isPassing(error)) {
      pool.retryAt = Date.now() + retryDelayMs(pool.failures++)
      return
    }
    const code = error instanceof DatabaseError ? error.code : null
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

  /** Ends waits that last too long, and tries again to open what failed. Runs only while somebody waits. */
  #startSweeping(): void {
    if (this.#sweeper !== null) return
    let previous = performance.now()
    this.#sweeper = setInterval(() => {
      const now = performance.now()
      // When this process itself was held up, nobody else was slow.
      const isLate = now - previous > 2 * sweepMs
      previous = now
      if (this.#sweep(isLate) > 0 || this.#sweeper === null) return
      clearInterval(this.#sweeper)
      this.#sweeper = null
    }, sweepMs)
  }

  /** Returns how many still need looking after. */
  #sweep(isLate: boolean): number {
    const now = Date.now()
    let open = 0
    for (const database of this.#databases.values()) {
      for (const pool of database.logins.values()) {
        for (const waiter of pool.waiters.shiftExpired(now)) waiter.fail(waitedInVain(pool.lastFailure))
        if (pool.waiters.length > 0) this.#want(pool)
        open += pool.waiters.length + (isLate ? pool.sharing.size : leaveStalled(pool))
      }
      if (database.size === 0 && database.waiting === 0 && !database.isClosing)
        this.#databases.delete(database.name)
    }
    return open
  }

  #startIdleTimer(): void {
    if (this.#idleTimer !== null) return
    const everyMs = Math.max(10, Math.min(1_000, this.#options.idleMs / 4))
    this.#idleTimer = setInterval(() => this.#closeIdle(), everyMs)
    this.#idleTimer.unref()
  }

  #closeIdle(): void {
    for (const connection of this.#idle.listUnused(Date.now() - this.#options.idleMs))
      this.#retire(connection)
    if (this.#idle.size > 0 || this.#idleTimer === null) return
    clearInterval(this.#idleTimer)
    this.#idleTimer = null
  }
}
