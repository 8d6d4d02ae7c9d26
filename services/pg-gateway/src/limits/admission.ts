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

/** Those that stand in line for that; they cost a socket each. */
const waitingPerNetworkMax = 1_000
const waitingMax = 5_000

export interface Entry {
  leave(): void
}

interface Network {
  pending: number
  readonly waiting: (() => void)[]
}

/** Keeps strangers from loading the server: how many may be signing in at a time, and how often they may fail. */
export class Admission {
  readonly #networks = new Map<string, Network>()
  readonly #failures = new Map<string, { count: number; endsAtMs: number }>()
  #pending = 0
  #waiting = 0

  /** Lets a connection begin to sign in, at once or when others have; `leave` once it has, or has not. Throws Refusal. */
  async enter(address: string): Promise<Entry> {
    const key = networkOf(address)
    const network = this.#networks.get(key) ?? { pending: 0, waiting: [] }
    if (this.#pending >= pendingMax) throw refusals.tooManyPending()
    if (network.pending >= pendingPerNetworkMax) {
      if (network.waiting.length >= waitingPerNetworkMax || this.#waiting >= waitingMax)
        throw refusals.tooManyPending()
      this.#waiting += 1
      await new Promise<void>((resolve) => network.waiting.push(resolve))
      this.#waiting -= 1
    }
    this.#networks.set(key, network)
    network.pending += 1
    this.#pending += 1
    let isIn = true
    return {
      leave: () => {
        if (!isIn) return
        isIn = false
        network.pending -= 1
        this.#pending -= 1
        const next = network.waiting.shift()
        if (next !== undefined) next()
        else if (network.pending === 0) this.#networks.delete(key)
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
