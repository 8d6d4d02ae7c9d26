import { findFreePort, isPortFree, poll } from '@favo/cluster'

const defaultPort = 8_000

/**
 * The port to listen on. One that was asked for must be free; it gets three seconds, because a predecessor may still be
 * closing. The default gives way to the next free one.
 */
export async function chooseHttpPort(wanted: number | undefined, host: string): Promise<number> {
  if (wanted === undefined) return findFreePort(defaultPort, host)
  if (await poll(() => isPortFree(wanted, host), 3_000, 100)) return wanted
  throw new Error(
    `FAVO_PORT: port ${wanted} on ${host} is taken by another program. Stop it, or choose another port.`,
  )
}
