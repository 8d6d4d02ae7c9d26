import type { Queryable } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { OAuthError } from '../oauth-error.ts'
import { createRefreshToken, isRefreshToken } from '../refresh-tokens/refresh-token.ts'
import {
  deleteTokenWithoutSession,
  findActiveToken,
  lockRefreshToken,
  revokeTokensOfSession,
  swapRefreshToken,
  touchSession,
  type RefreshTokenRow,
} from '../refresh-tokens/refresh-tokens.sql.ts'
import { createAccessToken } from '../sessions/access-token.ts'
import { findSessionProblem } from '../sessions/session-limits.sql.ts'
import type { IssuedSession } from '../sessions/session-reply.ts'
import { recordAudit } from '../audit/audit.sql.ts'
import type { UserRow } from '../users/user.ts'
import { findUserById } from '../users/users.sql.ts'

type Outcome =
  { readonly kind: 'refreshed'; readonly session: IssuedSession } | { readonly kind: 'reused' | 'missing' }

/**
 * Changes a refresh token for the next one. Mirrors auth internal/tokens/service.go@bc32168 RefreshTokenGrant:
 *
 * - a token that was used already, and whose successor was not, gives that successor again: the client did not get the
 *   answer, or several tabs asked at once;
 * - any other used token gives a new one within the reuse interval;
 * - after it, somebody holds a copy, and all tokens of the session are revoked.
 *
 * GoTrue retries while another request holds the row; here requests wait for each other in the database, for the
 * millisecond that it takes.
 */
export async function refreshGrant(
  ctx: AuthContext,
  token: string,
  oauthClientId: string | null = null,
): Promise<IssuedSession> {
  if (!isRefreshToken(token)) throw authErrors.validationFailed('Refresh token is not valid')
  const outcome = await ctx.db.transaction(async (tx): Promise<Outcome> => {
    const found = await lockRefreshToken(tx, token, ctx.settings.refreshTokenReuseIntervalSeconds)
    if (found === null) return { kind: 'missing' }
    const user = await findUserById(tx, found.user_id)
    if (user === null) throw authErrors.refreshTokenNotFound()
    if (user.is_banned) throw authErrors.refreshTokenUserBanned()
    checkClient(found, oauthClientId)
    if (found.is_session_expired) throw authErrors.refreshTokenSessionExpired()
    await checkLimits(ctx, tx, found)

    const refreshToken = await findNextToken(tx, found, user)
    // Returned and not thrown: the revocation must be committed.
    if (refreshToken === null) return { kind: 'reused' }
    const methods = await touchSession(tx, found.session_id, ctx.userAgent, ctx.clientIp)
    const accessToken = await createAccessToken(ctx, tx, user, {
      id: found.session_id,
      methods,
      method: 'token_refresh',
      oauthClientId: found.oauth_client_id,
    })
    return { kind: 'refreshed', session: { user, accessToken, refreshToken } }
  })
  if (outcome.kind === 'refreshed') return outcome.session
  if (outcome.kind === 'reused') throw authErrors.refreshTokenUsed()
  const isFromBeforeSessions = await deleteTokenWithoutSession(ctx.db, token)
  throw isFromBeforeSessions ? authErrors.refreshTokenWithoutSession() : authErrors.refreshTokenNotFound()
}

/** A session of one client is no other's, and none of the project's own pages'. */
function checkClient({ oauth_client_id: owner }: RefreshTokenRow, asking: string | null): void {
  if (owner === asking) return
  throw new OAuthError(
    'invalid_client',
    owner === null
      ? 'Client authentication not allowed for non-OAuth session'
      : asking === null
        ? 'Client authentication required for OAuth session'
        : "Client does not match the session's OAuth client",
  )
}

async function checkLimits(ctx: AuthContext, tx: Queryable, found: RefreshTokenRow): Promise<void> {
  switch (await findSessionProblem(tx, ctx.settings, found.session_id, found.id)) {
    case 'timebox':
      throw authErrors.refreshTokenSessionExpired()
    case 'inactivity':
      throw authErrors.refreshTokenSessionExpired(' (Inactivity)')
    case 'superseded':
      throw authErrors.refreshTokenSessionExpired(' (Revoked by Newer Login)')
  }
}

/** Null when the token was stolen, as far as can be told; its whole family is revoked then. */
async function findNextToken(tx: Queryable, found: RefreshTokenRow, user: UserRow): Promise<string | null> {
  if (found.revoked) {
    const active = await findActiveToken(tx, found.session_id)
    if (active !== null && active.parent === found.token) {
      await recordAudit(tx, 'token_refreshed', user)
      return active.token
    }
    if (found.is_past_reuse) {
      await revokeTokensOfSession(tx, found.session_id)
      return null
    }
  }
  const next = createRefreshToken()
  await swapRefreshToken(tx, found, next, user)
  return next
}
