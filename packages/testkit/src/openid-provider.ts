import { createHash, randomBytes, randomUUID } from 'node:crypto'
import fastify, { type FastifyRequest } from 'fastify'
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose'
import { addOAuth1, type OAuth1 } from './oauth1-provider.ts'
import { closeWithTest } from './project.ts'

/** Somebody with an account at the provider. */
export interface ProviderUser {
  readonly sub: string
  readonly [claim: string]: unknown
}

interface Grant {
  readonly user: ProviderUser
  readonly clientId: string
  readonly redirectUri: string
  readonly nonce: string
  readonly challenge: string
}

export interface OpenIdProvider {
  /** Where it really is: `http://127.0.0.1:<port>`. */
  readonly url: string
  readonly issuer: string
  /** Signs in as this user from now on. */
  user: ProviderUser
  /** Answers of other paths (`/user/emails`), as JSON; for providers with an interface of their own. */
  readonly api: Map<string, unknown>
  /** What the token endpoint says beside the standard's members. */
  tokenExtra: Record<string, unknown>
  /** Speaks OAuth 1.0a below `/oauth`, for this user. */
  oauth1: OAuth1 | null
  /** Whether tokens come with an id token. */
  givesIdToken: boolean
  /** Breaks an endpoint: the status it answers with, or the time it takes. */
  readonly faults: Map<string, { readonly status?: number; readonly delayMs?: number }>
  /** Requests so far, `METHOD path`. */
  readonly requests: string[]
  readonly authorizations: (string | undefined)[]
  /** Makes an id token; `sign` may use another key or algorithm, as an attacker would. */
  idToken(claims: JWTPayload, header?: { readonly kid?: string; readonly alg?: string }): Promise<string>
  /** Makes new keys and forgets the old ones. */
  rotateKeys(): Promise<void>
  readonly keyId: string
  close(): Promise<void>
}

/**
 * An OpenID Connect provider on a free port: discovery, keys, authorization code with PKCE, id tokens, userinfo. It asks
 * nobody for a password: who comes is `user`. `issuer` may be the name of a real one, whose address a test leads here.
 */
