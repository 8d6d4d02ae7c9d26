import type { AuthContext } from '../context.ts'
import { recordAudit } from '../audit/audit.sql.ts'
import { body, text } from '../parse-body.ts'
import { route, type AuthReply } from '../route.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import type { IssuedSession } from '../sessions/session-reply.ts'
import { refreshGrant } from '../token/refresh-grant.ts'
import { checkOrigin, decideAuthorization, readAuthorization, startAuthorization } from './authorize.ts'
import { findConsent, findSessionScopes, listConsents, revokeConsent } from './authorizations.sql.ts'
import { checkOAuthServer } from './clients.route.ts'
import { renderClientDetails } from './clients.ts'
import { allowsGrant, authenticateClient, exchangeAuthorizationCode, profileClaims } from './exchange.ts'
import { oauthServerErrors } from './oauth-server-errors.ts'
import { parseScopes, supportedScopes } from './scopes.ts'

const authorizeRoute = route({
  operation: 'auth.oauth_authorize',
  method: 'GET',
  path: '/oauth/authorize',
  access: 'open',
  handle: async (ctx, { query }) => {
    checkOAuthServer(ctx)
    return {
      status: 302,
      headers: { location: await startAuthorization(ctx, query), 'cache-control': 'no-store' },
    }
  },
})

const readAuthorizationRoute = route({
  operation: 'auth.oauth_get_authorization',
  method: 'GET',
  path: '/oauth/authorizations/:id',
  access: 'user',
  handle: async (ctx, { caller, params, headers }) => {
    checkOAuthServer(ctx)
    checkOrigin(ctx, headers.origin)
    return { status: 200, body: await readAuthorization(ctx, params.id ?? '', caller) }
  },
})

const consentRoute = route({
  operation: 'auth.oauth_consent',
  method: 'POST',
  path: '/oauth/authorizations/:id/consent',
  access: 'user',
  body: body('ConsentRequest', { action: text() }),
  handle: async (ctx, { caller, params, headers, body }) => {
    checkOAuthServer(ctx)
    checkOrigin(ctx, headers.origin)
    return { status: 200, body: await decideAuthorization(ctx, params.id ?? '', caller, body.action) }
  },
})

const tokenRoute = route({
  operation: 'auth.oauth_token',
  method: 'POST',
  path: '/oauth/token',
  access: 'open',
  handle: async (ctx, { headers, form }) => {
    checkOAuthServer(ctx)
    const client = await authenticateClient(ctx, headers, form)
    const grant = form.get('grant_type') ?? ''
    if (grant === '') throw oauthServerErrors.invalidRequest('grant_type is required')
    if (!allowsGrant(client, grant))
      throw oauthServerErrors.unsupportedGrant(`Client is not allowed to use grant type: ${grant}`)
    if (grant === 'authorization_code') {
      const { session, idToken } = await exchangeAuthorizationCode(ctx, client, form)
      return renderTokens(session, idToken)
    }
    const token = form.get('refresh_token') ?? ''
    if (token === '')
      throw oauthServerErrors.invalidRequest('refresh_token is required for refresh_token grant')
    return renderTokens(await refreshGrant(ctx, token, client.id), null)
  },
})

/** Without the user: a client sees what its scopes allow. */
const renderTokens = ({ accessToken, refreshToken }: IssuedSession, idToken: string | null): AuthReply => ({
  status: 200,
  headers: { 'cache-control': 'no-store' },
  body: {
    access_token: accessToken.text,
    token_type: 'bearer',
    expires_in: accessToken.expiresAt - Math.floor(Date.now() / 1000),
    refresh_token: refreshToken,
    ...(idToken === null ? {} : { id_token: idToken }),
  },
})

