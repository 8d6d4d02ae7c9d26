import type { Connection } from '../wire/connection.ts'
import type { Waiter } from './waiters.ts'

/** A connection as a promise. It is held; the caller calls `release` when done. */
export function lease(acquire: (waiter: Waiter) => void): Promise<Connection> {
  return new Promise((resolve, reject) => {
    acquire({
      isWithdrawn: false,
      shareKey: null,
      take: (connection) => {
        connection.hold()
        resolve(connection)
      },
      fail: reject,
    })
  })
}
