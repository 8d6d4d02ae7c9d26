/**
 * Several quick reads on one connection at the same time: the wait there is shorter than it takes to open another, and
 * several answers in one packet cost both sides less (bench/README.md). Nobody overtakes a waiter, and who turns out slow
 * keeps nobody: those behind it go elsewhere, which is safe because they change nothing.
 */
import type { Connection } from '../wire/connection.ts'
import type { LoginPool } from './login-pool.ts'
import type { Waiter } from './waiters.ts'

/** Flights underway on one connection. */
const depthMax = 256
/** A line is no longer than this; the rest waits for whichever moves first. */
const lineMsMax = 8
/**
 * A line shorter than this is better than an idle connection: a backend that is woken for a single brief statement spends
 * about as much on waking up and on its own write as on the statement.
 */
export const briefMs = 1

/** How long one may hold up the others. */
const stalledMs = 100

export const mayShare = (pool: LoginPool, waiter: Waiter): boolean =>
  waiter.shareKey !== null && pool.speeds.isQuick(waiter.shareKey)

/**
 * The connection to stand in line at rather than take an idle one: the longest line of less than `maxMs`. Where backends
 * have no more cores, that is any line: a further one at work would have all of them wait for a core, up to 60 ms, and all
 * that stand in their lines with them.
 */
export function findLine(pool: LoginPool, waiter: Waiter, maxMs = lineMsMax): Connection | null {
  if (!mayLineUp(pool, waiter)) return null
  let best: Connection | null = null
  for (const connection of pool.sharing) {
    const { lineMs } = connection
    if (lineMs < maxMs && lineMs > (best?.lineMs ?? -1) && hasRoom(pool, connection)) best = connection
  }
  return best
}

/** The connection to stand in line at when none is idle, the one with the shortest line. */
export function findShortestLine(pool: LoginPool, waiter: Waiter): Connection | null {
  if (!mayLineUp(pool, waiter)) return null
  let best: Connection | null = null
  for (const connection of pool.sharing) {
    if (connection.lineMs < (best?.lineMs ?? Infinity) && hasRoom(pool, connection)) best = connection
  }
  return best
}

/** Nobody overtakes those that wait already. */
const mayLineUp = (pool: LoginPool, waiter: Waiter): boolean =>
  pool.sharing.size > 0 && pool.waiters.length === 0 && mayShare(pool, waiter)

/** Fills a connection up with those at the front of the queue. */
export function topUp(pool: LoginPool, connection: Connection): void {
  while (pool.sharing.has(connection) && hasRoom(pool, connection)) {
    const waiter = pool.waiters.peek()
    if (waiter === undefined || !mayShare(pool, waiter)) return
    pool.waiters.shift()
    waiter.take(connection)
  }
}

/** Ends the sharing of connections on which a statement that used to be quick is not. Returns how many still share. */
export function leaveStalled(pool: LoginPool): number {
  let sharing = 0
  for (const connection of pool.sharing) {
    if (connection.frontMs > stalledMs) {
      pool.sharing.delete(connection)
      connection.rescue()
    } else if (connection.underway > 1) sharing++
  }
  return sharing
}

const hasRoom = (pool: LoginPool, connection: Connection): boolean =>
  connection.isOpen &&
  connection.lineMs < lineMsMax &&
  connection.underway < depthMax &&
  !connection.isCancelling &&
  !pool.errands.has(connection)
