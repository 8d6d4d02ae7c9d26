import type { IncomingHttpHeaders } from 'node:http'
import { signToken } from '@favo/tokens'
import type { AuthContext } from '../context.ts'
import { isVerifierOf } from '../flow-states/pkce.ts'
import { issueSession } from '../sessions/issue-session.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import type { IssuedSession } from '../sessions/session-reply.ts'
import { isConfirmed, type UserRow } from '../users/user.ts'
import { findUserById } from '../users/users.sql.ts'
import { deleteAuthorization, lockAuthorizationByCode, type AuthorizationRow } from './authorizations.sql.ts'
import { isSecretOf, listOf } from './clients.ts'
import { findClient, type ClientRow } from './clients.sql.ts'
import { oauthServerErrors } from './oauth-server-errors.ts'
import { parseScopes } from './scopes.ts'

/** The client that asks, which must prove itself in the way it is registered for. Mirrors requireOAuthClientAuth. */
export async function authenticateClient(
  ctx: AuthContext,
  headers: IncomingHttpHeaders,
  form: URLSearchParams,
): Promise<ClientRow> {
  const { id, secret, method } = readCredentials(headers, form)
  if (id === '') throw oauthServerErrors.badClient('Invalid client credentials: client_id is required')
  if (!isUuid(id)) throw oauthServerErrors.badClient('Invalid client_id format')
  const client = await findClient(ctx.db, id)
  if (client === null) throw oauthServerErrors.badClient('Invalid client credentials')
  const registered = client.token_endpoint_auth_method
  if (registered !== method)
    throw oauthServerErrors.badClient(
      `invalid authentication method: client is registered for '${registered}' but '${method}' was used`,
    )
  if (client.client_type === 'confidential' && !isSecretOf(client, secret))
    throw oauthServerErrors.badClient('invalid client credentials')
  return client
}

function readCredentials({ authorization = '' }: IncomingHttpHeaders, form: URLSearchParams) {
  if (authorization.startsWith('Basic ')) {
    const decoded = Buffer.from(authorization.slice('Basic '.length), 'base64').toString('utf8')
    const colon = decoded.indexOf(':')
    if (colon === -1)
      throw oauthServerErrors.badClient('Invalid client credentials: invalid basic auth format')
    return { id: decoded.slice(0, colon), secret: decoded.slice(colon + 1), method: 'client_secret_basic' }
  }
  const secret = form.get('client_secret') ?? ''
  return { id: form.get('client_id') ?? '', secret, method: secret === '' ? 'none' : 'client_secret_post' }
}

export interface ClientTokens {
  readonly session: IssuedSession
  readonly idToken: string | null
}

/** A code for tokens. Mirrors auth internal/api/oauthserver/handlers.go@bc32168 handleAuthorizationCodeGrant. */
export function exchangeAuthorizationCode(
  ctx: AuthContext,
  client: ClientRow,
  form: URLSearchParams,
): Promise<ClientTokens> {
  const ask = (name: string) => form.get(name) ?? ''
  const refuse = oauthServerErrors.invalidGrant
  if (ask('code') === '')
    throw oauthServerErrors.invalidRequest('code is required for authorization_code grant')
  return ctx.db.transaction(async (tx) => {
    const authorization = await lockAuthorizationByCode(tx, ask('code'))
    if (authorization === null) throw refuse('Invalid authorization code')
    if (authorization.is_expired) throw refuse('Authorization code has expired')
    if (authorization.client_id !== client.id)
      throw refuse('Authorization code was not issued for this client')
    if (ask('resource') !== '' && ask('resource') !== authorization.resource)
      throw refuse('Authorization code resource does not match the resource parameter')
    if (ask('redirect_uri') !== '' && ask('redirect_uri') !== authorization.redirect_uri)
      throw refuse('Invalid redirect_uri')
    checkVerifier(authorization, ask('code_verifier'))
    const user = authorization.user_id === null ? null : await findUserById(tx, authorization.user_id)
    if (user === null) throw refuse('User not found for authorization code')
    if (user.is_banned) throw oauthServerErrors.accessDenied('User is banned')

    const session = await issueSession(ctx, tx, user, {
      method: 'oauth_provider/authorization_code',
      passwordHash: null,
      traits: { provider_type: 'oauth_provider_authorization_code', client_id: client.id },
      oauthClient: { id: client.id, scopes: authorization.scope },
    })
    if (session === null) throw oauthServerErrors.accessDenied('User is banned')
    await deleteAuthorization(tx, authorization.authorization_id)
    return { session, idToken: createIdToken(ctx, client, session.user, authorization) }
  })
}

function checkVerifier(authorization: AuthorizationRow, verifier: string): void {
  const { code_challenge: text, code_challenge_method: method } = authorization
  const failed = 'PKCE verification failed: '
  if (verifier === '')
    throw oauthServerErrors.invalidGrant(`${failed}code_verifier is required when PKCE challenge is present`)
  if (!isVerifierOf({ text, method }, verifier))
    throw oauthServerErrors.invalidGrant(
      `${failed}code challenge does not match previously saved code verifier`,
    )
}

const ID_TOKEN_SECONDS = 3_600

/** Null unless openid was asked for. Clients check it with the published keys, so a shared secret will not do. */
function createIdToken(
  ctx: AuthContext,
  client: ClientRow,
  user: UserRow,
  { scope, nonce }: AuthorizationRow,
): string | null {
  const scopes = parseScopes(scope)
  if (!scopes.includes('openid')) return null
  const key = ctx.project.signingKeys?.find(({ status }) => status === 'in_use')
  if (key === undefined || key.algorithm === 'HS256') throw oauthServerErrors.idTokenFailed()
  const issuedAt = Math.floor(Date.now() / 1000)
  const claims = {
    iss: ctx.issuer,
    sub: user.id,
    aud: [client.id],
    iat: issuedAt,
    exp: issuedAt + ID_TOKEN_SECONDS,
    ...(nonce === null ? {} : { nonce }),
    auth_time: user.last_sign_in_at === null ? issuedAt : toSeconds(user.last_sign_in_at),
    ...(scopes.includes('email') && user.email !== null ? { email: user.email } : {}),
    email_verified: scopes.includes('email') && isConfirmed(user),
    ...(scopes.includes('phone') && user.phone !== null ? { phone_number: user.phone } : {}),
    phone_number_verified: scopes.includes('phone') && user.phone_confirmed_at !== null,
    ...(scopes.includes('profile') ? profileClaims(user) : {}),
    client_id: client.id,
  }
  return signToken(claims, ctx.project)
}

const toSeconds = (stamp: string) => Math.floor(Date.parse(stamp) / 1000)

/** What `profile` lets a client see. */
export function profileClaims(user: UserRow): Record<string, unknown> {
  const metadata = user.raw_user_meta_data ?? {}
  const first = (...names: readonly string[]) =>
    names.map((name) => metadata[name]).find((value) => typeof value === 'string' && value !== '')
  const claims = {
    name: first('name') ?? user.email ?? undefined,
    picture: first('picture', 'avatar_url'),
    preferred_username: first('preferred_username', 'username'),
    updated_at: user.updated_at === null ? undefined : toSeconds(user.updated_at),
  }
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
}

export const allowsGrant = (client: ClientRow, grant: string): boolean =>
  listOf(client.grant_types).some((each) => each.trim() === grant)
