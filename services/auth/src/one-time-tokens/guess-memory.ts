const GUESSES_MAX = 10
const REMEMBERED_MAX = 20_000

/**
 * Counts wrong codes for an address. A code has a million values, and is good for an hour: without a bound, whoever can ask
 * from many addresses would find it. After ten misses no code is good for that address until another mail was sent.
 */
export interface GuessMemory {
  isExhausted(key: string): boolean
  miss(key: string): void
  forget(key: string): void
}

export function createGuessMemory(): GuessMemory {
  const misses = new Map<string, number>()
  return {
    isExhausted: (key) => (misses.get(key) ?? 0) >= GUESSES_MAX,
    miss: (key) => {
      const count = (misses.get(key) ?? 0) + 1
      misses.delete(key)
      misses.set(key, count)
      if (misses.size > REMEMBERED_MAX) {
        const oldest = misses.keys().next()
        if (oldest.done !== true) misses.delete(oldest.value)
      }
    },
    forget: (key) => void misses.delete(key),
  }
}
