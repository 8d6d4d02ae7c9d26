import { ConnectionError, DatabaseError } from '../types.ts'

const retryMsMin = 25
const retryMsMax = 1_000

/**
 * Whether it may work later: the server cannot be reached, is shutting down or starting up (57P01 to 57P03), has too many
 * connections (53300) or is short of something else (53xxx).
 */
export function isPassing(error: Error): boolean {
  if (error instanceof DatabaseError) return /^(53|57P)/.test(error.code)
  return error instanceof ConnectionError
}

/** Pause before the next attempt; spread, so that many databases do not come back in step. */
export const retryDelayMs = (failures: number): number =>
  Math.min(retryMsMin * 2 ** failures, retryMsMax) * (0.75 + Math.random() / 2)

/** What one who waited in vain is told; `cause` is why the last connection could not be opened. */
export function waitedInVain(cause: Error | null): ConnectionError {
  const isFull = cause === null || (cause instanceof DatabaseError && cause.code.startsWith('53'))
  return isFull
    ? new ConnectionError('busy', 'no database connection came free in time', { cause })
    : new ConnectionError('unavailable', `cannot connect to the database: ${cause.message}`, { cause })
}
