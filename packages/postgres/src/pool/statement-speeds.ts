/**
 * Which statements are quick, learnt from their last executions. Only those share a connection with others: behind a slow
 * one a quick one would wait for nothing of its own.
 */
export class StatementSpeeds {
  readonly #averageMs = new Map<string, number>()

  note(key: string, ms: number): void {
    const before = this.#averageMs.get(key)
    if (before === undefined && this.#averageMs.size >= keysMax) this.#averageMs.clear()
    this.#averageMs.set(key, before === undefined ? ms : before * 0.8 + ms * 0.2)
  }

  /** False for what was never seen. */
  isQuick(key: string): boolean {
    return this.averageMs(key) < quickMs
  }

  /** Infinity for what was never seen. */
  averageMs(key: string): number {
    return this.#averageMs.get(key) ?? Infinity
  }
}

/** A busy event loop alone makes 2 ms of 0.05 ms. */
const quickMs = 5
const keysMax = 1_000