const userInfoRoute = route({
  operation: 'auth.oauth_userinfo',
  method: 'GET',
  path: '/oauth/userinfo',
  access: 'user',
  handle: async (ctx, { caller: { user, session } }) => {
    checkOAuthServer(ctx)
    const stored = session === null ? null : await findSessionScopes(ctx.db, session.id)
    const scopes = parseScopes(stored?.scopes ?? '')
    const has = (scope: string) => scopes.includes(scope)
    return {
      status: 200,
      body: {
        sub: user.id,
        ...(has('email') && user.email !== null ? { email: user.email } : {}),
        ...(has('email') && user.email_confirmed_at !== null ? { email_verified: true } : {}),
        ...(has('profile') ? { ...profileClaims(user), user_metadata: user.raw_user_meta_data ?? {} } : {}),
        ...(has('phone') && user.phone !== null ? { phone: user.phone } : {}),
        ...(has('phone') && user.phone_confirmed_at !== null ? { phone_verified: true } : {}),
      },
    }
  },
})

const listGrantsRoute = route({
  operation: 'auth.oauth_list_grants',
  method: 'GET',
  path: '/user/oauth/grants',
  access: 'user',
  handle: async (ctx, { caller }) => {
    checkOAuthServer(ctx)
    const grants = await listConsents(ctx.db, caller.user.id)
    return {
      status: 200,
      body: grants.map((grant) => ({
        client: renderClientDetails({ ...grant, id: grant.client_id }),
        scopes: parseScopes(grant.scopes),
        granted_at: grant.granted_at,
      })),
    }
  },
})

const revokeGrantRoute = route({
  operation: 'auth.oauth_revoke_grant',
  method: 'DELETE',
  path: '/user/oauth/grants',
  access: 'user',
  handle: async (ctx, { caller: { user }, query }) => {
    checkOAuthServer(ctx)
    const clientId = query.get('client_id') ?? ''
    if (clientId === '') throw oauthServerErrors.invalid('client_id query parameter is required')
    if (!isUuid(clientId)) throw oauthServerErrors.invalid('invalid client_id format')
    await ctx.db.transaction(async (tx) => {
      if ((await findConsent(tx, user.id, clientId)) === null) throw oauthServerErrors.consentNotFound()
      await revokeConsent(tx, user.id, clientId)
      await recordAudit(tx, 'token_revoked', user, {
        oauth_client_id: clientId,
        action: 'revoke_oauth_grant',
      })
    })
    return { status: 204 }
  },
})

const openIdRoute = route({
  operation: 'auth.openid_configuration',
  method: 'GET',
  path: '/.well-known/openid-configuration',
  access: 'open',
  handle: async (ctx) => renderConfiguration(ctx),
})

const authorizationServerRoute = route({
  operation: 'auth.oauth_authorization_server',
  method: 'GET',
  path: '/.well-known/oauth-authorization-server',
  access: 'open',
  handle: async (ctx) => {
    checkOAuthServer(ctx)
    return renderConfiguration(ctx)
  },
})

const claims =
  'sub aud iss exp iat auth_time nonce email email_verified phone_number phone_number_verified name picture preferred_username updated_at'

/** OpenID's discovery holds all that RFC 8414 asks for, so both are one document. Mirrors auth internal/api/jwks.go@bc32168. */
function renderConfiguration({ issuer, settings }: AuthContext): AuthReply {
  const canRegister = settings.oauthServerEnabled && settings.oauthServerAllowDynamicRegistration
  return {
    status: 200,
    headers: { 'cache-control': 'public, max-age=600' },
    body: {
      issuer,
      authorization_endpoint: `${issuer}/oauth/authorize`,
      token_endpoint: `${issuer}/oauth/token`,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      userinfo_endpoint: `${issuer}/oauth/userinfo`,
      ...(canRegister ? { registration_endpoint: `${issuer}/oauth/clients/register` } : {}),
      scopes_supported: supportedScopes,
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256', 'HS256', 'ES256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
      claims_supported: claims.split(' '),
      code_challenge_methods_supported: ['S256', 'plain'],
    },
  }
}

export const oauthServerRoutes = [
  openIdRoute,
  authorizationServerRoute,
  authorizeRoute,
  tokenRoute,
  userInfoRoute,
  readAuthorizationRoute,
  consentRoute,
  listGrantsRoute,
  revokeGrantRoute,
]
