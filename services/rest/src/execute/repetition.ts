import { EncodedValues, SharedSettings, type Setting, type Step } from '@favo/postgres'
import type { Caller } from '../authenticate.ts'

type Headers = readonly (readonly [name: string, value: string])[]

/**
 * What executing a request leaves for the next one that says the same: its settings by caller and headers, its steps by
 * role, both with the bytes that they become, and headers of its answer.
 */
export class Repetition {
  /** By the identity of the headers, so as long as a connection repeats them. */
  readonly #settings = new WeakMap<object, { readonly caller: Caller; readonly shared: SharedSettings }>()
  readonly #headers = new Map<string, Headers>()
  #steps: { readonly role: string; readonly list: readonly Step[] } | null = null

  settings(headersKey: object, caller: Caller, list: () => readonly Setting[]): SharedSettings {
    const last = this.#settings.get(headersKey)
    if (last?.caller === caller) return last.shared
    const shared = new SharedSettings(list())
    this.#settings.set(headersKey, { caller, shared })
    return shared
  }

  /** Of its answers, those that are always the same; a project has one address by host and one by path. */
  headers(prefix: string, list: () => Headers): Headers {
    let headers = this.#headers.get(prefix)
    if (headers === undefined) this.#headers.set(prefix, (headers = list()))
    return headers
  }

  /** Those of the last role: one at a time, because whoever signs tokens may invent roles. */
  steps(role: string, list: () => readonly Step[]): readonly Step[] {
    if (this.#steps?.role === role) return this.#steps.list
    const steps = list().map((step) => ({ ...step, encoded: new EncodedValues() }))
    this.#steps = { role, list: steps }
    return steps
  }
}
