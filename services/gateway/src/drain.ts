import type { Server, ServerResponse } from 'node:http'

/**
 * Counts requests underway, so that closing waits for them and for nothing else.
 *
 * Node's `server.close()` also waits for connections on which nothing was ever asked, and stops the timer that would
 * end them: one silent client would keep the process alive for ever.
 */
export class Drain {
  #underway = 0
  #whenEmpty: (() => void) | null = null

  /** `onDone` runs when the answer has left or the client has. */
  enter(response: ServerResponse, onDone: () => void): void {
    this.#underway += 1
    response.once('close', () => {
      this.#underway -= 1
      onDone()
      if (this.#underway === 0) this.#whenEmpty?.()
    })
  }

  /** Resolves when no request is underway or `graceMs` have passed; then every connection is closed. */
  async closeConnections(server: Server, graceMs: number): Promise<void> {
    if (this.#underway > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs)
        this.#whenEmpty = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    server.closeAllConnections()
  }
}
