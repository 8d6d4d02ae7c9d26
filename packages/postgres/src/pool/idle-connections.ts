import type { Connection } from '../wire/connection.ts'
import type { LoginPool } from './login-pool.ts'

/** All connections that nobody uses, by login for who needs one, and by age for who needs room. */
export class IdleConnections {
  /** The one that has been idle longest first. */
  readonly #since = new Map<Connection, { readonly pool: LoginPool; readonly since: number }>()

  get size(): number {
    return this.#since.size
  }

  add(pool: LoginPool, connection: Connection): void {
    pool.idle.push(connection)
    this.#since.set(connection, { pool, since: Date.now() })
  }

  /**
   * The most recently used one of a login; one that listens only where there is no other, because during a transaction
   * Postgres tells it nothing.
   */
  take(pool: LoginPool): Connection | null {
    let at = pool.idle.findLastIndex((connection) => !connection.isListening)
    if (at < 0) at = pool.idle.length - 1
    for (; at >= 0; at = pool.idle.length - 1) {
      const [connection] = pool.idle.splice(at, 1)
      if (connection === undefined) return null
      this.#since.delete(connection)
      if (connection.isOpen) return connection
    }
    return null
  }

  /** False when it is not idle. */
  remove(connection: Connection): boolean {
    const entry = this.#since.get(connection)
    if (entry === undefined) return false
    this.#since.delete(connection)
    const index = entry.pool.idle.indexOf(connection)
    if (index >= 0) entry.pool.idle.splice(index, 1)
    return true
  }

  /** The one that can best be spared: idle longest, and a listener, whose loss empties a cache, only if all are. */
  findSpare(): Connection | null {
    let oldest: Connection | null = null
    for (const connection of this.#since.keys()) {
      if (!connection.isListening) return connection
      oldest ??= connection
    }
    return oldest
  }

  /** Idle since before `limit`; a listener only if its database has had no traffic since then. */
  listUnused(limit: number): Connection[] {
    const unused: Connection[] = []
    for (const [connection, { pool, since }] of this.#since) {
      if (since > limit) break
      if (!connection.isListening || pool.database.lastUsed <= limit) unused.push(connection)
    }
    return unused
  }
}
