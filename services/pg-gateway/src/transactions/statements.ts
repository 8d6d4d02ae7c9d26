/** A prepared statement as one client sent it. Backends know it under names of their own. */
export interface ClientStatement {
  /** Text and types of parameters: backends share statements that are equal in both. */
  readonly key: string
  /** What follows the name in the Parse message. */
  readonly body: Buffer
}

/** A client may not make the gateway remember more than this. */
export const statementsPerClientMax = 5_000
export const statementBytesPerClientMax = 16 * 2 ** 20

/** Statements that a backend keeps for those who come later; the one that was used longest ago goes first. */
const statementsPerBackendMax = 300

/** Which statements are prepared on one backend, by name. */
export class BackendStatements {
  readonly #names = new Map<string, string>()
  /** Unknown to clients: SQL of theirs must not meet a name of ours. */
  readonly #prefix: string
  #count = 0

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  get size(): number {
    return this.#names.size
  }

  find(key: string): string | null {
    const name = this.#names.get(key)
    if (name === undefined) return null
    this.#names.delete(key)
    this.#names.set(key, name)
    return name
  }

  add(key: string): string {
    const name = `${this.#prefix}${this.#count++}`
    this.#names.set(key, name)
    return name
  }

  /** Takes out what is one too many, and returns its name on the backend. */
  evict(): string | null {
    if (this.#names.size < statementsPerBackendMax) return null
    const [oldest] = this.#names
    if (oldest === undefined) return null
    this.#names.delete(oldest[0])
    return oldest[1]
  }

  delete(key: string): void {
    this.#names.delete(key)
  }

  clear(): void {
    this.#names.clear()
  }
}
