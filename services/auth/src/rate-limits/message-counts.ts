const REMEMBERED_MAX = 20_000
const HOUR_MS = 3_600_000

/** Messages of the current hour by key. Mirrors auth internal/ratelimit/interval.go@bc32168. */
export interface MessageCounts {
  /** Counts one more. Null when it may be sent, else the seconds until the next hour begins. */
  take(key: string, perHour: number): number | null
}

interface Hour {
  readonly startMs: number
  count: number
}

export function createMessageCounts(now: () => number = Date.now): MessageCounts {
  /** The first begun first. */
  const hours = new Map<string, Hour>()
  return {
    take: (key, perHour) => {
      const nowMs = now()
      let hour = hours.get(key)
      if (hour === undefined || nowMs - hour.startMs >= HOUR_MS) {
        hour = { startMs: nowMs, count: 0 }
        hours.delete(key)
        hours.set(key, hour)
        if (hours.size > REMEMBERED_MAX) {
          const oldest = hours.keys().next()
          if (oldest.done !== true) hours.delete(oldest.value)
        }
      }
      if (hour.count >= perHour) return Math.max(1, Math.ceil((hour.startMs + HOUR_MS - nowMs) / 1000))
      hour.count += 1
      return null
    },
  }
}
