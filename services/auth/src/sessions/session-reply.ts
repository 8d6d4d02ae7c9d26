import type { AuthReply } from '../route.ts'
import { renderUser } from '../users/render-user.ts'
import type { UserRow } from '../users/user.ts'
import type { AccessToken } from './access-token.ts'

export interface IssuedSession {
  readonly user: UserRow
  readonly accessToken: AccessToken
  readonly refreshToken: string
}

/** GoTrue's AccessTokenResponse. Nothing on the way may keep it. */
export function renderSession(
  session: IssuedSession,
  extra: Readonly<Record<string, unknown>> = {},
): AuthReply {
  const { accessToken, refreshToken, user } = session
  return {
    status: 200,
    headers: { 'cache-control': 'no-store' },
    body: {
      access_token: accessToken.text,
      token_type: 'bearer',
      expires_in: accessToken.expiresAt - Math.floor(Date.now() / 1000),
      expires_at: accessToken.expiresAt,
      refresh_token: refreshToken,
      user: renderUser(user),
      ...extra,
    },
  }
}
