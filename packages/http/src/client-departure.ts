import type { ServerResponse } from 'node:http'
import type { CancelSignal } from '@favo/postgres'

/**
 * What `createClientSignal` makes, without an AbortController: that takes a weak reference and a finalizer (4 µs, and work
 * for the garbage collector), which is too much where every request needs one.
 */
export class ClientDeparture implements CancelSignal {
  readonly #response: ServerResponse
  #listeners: (() => void)[] | null = null

  constructor(response: ServerResponse) {
    this.#response = response
  }

  get aborted(): boolean {
    return this.#response.destroyed && !this.#response.writableFinished
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listeners !== null) {
      this.#listeners.push(listener)
      return
    }
    this.#listeners = [listener]
    this.#response.on('close', () => {
      if (this.aborted) for (const told of [...(this.#listeners ?? [])]) told()
    })
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const index = this.#listeners?.indexOf(listener) ?? -1
    if (index >= 0) this.#listeners?.splice(index, 1)
  }
}
