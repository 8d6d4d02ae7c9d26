import { randomUUID } from 'node:crypto'
import { DatabaseError } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { askBeforeCreating } from '../hooks/before-user-created.ts'
import { requestAudience } from '../sessions/audience.ts'
import { issueSession } from '../sessions/issue-session.ts'
import type { IssuedSession } from '../sessions/session-reply.ts'
import type { Json } from '../users/user.ts'
import { getUserById, insertUserIfNew } from '../users/users.sql.ts'

/** A user without an address, who may get one later. Mirrors auth internal/api/anonymous.go@bc32168. */
export async function signUpAnonymously(ctx: AuthContext, data: Json | null): Promise<IssuedSession> {
  if (!ctx.settings.anonymousUsersEnabled) throw authErrors.anonymousDisabled()
  if (ctx.settings.disableSignup) throw authErrors.signupDisabled()
  const id = randomUUID()
  const session = await ctx.db
    .transaction(async (tx) => {
      const created = {
        id,
        email: null,
        phone: null,
        passwordHash: '',
        audience: requestAudience(ctx),
        role: 'authenticated',
        appMetadata: {},
        userMetadata: data ?? {},
        isAnonymous: true,
      }
      await askBeforeCreating(ctx, tx, created)
      await insertUserIfNew(tx, created)
      ctx.newUserIds.push(id)
      const user = await getUserById(tx, id)
      return issueSession(ctx, tx, user, { method: 'anonymous', passwordHash: null, traits: null })
    })
    .catch((error: unknown) => {
      if (error instanceof DatabaseError)
        throw authErrors.unexpectedFailure('Database error creating anonymous user', error)
      throw error
    })
  // Only the project's own trigger can have banned or removed the user by now.
  if (session === null) throw authErrors.unexpectedFailure('Database error creating anonymous user')
  return session
}
