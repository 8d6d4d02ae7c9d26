import type { Logger } from '@favo/runtime'
import type { Connection } from '../wire/connection.ts'

export interface BudgetOptions {
  /** Opens a connection; rejects with DatabaseError or ConnectionError. */
  readonly open: (database: string, login: string) => Promise<Connection>
  /** Runs before the first connection of a database is opened, again when it has had none in between. */
  readonly beforeOpen?: (database: string) => Promise<void>
  readonly maxConnections: number
  /** Per database and login. */
  readonly maxPerPool: number
  /** Backends that can work at once without waiting for a core. */
  readonly cores: number
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
