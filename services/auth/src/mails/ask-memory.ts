const REMEMBERED_MAX = 20_000

/**
 * When a mail was last asked for, by project, kind and address, whether the address has an account or not. Without it, only
 * addresses with an account would be told to wait, and so be told apart.
 */
export interface AskMemory {
  /** Null when asking is fine now, and noted; else the seconds that are left to wait. */
  take(key: string, intervalSeconds: number): number | null
  /** What was asked for did not leave. */
  forget(key: string): void
}

export function createAskMemory(): AskMemory {
  /** Oldest first: noting again puts a key at the end. */
  const askedAt = new Map<string, number>()
  return {
    take: (key, intervalSeconds) => {
      const now = Date.now()
      const leftMs = (askedAt.get(key) ?? 0) + intervalSeconds * 1000 - now
      if (leftMs > 0) return Math.floor(leftMs / 1000)
      askedAt.delete(key)
      askedAt.set(key, now)
      if (askedAt.size > REMEMBERED_MAX) {
        const oldest = askedAt.keys().next()
        if (oldest.done !== true) askedAt.delete(oldest.value)
      }
      return null
    },
    forget: (key) => void askedAt.delete(key),
  }
}
