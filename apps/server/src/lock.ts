import { createConnection, createServer } from 'node:net'
import { chmod, mkdir, open, rm, stat } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Makes sure that one platform at a time works on a data folder. The lock is a listening Unix socket: it goes with the
 * process however that ends, and no pid has to be guessed about.
 *
 * Throws when another platform holds it. Returns the function that lets go.
 */
export async function lockHome(path: string): Promise<() => Promise<void>> {
  const socket = path.length <= 100 ? path : shortPath(path)
  await mkdir(dirname(socket), { recursive: true })
  return alone(`${socket}.guard`, async () => {
    const holder = await ask(socket)
    if (holder !== null)
      throw new Error(
        `Favo already runs on this data folder (pid ${holder}). Stop it first, or set FAVO_HOME to another folder.`,
      )
    await rm(socket, { force: true })
    return listen(socket)
  })
}

async function listen(socket: string): Promise<() => Promise<void>> {
  const server = createServer((peer) => {
    peer.on('error', () => undefined)
    peer.end(String(process.pid))
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socket, resolve))
  await chmod(socket, 0o600)
  server.unref()
  return () => new Promise((resolve) => server.close(() => resolve()))
}

/** Two that start at the same moment must not remove each other's socket. A guard older than 10 s is a dead one's. */
async function alone<T>(guard: string, work: () => Promise<T>): Promise<T> {
  for (;;) {
    const file = await open(guard, 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
      return null
    })
    if (file !== null) {
      await file.close()
      break
    }
    const age = await stat(guard).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    )
    if (age > 10_000) await rm(guard, { force: true })
    else await new Promise((resolve) => setTimeout(resolve, 50))
  }
  try {
    return await work()
  } finally {
    await rm(guard, { force: true })
  }
}

const shortPath = (path: string) =>
  join(tmpdir(), `favo-${createHash('sha256').update(path).digest('hex').slice(0, 12)}.sock`)

/** The pid that answers on the socket, or null when nobody does. */
function ask(socket: string): Promise<string | null> {
  return new Promise((resolve) => {
    let answer = ''
    const connection = createConnection(socket)
    connection.setTimeout(2_000, () => {
      connection.destroy()
      resolve(answer === '' ? 'unknown' : answer)
    })
    connection.on('data', (bytes) => (answer += bytes.toString()))
    connection.once('error', () => resolve(null))
    connection.once('end', () => resolve(answer))
  })
}
