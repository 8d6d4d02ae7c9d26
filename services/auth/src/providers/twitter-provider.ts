import { createHmac, randomBytes } from 'node:crypto'
import type { AuthContext } from '../context.ts'
import { askElsewhere, readJson } from './ask-elsewhere.ts'
import { commonClaims, idAt, textAt } from './facts.ts'
import { callbackUrl } from './oauth2-provider.ts'
import { oneEmail, type Profile } from './profile.ts'
import type { Provider } from './provider.ts'
import { signInErrors } from './sign-in-errors.ts'

export interface TwitterOptions {
  readonly clientId: string
  readonly clientSecret: string
  readonly url: string
  readonly emailOptional: boolean
}

interface Token {
  readonly token: string
  readonly secret: string
}

/**
 * Twitter by OAuth 1.0a, the only provider that still speaks it. Mirrors auth internal/api/provider/twitter.go@bc32168,
 * but keeps the secret of the request token and signs with it, as RFC 5849 wants.
 */
export function createTwitterProvider(ctx: AuthContext, options: TwitterOptions): Provider {
  const base = options.url === '' ? 'https://api.twitter.com' : options.url.replace(/\/$/, '')
  const call = async (
    method: 'GET' | 'POST',
    url: string,
    more: Readonly<Record<string, string>>,
    token: Token | null,
    query: Readonly<Record<string, string>> = {},
  ) => {
    const authorization = authorizationHeader(method, url, options, more, token, query)
    const search = new URLSearchParams(query).toString()
    return askElsewhere(ctx.outbound, {
      url: search === '' ? url : `${url}?${search}`,
      method,
      headers: { authorization },
    })
  }
  const askToken = async (path: string, more: Readonly<Record<string, string>>, token: Token | null) => {
    const reply = await call('POST', `${base}${path}`, more, token)
    if (reply.status !== 200) throw new Error(`twitter answered ${reply.status}`)
    const answer = new URLSearchParams(reply.body)
    return { token: answer.get('oauth_token') ?? '', secret: answer.get('oauth_token_secret') ?? '' }
  }

  return {
    emailOptional: options.emailOptional,
    start: async (state) => {
      const callback = `${callbackUrl(ctx)}?state=${state}`
      const request = await askToken('/oauth/request_token', { oauth_callback: callback }, null)
      const query = new URLSearchParams({ oauth_token: request.token })
      return { url: `${base}/oauth/authenticate?${query.toString()}`, secret: request.secret }
    },
    finish: async (returned, secret) => {
      const request = { token: returned.get('oauth_token') ?? '', secret: secret ?? '' }
      const verifier = returned.get('oauth_verifier') ?? ''
      const access = await askToken('/oauth/access_token', { oauth_verifier: verifier }, request).catch(
        (error: unknown) => {
          throw signInErrors.accessTokenRefused(error)
        },
      )
      const url = `${base}/1.1/account/verify_credentials.json`
      const query = { include_entities: 'false', skip_status: 'true', include_email: 'true' }
      try {
        const user = readJson(await call('GET', url, {}, access, query))
        return { profile: readUser(url, user), accessToken: access.token, refreshToken: '' }
      } catch (error) {
        throw signInErrors.emailMissing(error)
      }
    },
  }
}

function readUser(url: string, user: unknown): Profile {
  const username = textAt(user, 'screen_name')
  return {
    emails: oneEmail(textAt(user, 'email'), true),
    claims: commonClaims({
      issuer: url,
      id: idAt(user, 'id_str'),
      name: textAt(user, 'name'),
      picture: textAt(user, 'profile_image_url_https'),
      more: { preferred_username: username, user_name: username },
    }),
  }
}

/** RFC 5849, 3.4: HMAC-SHA1 over the method, the address and all parameters in order. */
function authorizationHeader(
  method: string,
  url: string,
  { clientId, clientSecret }: TwitterOptions,
  more: Readonly<Record<string, string>>,
  token: Token | null,
  query: Readonly<Record<string, string>>,
): string {
  const oauth: Record<string, string> = {
    oauth_consumer_key: clientId,
    oauth_nonce: randomBytes(16).toString('hex'),
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(Math.floor(Date.now() / 1000)),
    oauth_version: '1.0',
    ...(token === null ? {} : { oauth_token: token.token }),
    ...more,
  }
  const params = Object.entries({ ...oauth, ...query })
    .map(([name, value]) => `${percent(name)}=${percent(value)}`)
    .sort()
    .join('&')
  const key = `${percent(clientSecret)}&${percent(token?.secret ?? '')}`
  const text = [method, url, params].map(percent).join('&')
  const signature = createHmac('sha1', key).update(text).digest('base64')
  const members = Object.entries({ ...oauth, oauth_signature: signature })
  return `OAuth ${members.map(([name, value]) => `${percent(name)}="${percent(value)}"`).join(', ')}`
}

const percent = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
