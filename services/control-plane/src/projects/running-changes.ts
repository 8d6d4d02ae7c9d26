/**
 * Changes of status that this process is working on, by the projects' numbers: the sweep leaves them alone, and shutdown
 * waits for them.
 */
export class RunningChanges {
  readonly #running = new Map<string, Promise<unknown>>()

  has(id: string): boolean {
    return this.#running.has(id)
  }

  async track<T>(id: string, work: () => Promise<T>): Promise<T> {
    const promise = work()
    this.#running.set(id, promise)
    try {
      return await promise
    } finally {
      this.#running.delete(id)
    }
  }

  /** Resolves when all of them have ended, however they end. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#running.values())
  }
}
