import type { Logger } from '@favo/runtime'

/** Work that is done in rounds, never two at once in this process; a call during a round makes another one follow it. */
export class Rounds {
  readonly #log: Logger
  readonly #what: string
  readonly #work: () => Promise<void>
  #current: Promise<void> | null = null
  #isWanted = false
  #isStopped = false

  constructor(log: Logger, what: string, work: () => Promise<void>) {
    this.#log = log
    this.#what = what
    this.#work = work
  }

  /** Resolves when nothing is left to do. Never rejects: what fails is logged, and the next call tries again. */
  run(): Promise<void> {
    if (this.#isStopped) return Promise.resolve()
    this.#isWanted = true
    this.#current ??= this.#rounds().finally(() => (this.#current = null))
    return this.#current
  }

  /** Starts nothing any more, and resolves when what is underway has ended. */
  async settle(): Promise<void> {
    this.#isStopped = true
    await this.#current
  }

  async #rounds(): Promise<void> {
    while (this.#isWanted && !this.#isStopped) {
      this.#isWanted = false
      await this.#work().catch((error: unknown) => {
        this.#log.warn({ error }, `${this.#what}: a round failed`)
      })
    }
  }
}
