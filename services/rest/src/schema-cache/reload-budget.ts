import { LRUCache } from 'lru-cache'

/**
 * How often a miss may make a project's schema be read again: a few times at once (somebody is building), then once in
 * five seconds, so that a client asking for what does not exist costs no more than that.
 */
export class ReloadBudget {
  readonly #buckets = new LRUCache<string, { tokens: number; at: number }>({ max: 10_000 })

  take(key: string, now = performance.now()): boolean {
    const bucket = this.#buckets.get(key) ?? { tokens: BURST, at: now }
    const tokens = Math.min(BURST, bucket.tokens + (now - bucket.at) / REFILL_MS)
    this.#buckets.set(key, { tokens: Math.max(0, tokens >= 1 ? tokens - 1 : tokens), at: now })
    return tokens >= 1
  }
}

const BURST = 3
const REFILL_MS = 5_000
