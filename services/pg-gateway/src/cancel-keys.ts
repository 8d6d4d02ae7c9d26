import { randomBytes } from 'node:crypto'

/**
 * What a client may cancel: itself, by a key that the gateway has made. The keys of Postgres' own are given to nobody, so
 * that nobody can interrupt a backend that serves somebody else by now.
 */
export class CancelKeys {
  readonly #byKey = new Map<string, () => void>()

  /** `processId` is what the client is told it was; `cancel` interrupts what it is doing at the moment. */
  register(
    processId: number,
    cancel: () => void,
  ): { readonly secretKey: Buffer; readonly forget: () => void } {
    for (;;) {
      const secretKey = randomBytes(4)
      const key = keyOf(processId, secretKey)
      if (this.#byKey.has(key)) continue
      this.#byKey.set(key, cancel)
      return { secretKey, forget: () => this.#byKey.delete(key) }
    }
  }

  /** Nobody is told whether there was anything to cancel. */
  cancel(processId: number, secretKey: Buffer): void {
    this.#byKey.get(keyOf(processId, secretKey))?.()
  }
}

const keyOf = (processId: number, secretKey: Buffer): string => `${processId} ${secretKey.toString('hex')}`
