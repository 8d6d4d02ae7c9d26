/**
 * Several quick reads on one connection at the same time: the wait there is shorter than it takes to open another, and
 * several answers in one packet cost both sides less (bench/README.md). Nobody overtakes a waiter, and who turns out slow
 * keeps nobody: those behind it go elsewhere, which is safe because they change nothing.
 */
import type { Connection } from '../wire/connection.ts'
import type { LoginPool } from './login-pool.ts'
import type { Waiter } from './waiters.ts'

/** Flights underway on one connection. */
const depthMax = 16
/**
 * A line with less than this before a quick read is better than an idle connection: a backend that is woken for a single brief
 * statement spends about as much on waking up and on its own write as on the statement, and more backends at work than there
 * are cores for them wait for each other for tens of milliseconds.
 */
const lineMs = 4
/** How long one may hold up the others. */
const stalledMs = 100

export const mayShare = (pool: LoginPool, waiter: Waiter): boolean =>
  waiter.shareKey !== null && pool.speeds.isQuick(waiter.shareKey)

/** The connection to stand in line at rather than take an idle one: the longest line that is short enough. */
export function findShortWait(pool: LoginPool, waiter: Waiter): Connection | null {
  if (pool.sharing.size === 0 || pool.waiters.length > 0 || waiter.shareKey === null) return null
  const depth = Math.min(depthMax, lineMs / pool.speeds.averageMs(waiter.shareKey))
  let best: Connection | null = null
  for (const connection of pool.sharing) {
    const { underway } = connection
    if (underway < depth && underway > (best?.underway ?? -1) && hasRoom(pool, connection)) best = connection
  }
  return best
}

/** The connection to stand in line at when none is idle, the one with the shortest line. */
export function findShared(pool: LoginPool, waiter: Waiter): Connection | null {
  if (pool.sharing.size === 0 || pool.waiters.length > 0 || !mayShare(pool, waiter)) return null
  let best: Connection | null = null
  for (const connection of pool.sharing) {
    if (hasRoom(pool, connection) && connection.underway < (best?.underway ?? Infinity)) best = connection
  }
  return best
}

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
  connection.underway < depthMax &&
  !connection.isCancelling &&
  !pool.errands.has(connection)
