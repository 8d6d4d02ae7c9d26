import { randomInt, randomUUID } from 'node:crypto'
import type { AuthContext, SignedIn } from '../context.ts'
import { isAllowedRedirect } from '../redirects/redirect-url.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import {
  approveAuthorization,
  endAuthorization,
  findConsent,
  insertAuthorization,
  lockAuthorization,
  setAuthorizationUser,
  upsertConsent,
  type AuthorizationRow,
} from './authorizations.sql.ts'
import { listOf, renderClientDetails } from './clients.ts'
import { findClient } from './clients.sql.ts'
import { oauthServerErrors } from './oauth-server-errors.ts'
import { parseScopes, supportedScopes } from './scopes.ts'

// A client sends the user's browser to /oauth/authorize; the project's own page asks the user, who is signed in there, and
// sends the browser back with a code. Mirrors auth internal/api/oauthserver/authorize.go@bc32168.

const DEFAULT_SCOPE = 'email'

/**
 * Where the browser goes: to the project's page that asks for consent, or back to the client with what is wrong. Throws
 * where the client or its address is not known, for then nobody may be sent there.
 */
export async function startAuthorization(ctx: AuthContext, query: URLSearchParams): Promise<string> {
  const ask = (name: string) => query.get(name) ?? ''
  const [clientId, redirectUri, state] = [ask('client_id'), ask('redirect_uri'), ask('state')]
  if (clientId === '') throw oauthServerErrors.invalid('client_id is required')
  if (redirectUri === '') throw oauthServerErrors.invalid('redirect_uri is required')
  if (!isUuid(clientId)) throw oauthServerErrors.unknownClient('invalid client_id format')
  const client = await findClient(ctx.db, clientId)
  if (client === null) throw oauthServerErrors.unknownClient('invalid client_id')
  if (!listOf(client.redirect_uris).includes(redirectUri))
    throw oauthServerErrors.invalid('invalid redirect_uri')

  const scope = ask('scope') === '' ? DEFAULT_SCOPE : ask('scope')
  const problem = findProblem(query, scope)
  if (problem !== null) return withError(redirectUri, 'invalid_request', problem, state)
  const path = ctx.settings.oauthServerAuthorizationPath
  if (path === '')
    return withError(redirectUri, 'server_error', 'oauth authorization path not configured', state)
  const id = createAuthorizationId()
  try {
    await insertAuthorization(ctx.db, {
      id,
      clientId: client.id,
      redirectUri,
      scope,
      state: emptyToNull(state),
      resource: emptyToNull(ask('resource')),
      nonce: emptyToNull(ask('nonce')),
      challenge: {
        text: ask('code_challenge'),
        method: ask('code_challenge_method').toLowerCase() === 's256' ? 's256' : 'plain',
      },
    })
  } catch (error) {
    ctx.log.warn({ error }, 'authorization could not be stored')
    return withError(redirectUri, 'server_error', 'error creating authorization', state)
  }
  const page = `${ctx.settings.siteUrl.replace(/\/+$/, '')}/${path.replace(/^\//, '')}`
  return `${page}?authorization_id=${id}`
}

function findProblem(query: URLSearchParams, scope: string): string | null {
  const ask = (name: string) => query.get(name) ?? ''
  if (ask('response_type') !== '' && ask('response_type') !== 'code')
    return 'only response_type=code is supported'
  const scopes = parseScopes(scope)
  if (scopes.length === 0) return 'scope parameter cannot be empty'
  const unsupported = scopes.find((each) => !supportedScopes.includes(each))
  if (unsupported !== undefined) return `unsupported scope: ${unsupported}`
  const resource = ask('resource')
  if (resource !== '' && !URL.canParse(resource)) return 'resource must be an absolute URI'
  if (resource.includes('#')) return 'resource must not include a fragment component'
  if (resource.includes('?')) return 'resource must not include a query component'
  const [challenge, method] = [ask('code_challenge'), ask('code_challenge_method').toLowerCase()]
  // Without it a code that was seen on its way could be used by whoever saw it.
  if (challenge === '' || method === '')
    return 'PKCE flow requires both code_challenge and code_challenge_method'
  if (method !== 's256' && method !== 'plain') return "code_challenge_method must be 'S256' or 'plain'"
  if (challenge.length < 43 || challenge.length > 128)
    return 'code_challenge must be between 43 and 128 characters'
  return null
}

