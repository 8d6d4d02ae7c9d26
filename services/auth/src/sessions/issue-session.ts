import type { Queryable } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import { isHookEnabled } from '../hooks/run-hook.ts'
import { createRefreshToken } from '../refresh-tokens/refresh-token.ts'
import type { Json, UserRow } from '../users/user.ts'
import { createAccessToken } from './access-token.ts'
import type { IssuedSession } from './session-reply.ts'
import { startSession, type AuthenticationMethod, type SessionOrigin } from './sessions.sql.ts'

export interface SignInProof extends SessionOrigin {
  readonly method: AuthenticationMethod
  /** Given where a password was compared: the session begins only if it still is the password. */
  readonly passwordHash: string | null
  /** For the audit log. */
  readonly traits: Json | null
}

/** Signs the user in. Null when that is no longer allowed (gone, banned, another password by now). */
export async function issueSession(
  ctx: AuthContext,
  db: Queryable,
  user: UserRow,
  proof: SignInProof,
): Promise<IssuedSession | null> {
  // What the hook refuses must leave no session behind.
  if (db === ctx.db && isHookEnabled(ctx, 'customAccessToken'))
    return ctx.db.transaction((tx) => issueSession(ctx, tx, user, proof))
  const refreshToken = createRefreshToken()
  const started = await startSession(db, {
    userId: user.id,
    passwordHash: proof.passwordHash,
    refreshToken,
    method: proof.method,
    userAgent: ctx.userAgent,
    ip: ctx.clientIp,
    actor: user,
    traits: proof.traits,
    notAfter: proof.notAfter,
    oauthClient: proof.oauthClient,
  })
  if (started === null) return null
  const methods = [{ method: proof.method, timestamp: Math.floor(started.started_at) }]
  const signedIn = { ...user, last_sign_in_at: started.last_sign_in_at, updated_at: started.updated_at }
  const oauthClientId = proof.oauthClient?.id ?? null
  const session = { id: started.id, methods, method: proof.method, oauthClientId }
  return { user: signedIn, refreshToken, accessToken: await createAccessToken(ctx, db, user, session) }
}
