import type { Flight } from './flight.ts'

/** How long a cancelled statement may take to end before the connection is given up. */
const patienceMs = 5_000
const firstPauseMs = 20

/**
 * One cancel, from the first request to the end of the flight that it is for. Sent again while the statement goes on: a
 * request that arrives before the backend has read the statement is ignored by it.
 */
export class Cancellation {
  readonly flight: Flight
  readonly #send: (timeoutMs: number) => Promise<void>
  readonly #onAnswered: () => void
  readonly #onFailed: (error: Error) => void
  #isAnswered = false
  #isStopped = false
  #timer: NodeJS.Timeout | null = null
  #wake: (() => void) | null = null

  constructor(
    flight: Flight,
    send: (timeoutMs: number) => Promise<void>,
    onAnswered: () => void,
    onFailed: (error: Error) => void,
  ) {
    this.flight = flight
    this.#send = send
    this.#onAnswered = onAnswered
    this.#onFailed = onFailed
    void this.#run()
  }

  /** No request is underway that could still hit something. */
  get isAnswered(): boolean {
    return this.#isAnswered
  }

  stop(): void {
    this.#isStopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#wake?.()
  }

  async #run(): Promise<void> {
    const until = performance.now() + patienceMs
    for (let pauseMs = firstPauseMs; !this.#isStopped; pauseMs *= 2) {
      this.#isAnswered = false
      try {
        await this.#send(patienceMs)
      } catch (error) {
        return this.#onFailed(error as Error)
      }
      this.#isAnswered = true
      this.#onAnswered()
      if (!this.#isStopped) await this.#pause(pauseMs)
      if (!this.#isStopped && performance.now() > until) {
        return this.#onFailed(new Error('a cancelled statement did not end'))
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      this.#timer = setTimeout(resolve, ms)
    })
  }
}
