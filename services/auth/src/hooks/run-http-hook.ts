import { createHmac, randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { OutboundError, type Outbound, type OutboundReply } from '../outbound/outbound.ts'
import { hookErrors } from './hook-errors.ts'

const TRIES_MAX = 3
const REPLY_BYTES_MAX = 200 * 1024

/**
 * Posts to a hook, signed as Standard Webhooks want it. Each try has an id of its own, as in GoTrue, unless the
 * caller gives one: that of a message is its own for ever, so that who got it already can tell. Null when it answers that there is
 * nothing to say. Mirrors auth internal/hooks/hookshttp@bc32168.
 */
export async function runHttpHook(
  outbound: Outbound,
  uri: string,
  secrets: string,
  input: object,
  id: string | null = null,
): Promise<string | null> {
  const payload = JSON.stringify(input)
  const endsAt = Date.now() + outbound.hookTimeoutMs
  const timeout = (cause?: unknown) => hookErrors.timeout(outbound.hookTimeoutMs / 1000, cause)
  for (let tried = 1; tried <= TRIES_MAX; tried += 1) {
    const leftMs = endsAt - Date.now()
    if (leftMs <= 0) throw timeout()
    try {
      const reply = await outbound.send({
        url: uri,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'accept-encoding': 'identity',
          ...signWebhook(secrets, payload, id ?? randomUUID()),
        },
        body: payload,
        timeoutMs: leftMs,
        replyBytesMax: REPLY_BYTES_MAX,
      })
      if (!asksForRetry(reply)) return readReply(reply)
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error
      if (error.kind === 'tooLarge') throw hookErrors.tooLarge(REPLY_BYTES_MAX)
      if (error.kind === 'timeout') throw timeout(error)
      if (tried === TRIES_MAX) throw hookErrors.unreachable(error)
      if (Date.now() + outbound.hookBackoffMs >= endsAt) throw timeout(error)
      await wait(outbound.hookBackoffMs)
    }
  }
  throw hookErrors.failed('Service currently unavailable due to hook')
}

/** `webhook-id`, `webhook-timestamp` and a signature by each secret (`v1,whsec_<base64>`). */
export function signWebhook(secrets: string, payload: string, id: string): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000))
  const signatures = secrets.split('|').map((secret) => {
    const encoded = /^v1,whsec_([A-Za-z0-9+/=_-]+)$/.exec(secret.trim())?.[1]
    if (encoded === undefined)
      throw hookErrors.failed('Error generating signatures: invalid signature format')
    const key = Buffer.from(encoded, 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${payload}`).digest('base64')}`
  })
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(', '),
  }
}

const asksForRetry = ({ status, headers }: OutboundReply) =>
  (status === 429 || status === 503) && (headers['retry-after'] ?? '') !== ''

function readReply({ status, headers, body }: OutboundReply): string | null {
  switch (status) {
    case 204:
      return null
    case 200:
    case 202: {
      const type = headers['content-type'] ?? ''
      if (type === '') throw hookErrors.noContentType()
      if (type.split(';')[0]?.trim().toLowerCase() !== 'application/json')
        throw hookErrors.wrongContentType(type)
      return body
    }
    case 429:
    case 503:
      throw hookErrors.failed('Service currently unavailable due to hook')
    case 400:
      throw hookErrors.failed('Invalid payload sent to hook')
    case 401:
      throw hookErrors.failed('Hook requires authorization token')
    default:
      throw hookErrors.failed(`Unexpected status code returned from hook: ${status}`)
  }
}
