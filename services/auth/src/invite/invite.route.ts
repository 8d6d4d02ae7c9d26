import { DatabaseError, type Queryable } from '@favo/postgres'
import { administratorActor, recordAudit } from '../audit/audit.sql.ts'
import { authErrors } from '../errors.ts'
import { sendToken } from '../one-time-tokens/send-token.ts'
import { body, object, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { requestAudience } from '../sessions/audience.ts'
import { parseEmail } from '../users/addresses.ts'
import { registerUser } from '../users/register-user.ts'
import { renderUser } from '../users/render-user.ts'
import { isConfirmed, type UserRow } from '../users/user.ts'
import { findUserByEmail, getUserById } from '../users/users.sql.ts'

/** Makes a user without a password and mails the link by which to accept. Mirrors auth internal/api/invite.go@bc32168. */
export const inviteRoute = route({
  operation: 'auth.invite',
  method: 'POST',
  path: '/invite',
  access: 'admin',
  body: body('InviteParams', { email: text(), data: object() }),
  handle: async (ctx, { caller, body, redirectTo }) => {
    const email = parseEmail(body.email)
    const invite = async (tx: Queryable): Promise<UserRow> => {
      const user =
        (await registerUser(ctx, tx, {
          email,
          passwordHash: '',
          data: body.data ?? {},
          isConfirmed: false,
          isByAdministrator: true,
        })) ?? (await findUserByEmail(tx, email, requestAudience(ctx)))
      if (user === null || isConfirmed(user)) throw authErrors.emailExists()
      await recordAudit(tx, 'user_invited', administratorActor(caller.role), {
        user_id: user.id,
        user_email: email,
      })
      const request = { kind: 'invite', isPkce: false, redirectTo, audit: null } as const
      await sendToken(ctx, tx, { ...user, email }, request)
      return getUserById(tx, user.id)
    }
    const user = await ctx.db.transaction(invite).catch((error: unknown) => {
      if (error instanceof DatabaseError)
        throw authErrors.unexpectedFailure('Database error saving new user', error)
      throw error
    })
    return { status: 200, body: renderUser(user) }
  },
})
