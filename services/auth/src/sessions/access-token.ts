import type { Queryable } from '@favo/postgres'
import { signToken } from '@favo/tokens'
import type { AuthContext } from '../context.ts'
import { runHook } from '../hooks/run-hook.ts'
import type { UserRow } from '../users/user.ts'
import { checkHookClaims } from './hook-claims.ts'
import type { MethodView } from './sessions.sql.ts'

export interface AccessToken {
  readonly text: string
  /** Seconds since 1970. */
  readonly expiresAt: number
}

export interface TokenSession {
  readonly id: string
  /** The latest first. */
  readonly methods: readonly MethodView[]
  /** What was done just now: one of the methods, or `token_refresh`. */
  readonly method: string
  /** The client of the project's OAuth server that holds the session; null or absent for the project's own. */
  readonly oauthClientId?: string | null
}

/**
 * The token with which a user speaks to every service of the project, with Supabase's claims, or with those that the
 * project's hook makes of them. The level of assurance follows from the methods.
 * Mirrors auth internal/tokens/service.go@bc32168 GenerateAccessToken.
 */
export async function createAccessToken(
  ctx: AuthContext,
  tx: Queryable,
  user: UserRow,
  { id: sessionId, methods, method, oauthClientId = null }: TokenSession,
): Promise<AccessToken> {
  const issuedAt = Math.floor(Date.now() / 1000)
  const expiresAt = issuedAt + ctx.settings.jwtExpSeconds
  const claims = {
    iss: ctx.issuer,
    sub: user.id,
    aud: user.aud ?? '',
    exp: expiresAt,
    iat: issuedAt,
    email: user.email ?? '',
    phone: user.phone ?? '',
    app_metadata: user.raw_app_meta_data ?? {},
    user_metadata: user.raw_user_meta_data ?? {},
    role: user.role ?? '',
    aal: levelOf(methods),
    amr: methods.map((each) => (each.method === 'sso/saml' ? { ...each, ...ssoProviderOf(user) } : each)),
    session_id: sessionId,
    is_anonymous: user.is_anonymous,
    ...(oauthClientId === null ? {} : { client_id: oauthClientId }),
  }
  const answer = await runHook(
    ctx,
    'customAccessToken',
    { user_id: user.id, claims, authentication_method: method },
    tx,
  )
  const signed = answer === null ? claims : checkHookClaims(answer)
  return { text: signToken(signed, ctx.project), expiresAt }
}

const secondFactors = new Set(['totp', 'mfa/phone', 'mfa/webauthn'])

export const levelOf = (methods: readonly MethodView[]): 'aal1' | 'aal2' =>
  methods.some(({ method }) => secondFactors.has(method)) ? 'aal2' : 'aal1'

function ssoProviderOf({ identities }: UserRow): { readonly provider?: string } {
  const name = identities.find(({ provider }) => provider.startsWith('sso:'))?.provider
  return name === undefined ? {} : { provider: name.slice('sso:'.length) }
}
