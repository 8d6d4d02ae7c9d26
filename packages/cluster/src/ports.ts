import { createServer } from 'node:net'

/** Whether something could listen there now. */
export function isPortFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** The wanted port, or the next free one of the twenty after it. 0 asks the system for any. */
export async function findFreePort(wanted: number, host: string): Promise<number> {
  if (wanted === 0) return anyFreePort(host)
  for (let port = wanted; port <= wanted + 20; port++) if (await isPortFree(port, host)) return port
  throw new Error(`ports ${wanted} to ${wanted + 20} on ${host} are all taken`)
}

function anyFreePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port: 0, host }, () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address !== null
          ? resolve(address.port)
          : reject(new Error('no port')),
      )
    })
  })
}
