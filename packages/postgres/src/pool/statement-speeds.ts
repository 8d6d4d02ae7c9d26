/**
 * Which statements are quick, learnt from their last executions. Only those share a connection with others: behind a slow
 * one a quick one would wait for nothing of its own.
 */
export class StatementSpeeds {
  readonly #averageMs = new Map<string, number>()

  note(key: string, ms: number): void {
    const before = this.#averageMs.get(key)
    if (before === undefined && this.#averageMs.size >= keysMax) this.#averageMs.clear()
    const counted = before === undefined ? ms : Math.min(ms, Math.max(outlierMs, before * outlierFactor))
    this.#averageMs.set(key, before === undefined ? counted : before * 0.8 + counted * 0.2)
  }

  /** False for what was never seen. */
  isQuick(key: string): boolean {
    return (this.#averageMs.get(key) ?? Infinity) < quickMs
  }

  /** 0 for what was never seen. */
  expectedMs(key: string): number {
    return this.#averageMs.get(key) ?? 0
  }
}

/** A busy event loop alone makes 2 ms of 0.05 ms. */
const quickMs = 5
/**
 * What one execution counts for at most: a backend that waited 60 ms for a core says nothing about its statement, and were it
 * believed, others would be woken, which then wait for cores too.
 */
const outlierMs = 1
const outlierFactor = 8
const keysMax = 1_000
