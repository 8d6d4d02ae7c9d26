import { ConnectionError, DatabaseError, type Login } from '../types.ts'
import { Connection } from '../wire/connection.ts'
import type { PoolsOptions } from '../pools.ts'
import { openSession } from '../wire/handshake.ts'

/** From the first packet to the end of the password dialogue. */
const connectTimeoutMs = 5_000

type OpenOptions = Pick<PoolsOptions, 'endpoint' | 'passwordFor' | 'repairLogin' | 'acquireTimeoutMs' | 'log'>

/** Opens a connection for a login; a refused password is repaired once. */
export async function openConnection(
  options: OpenOptions,
  database: string,
  login: Login,
): Promise<Connection> {
  const { endpoint } = options
  const attempt = async (): Promise<Connection> => {
    const password = await inTime(options.passwordFor(database, login), options.acquireTimeoutMs)
    const session = await openSession({
      endpoint,
      user: `${database}_${login}`,
      password,
      database,
      settings: { application_name: `favo ${login}` },
      timeoutMs: connectTimeoutMs,
    })
    return new Connection(session, endpoint)
  }
  try {
    return await attempt()
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== '28P01' || options.repairLogin === undefined)
      throw error
    options.log.warn({ database, login }, 'the password of a platform login was refused; it is set again')
    await inTime(options.repairLogin(database, login), options.acquireTimeoutMs)
    return attempt()
  }
}

/** So that a hanging callback cannot keep a place in the budget for ever. */
async function inTime<T>(work: T | Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new ConnectionError('unavailable', 'preparing the login took too long')),
      timeoutMs,
    )
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}
