import { randomInt } from 'node:crypto'
import { sql, type Db, type Queryable } from '@favo/postgres'
import type { Logger } from '@favo/runtime'

/** Class of the advisory locks that say "this process lives". Any number, but always the same. */
const LOCK_CLASS = 0x6661766f

/**
 * This process among all that share the control plane's tables. While it lives, a session of its own holds the advisory
 * lock of its number; when the process goes, however it goes, Postgres ends the session and the lock is free, and others
 * know that the changes under this number are orphans.
 */
export class Instance {
  readonly number = randomInt(1, 2_147_483_647)
  readonly #session: Db
  readonly #log: Logger

  /** `session` must be one connection that is kept open (`openDb` with `max: 1`). */
  constructor(session: Db, log: Logger) {
    this.#session = session
    this.#log = log
  }

  /**
   * Takes the lock, or takes it again when the session broke meanwhile. To be called every few seconds. In the time between
   * another process may take our changes over; that is safe, because each change checks that it is still ours at its end.
   */
  async hold(): Promise<void> {
    const lockClass = sql.literal(LOCK_CLASS)
    const number = sql.literal(this.number)
    // A script without parameters: everything else starts with releasing what session locks there are. Taking a lock that
    // this session has already only counts it once more.
    const isHeld = await this.#session.run(
      sql`select 1 where pg_catalog.pg_try_advisory_lock(${lockClass}::int, ${number}::int)`,
    )
    // The old session's backend may live for a moment longer; the next call gets it.
    if (isHeld === 0) this.#log.warn({ instance: this.number }, 'instance lock is not free yet')
  }
}

/** Whether the process of that number is gone. Holds its lock until the transaction ends. */
export async function isGone(tx: Queryable, instance: number): Promise<boolean> {
  const { free } = await tx.one<{ free: boolean }>(
    sql`select pg_catalog.pg_try_advisory_xact_lock(${LOCK_CLASS}::int, ${instance}::int) as free`,
  )
  return free
}
