import { signJwt } from '@favo/tokens'
import type { AuthContext } from '../context.ts'
import type { UserRow } from '../users/user.ts'
import type { MethodView } from './sessions.sql.ts'

export interface AccessToken {
  readonly text: string
  /** Seconds since 1970. */
  readonly expiresAt: number
}

/**
 * The token with which a user speaks to every service of the project, with Supabase's claims.
 * Mirrors auth internal/tokens/service.go@bc32168 GenerateAccessToken. The level of assurance follows from the methods.
 */
export function createAccessToken(
  ctx: AuthContext,
  user: UserRow,
  sessionId: string,
  methods: readonly MethodView[],
): AccessToken {
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
    aal: methods.some(({ method }) => secondFactors.has(method)) ? 'aal2' : 'aal1',
    amr: methods,
    session_id: sessionId,
    is_anonymous: user.is_anonymous,
  }
  return { text: signJwt(claims, ctx.project.jwtSecret), expiresAt }
}

const secondFactors = new Set(['totp', 'mfa/phone', 'mfa/webauthn'])
