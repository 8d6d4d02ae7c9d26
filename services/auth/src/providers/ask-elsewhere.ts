import type { Outbound, OutboundReply, OutboundRequest } from '../outbound/outbound.ts'

/** GoTrue's. */
const TIMEOUT_MS = 10_000
const REPLY_BYTES_MAX = 2 * 2 ** 20

/** One request to a provider of identities. Throws OutboundError when nothing came of it. */
export const askElsewhere = (
  outbound: Outbound,
  request: Pick<OutboundRequest, 'url'> & Partial<Pick<OutboundRequest, 'method' | 'headers' | 'body'>>,
): Promise<OutboundReply> =>
  outbound.send({
    method: 'GET',
    ...request,
    headers: { accept: 'application/json', 'user-agent': 'Favo-Auth', ...request.headers },
    timeoutMs: TIMEOUT_MS,
    replyBytesMax: REPLY_BYTES_MAX,
  })

/** The parsed JSON of a reply. Throws for any status but 2xx and for what is not JSON. */
export function readJson(reply: OutboundReply): unknown {
  if (reply.status < 200 || reply.status > 299) throw new Error(`answered ${reply.status}`)
  return JSON.parse(reply.body)
}
