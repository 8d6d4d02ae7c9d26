import type { Budget } from './budget.ts'
import { lease } from './lease.ts'

/**
 * Listens on a connection of the login: the one that listens already, as long as it lives, otherwise any, which does its
 * other work as before.
 */
export async function listen(
  budget: Budget,
  database: string,
  login: string,
  channel: string,
  listener: { readonly onNotify: (payload: string) => void; readonly onLost: () => void },
): Promise<void> {
  const current = budget.listeningConnection(database)
  const another = () => lease((waiter) => budget.acquire(database, login, waiter))
  const connection =
    current === null
      ? await another()
      : await lease((waiter) => budget.acquireThis(current, waiter)).catch(() => another())
  try {
    await connection.listen(channel, listener)
    budget.setListeningConnection(database, connection)
  } finally {
    connection.release()
  }
}
