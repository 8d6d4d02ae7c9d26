import { Queue } from '../queue.ts'
import type { Connection } from '../wire/connection.ts'

/** Somebody who needs a connection. Exactly one of `take` and `fail` is called, unless it is withdrawn before. */
export interface Waiter {
  /** The connection is the waiter's alone until it is idle again (`Connection.onIdle`). */
  take(connection: Connection): void
  fail(error: Error): void
  isWithdrawn: boolean
  /** Under what the speed of its statement is known, if it may share a connection with others while it is quick. */
  readonly shareKey: string | null
}

/** In the order in which they came. */
export class WaiterQueue {
  readonly #places = new Queue<{ readonly waiter: Waiter; readonly expiresAt: number }>()

  /** Those that were withdrawn are counted until it is their turn. */
  get length(): number {
    return this.#places.length
  }

  push(waiter: Waiter, expiresAt: number): void {
    this.#places.push({ waiter, expiresAt })
  }

  /** The one that `shift` would give. */
  peek(): Waiter | undefined {
    while (this.#places.first?.waiter.isWithdrawn === true) this.#places.shift()
    return this.#places.first?.waiter
  }

  shift(): Waiter | undefined {
    const waiter = this.peek()
    this.#places.shift()
    return waiter
  }

  /** Removes those at the front that have waited long enough; all have the same patience. */
  shiftExpired(now: number): Waiter[] {
    const expired: Waiter[] = []
    for (;;) {
      const waiter = this.peek()
      if (waiter === undefined || (this.#places.first?.expiresAt ?? Infinity) > now) return expired
      this.#places.shift()
      expired.push(waiter)
    }
  }
}
