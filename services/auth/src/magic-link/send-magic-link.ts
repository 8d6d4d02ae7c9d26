import { DatabaseError, type Queryable } from '@favo/postgres'
import { recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { insertFlow } from '../flow-states/flow-states.sql.ts'
import type { Challenge } from '../flow-states/pkce.ts'
import { checkFrequency, sendToken } from '../one-time-tokens/send-token.ts'
import { requestAudience } from '../sessions/audience.ts'
import { registerUser } from '../users/register-user.ts'
import { isConfirmed, type Json, type UserRow } from '../users/user.ts'
import { findUserByEmail } from '../users/users.sql.ts'

export interface MagicLinkInput {
  readonly email: string
  /** user_metadata of a user who is new. */
  readonly data: Json
  readonly challenge: Challenge | null
  readonly redirectTo: string
}

/**
 * Mails a link that signs in. Who is new is registered without a password; until the address is confirmed, the mail is
 * the one that confirms it. Mirrors auth internal/api/magic_link.go@bc32168.
 */
export async function sendMagicLink(ctx: AuthContext, input: MagicLinkInput): Promise<void> {
  const { email, challenge, redirectTo } = input
  if (!ctx.settings.emailProviderEnabled) throw authErrors.emailLoginDisabled(422)
  checkFrequency(ctx, 'magiclink', email)
  const known = await findUserByEmail(ctx.db, email, requestAudience(ctx))
  if (known === null && ctx.settings.disableSignup) throw authErrors.signupDisabled()

  const send = async (tx: Queryable) => {
    const user = known ?? (await register(ctx, tx, input))
    const needsConfirmation = !isConfirmed(user) && !ctx.settings.mailerAutoconfirm
    if (challenge !== null)
      await insertFlow(
        tx,
        user.id,
        needsConfirmation ? 'email/signup' : 'magiclink',
        needsConfirmation ? 'email' : 'magiclink',
        challenge,
      )
    await sendToken(
      ctx,
      tx,
      { ...user, email },
      {
        kind: needsConfirmation ? 'signup' : 'magiclink',
        isPkce: challenge !== null,
        redirectTo,
        audit: {
          action: needsConfirmation ? 'user_confirmation_requested' : 'user_recovery_requested',
          actor: user,
        },
      },
    )
  }
  await ctx.db.transaction(send).catch((error: unknown) => {
    if (error instanceof DatabaseError)
      throw authErrors.unexpectedFailure('Database error saving new user', error)
    throw error
  })
}

async function register(ctx: AuthContext, tx: Queryable, { email, data }: MagicLinkInput): Promise<UserRow> {
  const isConfirmed = ctx.settings.mailerAutoconfirm
  const user =
    (await registerUser(ctx, tx, { email, passwordHash: '', data, isConfirmed, isByAdministrator: false })) ??
    // Somebody was faster.
    (await findUserByEmail(tx, email, requestAudience(ctx)))
  // The address is that of a user of another audience.
  if (user === null) throw authErrors.unexpectedFailure('Database error saving new user')
  if (isConfirmed) await recordAudit(tx, 'user_signedup', user, { provider: 'email' })
  return user
}
