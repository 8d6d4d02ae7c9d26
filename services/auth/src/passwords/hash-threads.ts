import { availableParallelism } from 'node:os'
import { performance } from 'node:perf_hooks'

/** Share of the event loop's time that counts as "other traffic is running". */
const BUSY = 0.3
/** Below this a window says nothing. */
const WINDOW_MS = 250
/** libuv has four threads for everything; one is always left to files and names. */
const THREADS_MAX = 3

/**
 * How many passwords may be hashed at once now: every core while nothing else goes on, one less (but at least one) while
 * other requests are served, so that a burst of sign-ins does not slow the projects that only read.
 */
export function createThreadBudget(max?: number): () => number {
  const cores = availableParallelism()
  const most = Math.max(1, Math.min(max ?? cores, cores, THREADS_MAX))
  const whileBusy = Math.max(1, Math.min(most, cores - 1))
  let since = performance.eventLoopUtilization()
  let checkedAt = performance.now()
  let places = most
  return () => {
    const now = performance.now()
    if (now - checkedAt < WINDOW_MS) return places
    const current = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(current, since)
    since = current
    checkedAt = now
    places = utilization > BUSY ? whileBusy : most
    return places
  }
}
