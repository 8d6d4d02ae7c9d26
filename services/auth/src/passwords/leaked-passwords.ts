import { createHash } from 'node:crypto'
import { createOutbound, type Outbound } from '../outbound/outbound.ts'

const HAVE_I_BEEN_PWNED = 'https://api.pwnedpasswords.com'
const TIMEOUT_MS = 5_000
const REPLY_BYTES_MAX = 1 << 20

/** Who knows passwords from leaks. */
export interface LeakedPasswords {
  /** Throws when it cannot be said. */
  isLeaked(password: string): Promise<boolean>
}

/**
 * Asks Have I Been Pwned by its k-anonymous ranges: only five digits of a password's hash leave the platform. `url` is that of
 * another server with the same ranges, of the operator's choice, and so may be on a private network.
 */
export function createLeakedPasswords(outbound: Outbound, url: string | null = null): LeakedPasswords {
  const origin = (url ?? HAVE_I_BEEN_PWNED).replace(/\/+$/, '')
  const asked = url === null ? outbound : createOutbound({ allowPrivate: true })
  return {
    isLeaked: async (password) => {
      const hash = createHash('sha1').update(password).digest('hex').toUpperCase()
      const reply = await asked.send({
        url: `${origin}/range/${hash.slice(0, 5)}`,
        method: 'GET',
        // Padding hides the size of the answer from those who watch the line.
        headers: { 'user-agent': 'favo', 'add-padding': 'true' },
        timeoutMs: TIMEOUT_MS,
        replyBytesMax: REPLY_BYTES_MAX,
      })
      if (reply.status !== 200) throw new Error(`status ${reply.status}`)
      return reply.body.split('\n').some((line) => {
        const [suffix, count] = line.trim().split(':')
        // Padding has no count.
        return suffix === hash.slice(5) && Number(count) > 0
      })
    },
  }
}
