/** Counts per key in windows of fixed length; at most `keysMax` keys are remembered, the oldest go first. */
export class WindowCounter {
  readonly #windowMs: number
  readonly #keysMax: number
  readonly #counts = new Map<string, { count: number; endsAtMs: number }>()

  constructor(windowMs: number, keysMax: number) {
    this.#windowMs = windowMs
    this.#keysMax = keysMax
  }

  get(key: string, nowMs: number): { count: number; endsAtMs: number } {
    const known = this.#counts.get(key)
    return known !== undefined && known.endsAtMs > nowMs
      ? known
      : { count: 0, endsAtMs: nowMs + this.#windowMs }
  }

  add(key: string, nowMs: number): void {
    const entry = this.get(key, nowMs)
    this.#counts.delete(key)
    this.#counts.set(key, { ...entry, count: entry.count + 1 })
    if (this.#counts.size > this.#keysMax) {
      const oldest = this.#counts.keys().next()
      if (oldest.done !== true) this.#counts.delete(oldest.value)
    }
  }
}
