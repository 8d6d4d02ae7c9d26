/** Clients that keep asking for what changes from one request to the next: refresh tokens, users in turn. */
import { Agent, request } from 'node:http'

export interface Client {
  /** The next request, made of the answer before it. */
  next(answer: string | null): { readonly path: string; readonly token?: string; readonly body?: object }
}

export interface AuthLoad {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Each client asks as soon as it was answered. Throws at the first answer that is no 2xx. */
export async function runClients(
  base: string,
  apikey: string,
  clients: readonly Client[],
  seconds: number,
): Promise<AuthLoad> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients.length })
  const latencies: number[] = []
  const warmUntil = performance.now() + 1_000
  const until = warmUntil + seconds * 1_000
  const run = async (client: Client) => {
    let answer: string | null = null
    while (performance.now() < until) {
      const sentAt = performance.now()
      answer = await ask(base, apikey, agent, client.next(answer))
      if (sentAt > warmUntil) latencies.push(performance.now() - sentAt)
    }
  }
  await Promise.all(clients.map(run))
  agent.destroy()
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0
  return { perSecond: latencies.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99) }
}

function ask(
  base: string,
  apikey: string,
  agent: Agent,
  { path, token, body }: ReturnType<Client['next']>,
): Promise<string> {
  const text = body === undefined ? '' : JSON.stringify(body)
  return new Promise((done, fail) => {
    const sent = request(
      base + path,
      {
        agent,
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          apikey,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        },
      },
      (reply) => {
        let answer = ''
        reply.setEncoding('utf8')
        reply.on('data', (chunk: string) => (answer += chunk))
        reply.on('end', () => {
          const { statusCode = 0 } = reply
          if (statusCode >= 200 && statusCode < 300) done(answer)
          else fail(new Error(`${path}: ${statusCode} ${answer}`))
        })
      },
    )
    sent.on('error', fail)
    sent.end(text)
  })
}