export async function startOpenIdProvider(options: {
  readonly issuer?: string
  readonly clients: Readonly<Record<string, string>>
  /** Where the issuer's own endpoints are, below its host. */
  readonly basePath?: string
}): Promise<OpenIdProvider> {
  const grants = new Map<string, Grant>()
  const sessions = new Map<string, ProviderUser>()
  let keys = await describeKeys(await (firstKeys ??= generateKeyPair('RS256')))
  const app = fastify({ forceCloseConnections: true })
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(body as string))),
  )
  app.addHook('onRequest', async (request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    provider.requests.push(`${request.method} ${path}`)
    provider.authorizations.push(request.headers.authorization)
    const fault = provider.faults.get(path)
    if (fault?.delayMs !== undefined) await new Promise((done) => setTimeout(done, fault.delayMs))
    if (fault?.status !== undefined) return reply.code(fault.status).send({ error: 'server_error' })
  })

  const { basePath = '' } = options
  app.get(`${basePath}/.well-known/openid-configuration`, async () => ({
    issuer: provider.issuer,
    authorization_endpoint: `${provider.issuer}/authorize`,
    token_endpoint: `${provider.issuer}/token`,
    userinfo_endpoint: `${provider.issuer}/userinfo`,
    jwks_uri: `${provider.issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'ES256'],
  }))
  app.get(`${basePath}/jwks`, async () => ({ keys: [keys.publicJwk] }))

  const authorize = async (request: FastifyRequest, reply: { redirect(url: string): unknown }) => {
    const query = request.query as Record<string, string>
    const { client_id: clientId = '', redirect_uri: redirectUri = '' } = query
    if (options.clients[clientId] === undefined) throw new Error(`unknown client: ${clientId}`)
    const back = new URL(redirectUri)
    if (query.state !== undefined) back.searchParams.set('state', query.state)
    if (query.prompt === 'deny') {
      back.searchParams.set('error', 'access_denied')
      back.searchParams.set('error_description', 'The user said no')
    } else {
      const code = randomBytes(16).toString('base64url')
      const { nonce = '', code_challenge: challenge = '' } = query
      grants.set(code, { user: provider.user, clientId, redirectUri, nonce, challenge })
      back.searchParams.set('code', code)
    }
    return reply.redirect(back.toString())
  }
  const token = async (request: FastifyRequest) => {
    const form = request.body as Record<string, string>
    const [basicId, basicSecret] = readBasic(request.headers.authorization)
    const clientId = basicId ?? form.client_id ?? ''
    if ((basicSecret ?? form.client_secret) !== options.clients[clientId]) throw refusal('invalid_client')
    const grant = grants.get(form.code ?? '')
    grants.delete(form.code ?? '')
    const verifier = form.code_verifier ?? ''
    const hash = verifier === '' ? '' : createHash('sha256').update(verifier).digest('base64url')
    const isGood =
      grant?.clientId === clientId && grant.redirectUri === form.redirect_uri && grant.challenge === hash
    if (grant === undefined || !isGood) throw refusal('invalid_grant')
    const accessToken = randomUUID()
    sessions.set(accessToken, grant.user)
    const claims = { ...grant.user, aud: clientId, at_hash: halfHash(accessToken) }
    const idToken = await provider.idToken(grant.nonce === '' ? claims : { ...claims, nonce: grant.nonce })
    return {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: 3_600,
      refresh_token: `refresh-${accessToken}`,
      ...(provider.givesIdToken ? { id_token: idToken } : {}),
      ...provider.tokenExtra,
    }
  }
  app.get(`${basePath}/authorize`, authorize)
  app.post(`${basePath}/token`, token)
  app.get(`${basePath}/userinfo`, async (request) => {
    const user = sessions.get(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '')
    if (user === undefined) throw refusal('invalid_token')
    return user
  })
  addOAuth1(app, () => provider.oauth1, token)
  // Providers have their own paths for the same things.
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    const known = provider.api.get(request.url) ?? provider.api.get(path)
    if (known !== undefined) {
      const user = sessions.get(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '')
      return user === undefined ? reply.code(401).send({ error: 'invalid_token' }) : reply.send(known)
    }
    const answer = request.method === 'POST' ? await token(request) : await authorize(request, reply)
    return request.method === 'POST' ? reply.send(answer) : answer
  })

  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const provider: OpenIdProvider = {
    url,
    issuer: options.issuer ?? url,
    user: { sub: randomUUID() },
    api: new Map(),
    tokenExtra: {},
    oauth1: null,
    givesIdToken: true,
    faults: new Map(),
    requests: [],
    authorizations: [],
    idToken: async (claims, header = {}) =>
      new SignJWT({ iss: provider.issuer, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: keys.kid, ...header })
        .setIssuedAt()
        .setExpirationTime(claims.exp ?? '5m')
        .sign(keys.privateKey),
    rotateKeys: async () => {
      keys = await describeKeys(await generateKeyPair('RS256'))
    },
    get keyId() {
      return keys.kid
    },
    close: () => app.close(),
  }
  closeWithTest(() => app.close())
  return provider
}

/** What all providers of a process start with: to make RSA keys for each took a fifth of the time of auth's tests. */
let firstKeys: ReturnType<typeof generateKeyPair> | null = null

async function describeKeys({ publicKey, privateKey }: Awaited<ReturnType<typeof generateKeyPair>>) {
  const kid = randomUUID()
  return { kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } }
}

const refusal = (error: string) => Object.assign(new Error(error), { statusCode: 400 })

function readBasic(header: string | undefined): [string?, string?] {
  const encoded = /^Basic (.+)$/.exec(header ?? '')?.[1]
  if (encoded === undefined) return []
  const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(':')
  return [decodeURIComponent(id), decodeURIComponent(secret)]
}

const halfHash = (text: string) =>
  createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url')
