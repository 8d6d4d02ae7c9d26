import { createHmac, randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'

export interface OAuth1 {
  readonly consumerSecret: string
  readonly user: Readonly<Record<string, unknown>>
}

/** Twitter's three steps by RFC 5849; a signature that is wrong is refused. */
export function addOAuth1(
  app: FastifyInstance,
  settings: () => OAuth1 | null,
  otherwise: (request: FastifyRequest) => Promise<unknown>,
): void {
  const secrets = new Map<string, string>()
  const callbacks = new Map<string, string>()
  const issue = () => {
    const [token, secret] = [randomUUID(), randomUUID()]
    secrets.set(token, secret)
    return { token, form: new URLSearchParams({ oauth_token: token, oauth_token_secret: secret }).toString() }
  }
  const check = (request: FastifyRequest) => {
    const oauth1 = settings()
    const header = request.headers.authorization ?? ''
    const oauth = Object.fromEntries(
      [...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [
        name,
        decodeURIComponent(value),
      ]),
    )
    const { oauth_signature: signature, ...signed } = oauth
    const query = request.query as Record<string, string>
    const params = Object.entries({ ...signed, ...query })
      .map(([name, value]) => `${percent(name)}=${percent(value)}`)
      .sort()
      .join('&')
    const url = `https://api.twitter.com${request.url.split('?')[0]}`
    const text = [request.method, url, params].map(percent).join('&')
    const key = `${percent(oauth1?.consumerSecret ?? '')}&${percent(secrets.get(signed.oauth_token ?? '') ?? '')}`
    if (createHmac('sha1', key).update(text).digest('base64') !== signature)
      throw Object.assign(new Error('bad signature'), { statusCode: 401 })
    return signed
  }

  app.post('/oauth/request_token', async (request) => {
    const { oauth_callback: callback = '' } = check(request)
    const { token, form } = issue()
    callbacks.set(token, callback)
    return form
  })
  app.get('/oauth/authenticate', async (request, reply) => {
    const { oauth_token: token = '' } = request.query as Record<string, string>
    const back = new URL(callbacks.get(token) ?? '')
    back.searchParams.set('oauth_token', token)
    back.searchParams.set('oauth_verifier', `verifier-${token}`)
    return reply.redirect(back.toString())
  })
  app.post('/oauth/access_token', async (request) => {
    // Facebook's tokens are given out under the same path.
    if (settings() === null) return otherwise(request)
    const { oauth_token: token = '', oauth_verifier: verifier } = check(request)
    if (verifier !== `verifier-${token}` || !callbacks.delete(token)) throw new Error('bad verifier')
    return issue().form
  })
  app.get('/1.1/account/verify_credentials.json', async (request) => {
    check(request)
    return settings()?.user
  })
}

const percent = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
