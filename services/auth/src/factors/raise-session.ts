import type { Queryable } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { createRefreshToken } from '../refresh-tokens/refresh-token.ts'
import { createAccessToken, levelOf } from '../sessions/access-token.ts'
import type { IssuedSession } from '../sessions/session-reply.ts'
import { getUserById } from '../users/users.sql.ts'
import { addMethod, deleteLowerSessions, renewTokens, setLevel } from './raise-session.sql.ts'

/**
 * Puts a session on the level of its second factor, and signs out the user's sessions that are below it.
 *
 * Its refresh tokens of before are worth nothing from now on: whoever holds a copy of one has not shown the factor.
 * Mirrors auth internal/api/token.go@bc32168 updateMFASessionAndClaims.
 */
export async function raiseSession(
  ctx: AuthContext,
  tx: Queryable,
  { userId, sessionId, factorId, method }: RaisedBy,
): Promise<IssuedSession> {
  const methods = await addMethod(tx, sessionId, method)
  if (methods.length === 0) throw authErrors.sessionFromClaimNotFound()
  const { oauth_client_id: oauthClientId } = await setLevel(tx, sessionId, levelOf(methods), factorId)
  const refreshToken = createRefreshToken()
  await renewTokens(tx, sessionId, userId, refreshToken)
  await deleteLowerSessions(tx, userId, 'aal2')
  const user = await getUserById(tx, userId)
  const accessToken = await createAccessToken(ctx, tx, user, {
    id: sessionId,
    methods,
    method,
    oauthClientId,
  })
  return { user, accessToken, refreshToken }
}

interface RaisedBy {
  readonly userId: string
  readonly sessionId: string
  readonly factorId: string
  readonly method: 'totp' | 'mfa/phone' | 'mfa/webauthn'
}
