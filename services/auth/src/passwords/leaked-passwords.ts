import { createHash } from 'node:crypto'
import type { AuthContext } from '../context.ts'

const ORIGIN = 'https://api.pwnedpasswords.com'
const TIMEOUT_MS = 5_000
const REPLY_BYTES_MAX = 1 << 20

/**
 * Whether a password is known from leaks, by Have I Been Pwned's k-anonymous ranges: only five digits of its hash leave
 * the platform. When nobody answers, the password counts as unknown: else sign-ups would stop with that service.
 */
export async function isLeaked(ctx: AuthContext, password: string): Promise<boolean> {
  const hash = createHash('sha1').update(password).digest('hex').toUpperCase()
  try {
    const reply = await ctx.outbound.send({
      url: `${ORIGIN}/range/${hash.slice(0, 5)}`,
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
  } catch (error) {
    ctx.log.warn({ error }, 'leaked passwords could not be looked up')
    return false
  }
}
