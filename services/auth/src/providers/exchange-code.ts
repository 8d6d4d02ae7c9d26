import { LRUCache } from 'lru-cache'
import type { Outbound } from '../outbound/outbound.ts'
import type { Json } from '../users/user.ts'
import { askElsewhere } from './ask-elsewhere.ts'
import type { ProviderTokens } from './facts.ts'

export interface CodeExchange {
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUri: string
  readonly code: string
  readonly verifier: string | null
}

/** Where a token endpoint wants the client's secret; found out by the first exchange that works. */
const styles = new LRUCache<string, 'header' | 'body'>({ max: 1_000 })

/**
 * The tokens for a code. As with Go's oauth2 library, the client is named in the header first, and in the body should that
 * be refused, for providers differ and do not tell. Throws when neither works.
 */
export async function exchangeCode(outbound: Outbound, exchange: CodeExchange): Promise<ProviderTokens> {
  const key = `${exchange.tokenUrl} ${exchange.clientId}`
  const known = styles.get(key)
  if (known !== undefined) return ask(outbound, exchange, known)
  try {
    const tokens = await ask(outbound, exchange, 'header')
    styles.set(key, 'header')
    return tokens
  } catch {
    const tokens = await ask(outbound, exchange, 'body')
    styles.set(key, 'body')
    return tokens
  }
}

async function ask(
  outbound: Outbound,
  exchange: CodeExchange,
  style: 'header' | 'body',
): Promise<ProviderTokens> {
  const { clientId, clientSecret, verifier } = exchange
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    code: exchange.code,
    redirect_uri: exchange.redirectUri,
    ...(verifier === null ? {} : { code_verifier: verifier }),
    ...(style === 'body' ? { client_id: clientId, client_secret: clientSecret } : {}),
  })
  const basic = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`
  const reply = await askElsewhere(outbound, {
    url: exchange.tokenUrl,
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(style === 'header' ? { authorization: `Basic ${Buffer.from(basic).toString('base64')}` } : {}),
    },
    body: form.toString(),
  })
  if (reply.status < 200 || reply.status > 299) throw new Error(`the token endpoint answered ${reply.status}`)
  const isForm = /^(application\/x-www-form-urlencoded|text\/plain)/.test(reply.headers['content-type'] ?? '')
  const answer = (
    isForm ? Object.fromEntries(new URLSearchParams(reply.body)) : JSON.parse(reply.body)
  ) as Json
  const accessToken = text(answer.access_token)
  if (accessToken === '') throw new Error('the token endpoint gave no access token')
  return {
    accessToken,
    refreshToken: text(answer.refresh_token),
    idToken: text(answer.id_token),
    reply: answer,
  }
}

const text = (value: unknown) => (typeof value === 'string' ? value : '')
