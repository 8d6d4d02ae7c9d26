import { WindowCounter } from './window-counter.ts'

const WINDOW_MS = 60_000

/** 120 a minute for each user and project or organization, as the Management API has it. */
export const REQUESTS_PER_MINUTE = 120

export interface Allowance {
  /** False: there were as many as may be, and this one was not counted. */
  readonly isAllowed: boolean
  readonly limit: number
  readonly remaining: number
  /** Seconds until the window ends. */
  readonly resetSeconds: number
}

/**
 * Counts requests of one actor to one project or organization (or to neither) in this process. What happens in one project
 * takes nothing from another.
 */
export class RequestLimit {
  readonly #counts = new WindowCounter(WINDOW_MS, 20_000)
  readonly #perMinute: number

  constructor(perMinute: number) {
    this.#perMinute = perMinute
  }

  /** Counts one request. */
  take(actor: string, place: string, nowMs: number): Allowance {
    const key = `${actor} ${place}`
    const { count, endsAtMs } = this.#counts.get(key, nowMs)
    const isAllowed = count < this.#perMinute
    if (isAllowed) this.#counts.add(key, nowMs)
    return {
      isAllowed,
      limit: this.#perMinute,
      remaining: Math.max(0, this.#perMinute - count - 1),
      resetSeconds: Math.max(1, Math.ceil((endsAtMs - nowMs) / 1_000)),
    }
  }
}
