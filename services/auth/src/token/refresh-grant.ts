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
  refreshSession,
  type RefreshTokenRow,
} from '../refresh-tokens/refresh-tokens.sql.ts'
import { createAccessToken } from '../sessions/access-token.ts'
import { findSessionProblem } from '../sessions/session-limits.sql.ts'
import type { IssuedSession } from '../sessions/session-reply.ts'
import { recordAudit } from '../audit/audit.sql.ts'
import type { UserRow } from '../users/user.ts'

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
    const locked = await lockRefreshToken(tx, token, ctx.settings.refreshTokenReuseIntervalSeconds)
    if (locked === null) return { kind: 'missing' }
    const { found, user } = locked
    if (user.is_banned) throw authErrors.refreshTokenUserBanned()
    checkClient(found, oauthClientId)
    if (found.is_session_expired) throw authErrors.refreshTokenSessionExpired()
    await checkLimits(ctx, tx, found)

    const reuse = found.revoked ? await judgeReuse(tx, found, user) : null
    // Returned and not thrown: the revocation must be committed.
    if (reuse?.kind === 'stolen') return { kind: 'reused' }
    const isRepeated = reuse?.kind === 'repeated'
    const refreshToken = isRepeated ? reuse.successor : createRefreshToken()
    const { userAgent, clientIp: ip } = ctx
    const next = isRepeated ? null : refreshToken
    const methods = await refreshSession(tx, { found, next, actor: user, userAgent, ip })
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

type Reuse =
  { readonly kind: 'repeated'; readonly successor: string } | { readonly kind: 'stolen' | 'accepted' }

/** What to make of a token that was used already. Of a stolen one, as far as can be told, the whole family is revoked. */
async function judgeReuse(tx: Queryable, found: RefreshTokenRow, user: UserRow): Promise<Reuse> {
  const active = await findActiveToken(tx, found.session_id)
  if (active !== null && active.parent === found.token) {
    await recordAudit(tx, 'token_refreshed', user)
    return { kind: 'repeated', successor: active.token }
  }
  if (!found.is_past_reuse) return { kind: 'accepted' }
  await revokeTokensOfSession(tx, found.session_id)
  return { kind: 'stolen' }
}