/** What the page asks the user; or, where the user agreed to all of it before, where the browser goes on to. */
export async function readAuthorization(ctx: AuthContext, id: string, { user }: SignedIn) {
  const found = await ctx.db.transaction(async (tx) => {
    const authorization = await lockAuthorization(tx, id)
    if (authorization === null) return null
    if (authorization.is_expired) {
      await endAuthorization(tx, id, 'expired')
      return null
    }
    if (authorization.status !== 'pending')
      throw oauthServerErrors.invalid('authorization request cannot be processed')
    if (authorization.user_id !== null)
      return authorization.user_id === user.id ? { authorization, code: null } : null
    await setAuthorizationUser(tx, id, user.id)
    const consent = await findConsent(tx, user.id, authorization.client_id)
    const granted = parseScopes(consent?.scopes ?? '')
    const isCovered =
      consent !== null && parseScopes(authorization.scope).every((scope) => granted.includes(scope))
    if (!isCovered) return { authorization, code: null }
    const code = randomUUID()
    await approveAuthorization(tx, id, code)
    return { authorization, code }
  })
  if (found === null) throw oauthServerErrors.authorizationNotFound()
  const { authorization, code } = found
  if (code !== null) return { redirect_url: withCode(authorization, code) }
  const client = await findClient(ctx.db, authorization.client_id)
  if (client === null) throw oauthServerErrors.authorizationNotFound()
  return {
    authorization_id: id,
    redirect_uri: authorization.redirect_uri,
    client: renderClientDetails(client),
    user: { id: user.id, ...(user.email === null ? {} : { email: user.email }) },
    scope: authorization.scope,
  }
}

/** The user's answer. Only who was asked may give it. */
export async function decideAuthorization(
  ctx: AuthContext,
  id: string,
  { user }: SignedIn,
  action: string,
): Promise<{ readonly redirect_url: string }> {
  if (action !== 'approve' && action !== 'deny')
    throw oauthServerErrors.invalid("action must be 'approve' or 'deny'")
  const redirectUrl = await ctx.db.transaction(async (tx) => {
    const authorization = await lockAuthorization(tx, id)
    if (authorization === null) return null
    if (authorization.is_expired) {
      await endAuthorization(tx, id, 'expired')
      return null
    }
    if (authorization.status !== 'pending')
      throw oauthServerErrors.invalid('authorization request is no longer pending')
    if (authorization.user_id !== user.id) return null
    if (action === 'deny') {
      await endAuthorization(tx, id, 'denied')
      const { redirect_uri: uri, state } = authorization
      return withError(uri, 'access_denied', 'User denied the request', state ?? '')
    }
    const code = randomUUID()
    await approveAuthorization(tx, id, code)
    const scopes = parseScopes(authorization.scope).join(' ')
    await upsertConsent(tx, user.id, authorization.client_id, scopes)
    return withCode(authorization, code)
  })
  if (redirectUrl === null) throw oauthServerErrors.authorizationNotFound()
  return { redirect_url: redirectUrl }
}

/** Browsers tell which site a request comes from; one that is not the project's has no business here. */
export function checkOrigin({ settings }: AuthContext, origin: string | undefined): void {
  if (origin !== undefined && origin !== '' && !isAllowedRedirect(settings, origin))
    throw oauthServerErrors.invalid('unauthorized request origin')
}

function withError(redirectUri: string, error: string, description: string, state: string): string {
  const url = new URL(redirectUri)
  url.searchParams.set('error', error)
  url.searchParams.set('error_description', description)
  if (state !== '') url.searchParams.set('state', state)
  return url.toString()
}

function withCode({ redirect_uri, state }: AuthorizationRow, code: string): string {
  const url = new URL(redirect_uri)
  url.searchParams.set('code', code)
  if (state !== null && state !== '') url.searchParams.set('state', state)
  return url.toString()
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'
const createAuthorizationId = () =>
  Array.from({ length: 32 }, () => LETTERS[randomInt(LETTERS.length)]).join('')
const emptyToNull = (text: string) => (text === '' ? null : text)
