import { WindowCounter } from './window-counter.ts'

const WINDOW_MS = 60_000
const PER_ADDRESS = 30
const IN_ALL = 1_000

/**
 * Bounds how many wrong tokens are looked up: 30 a minute for one address and 1,000 for all, so that neither one guesser nor
 * many load the database. Guessing itself is hopeless (160 bits). Tokens that were good a moment ago are not held up, so
 * that nobody locks out a colleague behind the same address.
 */
export class FailureLimit {
  readonly #failures = new WindowCounter(WINDOW_MS, 10_000)
  readonly #good = new WindowCounter(10 * WINDOW_MS, 10_000)

  /** Seconds to wait, or null when the token may be looked up. */
  waitSeconds(address: string, hash: string, nowMs: number): number | null {
    if (this.#good.get(hash, nowMs).count > 0) return null
    const own = this.#failures.get(address, nowMs)
    const all = this.#failures.get('all', nowMs)
    const full = own.count >= PER_ADDRESS ? own : all.count >= IN_ALL ? all : null
    return full === null ? null : Math.max(1, Math.ceil((full.endsAtMs - nowMs) / 1_000))
  }

  recordFailure(address: string, nowMs: number): void {
    this.#failures.add(address, nowMs)
    this.#failures.add('all', nowMs)
  }

  recordSuccess(hash: string, nowMs: number): void {
    this.#good.add(hash, nowMs)
  }
}
