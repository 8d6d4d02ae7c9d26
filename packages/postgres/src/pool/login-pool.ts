import type { Connection } from '../wire/connection.ts'
import { StatementSpeeds } from './statement-speeds.ts'
import { WaiterQueue, type Waiter } from './waiters.ts'

/** The connections of one login in one database. Only state: decisions are the budget's. */
export class LoginPool {
  readonly database: DatabasePools
  readonly login: string
  readonly connections = new Set<Connection>()
  /** Most recently used last: it is taken first, so that a calm pool shrinks to what it needs. */
  readonly idle: Connection[] = []
  readonly waiters = new WaiterQueue()
  /** Connections on which only flights that may share are underway. */
  readonly sharing = new Set<Connection>()
  readonly speeds = new StatementSpeeds()
  /** Errands for one particular connection (LISTEN), done as soon as it is free. */
  readonly errands = new Map<Connection, Waiter[]>()
  opening = 0
  /** No attempt to open another before this moment. */
  retryAt = 0
  failures = 0
  lastFailure: Error | null = null

  constructor(database: DatabasePools, login: string) {
    this.database = database
    this.login = login
  }

  get size(): number {
    return this.connections.size + this.opening
  }

  /** Of its own; the budget has one for all. */
  get max(): number {
    return this.login === 'api' ? (this.database.apiMax ?? Infinity) : Infinity
  }
}

/** All pools of one database; the unit between which the budget is shared fairly. */
export class DatabasePools {
  readonly name: string
  readonly logins = new Map<string, LoginPool>()
  /** `Date.now()` of the last time that anybody asked for a connection. */
  lastUsed = Date.now()
  isClosing = false
  apiMax: number | null = null
  /** Set while it stands in the queue for a place in the budget. */
  isQueued = false
  /** `beforeOpen`, while it runs or has succeeded for the connections that are open now. */
  prepared: Promise<void> | null = null
  listening: Connection | null = null

  constructor(name: string) {
    this.name = name
  }

  pool(login: string): LoginPool {
    let pool = this.logins.get(login)
    if (pool === undefined) this.logins.set(login, (pool = new LoginPool(this, login)))
    return pool
  }

  get size(): number {
    let size = 0
    for (const pool of this.logins.values()) size += pool.size
    return size
  }

  get waiting(): number {
    let waiting = 0
    for (const pool of this.logins.values()) waiting += pool.waiters.length
    return waiting
  }
}
