import type { Startup } from '../protocol/startup-packet.ts'
import { networkOf, plainAddress } from './address-range.ts'

/** As long as on Supabase, where an address is banned after repeated wrong passwords. */
export const banMs = 30 * 60_000
const windowMs = 10 * 60_000
/** What is remembered; the oldest is forgotten first. */
const keysMax = 20_000

/**
 * Counts wrong passwords of an address for a project, and says when they are enough for a ban. Bans of projects are kept by the
 * platform and come with the project; those of names that no project has are kept here, so that both are told the same.
 */
export class Bans {
  readonly #max: number
  readonly #failures = new Map<string, { count: number; endsAtMs: number }>()
  readonly #ofNobody = new Map<string, number>()

  constructor(max: number) {
    this.#max = max
  }

  /** True when that was one too many; then counting begins anew. */
  countFailure(address: string, place: string): boolean {
    if (this.#max === 0) return false
    const key = `${networkOf(address)} ${place}`
    const known = this.#failures.get(key)
    const isRunning = known !== undefined && known.endsAtMs > Date.now()
    const count = (isRunning ? known.count : 0) + 1
    this.#failures.delete(key)
    if (count >= this.#max) return true
    remember(this.#failures, key, { count, endsAtMs: isRunning ? known.endsAtMs : Date.now() + windowMs })
    return false
  }

  banOfNobody(address: string, place: string): void {
    remember(this.#ofNobody, `${networkOf(address)} ${place}`, Date.now() + banMs)
  }

  isBannedOfNobody(address: string, place: string): boolean {
    return (this.#ofNobody.get(`${networkOf(address)} ${place}`) ?? 0) > Date.now()
  }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= keysMax) return
  const oldest = map.keys().next()
  if (oldest.done !== true) map.delete(oldest.value)
}

/** The project that somebody names, whether there is one or not. */
export function placeOf({ user, reference }: Startup, serverName: string | null): string {
  const at = user.lastIndexOf('.')
  return at > 0 ? user.slice(at + 1) : (reference ?? serverName ?? '')
}

/** What is banned: an address, with IPv6 its /64. */
export function bannedRange(address: string): string {
  const plain = plainAddress(address)
  return plain.includes(':') ? `${networkOf(plain)}::/64` : plain
}
