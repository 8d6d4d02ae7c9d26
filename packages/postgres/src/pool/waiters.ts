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

/** First in, first out, without moving the rest at each step. */
export class WaiterQueue {
  #items: { readonly waiter: Waiter; readonly expiresAt: number }[] = []
  #first = 0

  get length(): number {
    return this.#items.length - this.#first
  }

  push(waiter: Waiter, expiresAt: number): void {
    this.#items.push({ waiter, expiresAt })
  }

  /** The one that `shift` would give. */
  peek(): Waiter | undefined {
    while (this.#items[this.#first]?.waiter.isWithdrawn === true) this.#advance()
    return this.#items[this.#first]?.waiter
  }

  shift(): Waiter | undefined {
    let item
    do {
      item = this.#items[this.#first]
      if (item === undefined) return undefined
      this.#advance()
    } while (item.waiter.isWithdrawn)
    return item.waiter
  }

  /** Removes those at the front that have waited long enough; all have the same patience. */
  shiftExpired(now: number): Waiter[] {
    const expired: Waiter[] = []
    for (;;) {
      const item = this.#items[this.#first]
      if (item === undefined || (item.expiresAt > now && !item.waiter.isWithdrawn)) return expired
      this.#advance()
      if (!item.waiter.isWithdrawn) expired.push(item.waiter)
    }
  }

  #advance(): void {
    this.#first++
    if (this.#first < 1_024 && this.#first < this.#items.length) return
    this.#items = this.#items.slice(this.#first)
    this.#first = 0
  }
}
