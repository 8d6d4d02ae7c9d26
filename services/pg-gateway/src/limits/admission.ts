import { refusals } from '../errors.ts'
import { networkOf } from './address-range.ts'

/** Connections that have not proved a password yet. */
const pendingMax = 1_000
const pendingPerNetworkMax = 200
const windowMs = 60_000
/** So that who guesses one password does not lock out others behind the same address, and who guesses many gets nowhere. */
const failuresPerUserMax = 30
const failuresPerNetworkMax = 600
/** What is remembered; the oldest is forgotten first. */
const keysMax = 20_000

/** Keeps strangers from loading the server: how many may be signing in at a time, and how often they may fail. */
export class Admission {
  readonly #pending = new Map<string, number>()
  readonly #failures = new Map<string, { count: number; endsAtMs: number }>()
  #pendingInAll = 0

  /** Lets a connection begin to sign in; `leave` once it has, or has not. Throws Refusal. */
  enter(address: string): { leave(): void } {
    const network = networkOf(address)
    const pending = this.#pending.get(network) ?? 0
    if (pending >= pendingPerNetworkMax || this.#pendingInAll >= pendingMax) throw refusals.tooManyPending()
    this.#pending.set(network, pending + 1)
    this.#pendingInAll += 1
    let isIn = true
    return {
      leave: () => {
        if (!isIn) return
        isIn = false
        this.#pendingInAll -= 1
        const left = (this.#pending.get(network) ?? 1) - 1
        if (left === 0) this.#pending.delete(network)
        else this.#pending.set(network, left)
      },
    }
  }

  /** Throws Refusal for a network that has failed too often in the last minute. */
  checkFailures(address: string, user: string): void {
    const network = networkOf(address)
    if (
      this.#count(network) >= failuresPerNetworkMax ||
      this.#count(`${network} ${user}`) >= failuresPerUserMax
    )
      throw refusals.tooManyFailures()
  }

  recordFailure(address: string, user: string): void {
    const network = networkOf(address)
    this.#add(network)
    this.#add(`${network} ${user}`)
  }

  #count(key: string): number {
    const known = this.#failures.get(key)
    return known !== undefined && known.endsAtMs > Date.now() ? known.count : 0
  }

  #add(key: string): void {
    const count = this.#count(key)
    const endsAtMs = count === 0 ? Date.now() + windowMs : (this.#failures.get(key)?.endsAtMs ?? 0)
    this.#failures.delete(key)
    this.#failures.set(key, { count: count + 1, endsAtMs })
    if (this.#failures.size <= keysMax) return
    const oldest = this.#failures.keys().next()
    if (oldest.done !== true) this.#failures.delete(oldest.value)
  }
}
