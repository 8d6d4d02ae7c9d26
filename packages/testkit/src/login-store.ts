import type { Adapter, AdapterOptions } from 'oidc-provider'

/** What a login server remembers, in memory, one map for each kind of thing. */
export function createLoginStore(): new (kind: string) => Adapter {
  const kinds = new Map<string, Map<string, AdapterOptions>>()
  return class implements Adapter {
    readonly #rows: Map<string, AdapterOptions>
    constructor(kind: string) {
      this.#rows = kinds.get(kind) ?? new Map<string, AdapterOptions>()
      kinds.set(kind, this.#rows)
    }
    async upsert(id: string, payload: AdapterOptions) {
      this.#rows.set(id, payload)
    }
    async find(id: string) {
      return this.#rows.get(id)
    }
    async findByUid(uid: string) {
      return [...this.#rows.values()].find((row) => row.uid === uid)
    }
    /** Of devices without a browser; there are none. */
    async findByUserCode() {
      return undefined
    }
    async consume(id: string) {
      const row = this.#rows.get(id)
      if (row !== undefined) this.#rows.set(id, { ...row, consumed: Math.floor(Date.now() / 1_000) })
    }
    async destroy(id: string) {
      this.#rows.delete(id)
    }
    async revokeByGrantId(grantId: string) {
      for (const [id, row] of this.#rows) if (row.grantId === grantId) this.#rows.delete(id)
    }
  }
}
