import { findFreePort, isPortFree, poll } from '@favo/cluster'

/** A port that the server listens on, and what happens when it is taken. */
export interface PortSetting {
  /** The variable it is set by. */
  readonly name: string
  readonly wanted: number | undefined
  readonly fallback: number
}

/**
 * The port to listen on. One that was asked for must be free; it gets three seconds, because a predecessor may still be
 * closing. The default gives way to the next free one that is not among `others`.
 */
export async function choosePort(
  { name, wanted, fallback }: PortSetting,
  host: string,
  others: readonly number[] = [],
): Promise<number> {
  if (wanted === undefined) {
    const port = await findFreePort(fallback, host)
    return others.includes(port) ? findFreePort(port + 1, host) : port
  }
  if (await poll(() => isPortFree(wanted, host), 3_000, 100)) return wanted
  throw new Error(
    `${name}: port ${wanted} on ${host} is taken by another program. Stop it, or choose another port.`,
  )
}
