import { authErrors } from '../errors.ts'
import { insertFlow } from '../flow-states/flow-states.sql.ts'
import { parseChallenge } from '../flow-states/pkce.ts'
import { checkFrequency, sendToken, stranger } from '../one-time-tokens/send-token.ts'
import { body, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { requestAudience } from '../sessions/audience.ts'
import { parseEmail } from '../users/addresses.ts'
import { findUserByEmail } from '../users/users.sql.ts'

/**
 * Mails a link to who forgot the password. An unknown address gets the same answer for the same statements: they are run
 * for an id that nobody has. Mirrors auth internal/api/recover.go@bc32168.
 */
export const recoverRoute = route({
  operation: 'auth.recover',
  method: 'POST',
  path: '/recover',
  access: 'public',
  limit: 'recover',
  captcha: true,
  body: body('RecoverParams', { email: text(), code_challenge: text(), code_challenge_method: text() }),
  handle: async (ctx, { body, redirectTo }) => {
    if (!ctx.settings.emailProviderEnabled) throw authErrors.emailLoginDisabled(400)
    if (body.email === '') throw authErrors.validationFailed('Password recovery requires an email')
    const email = parseEmail(body.email)
    const challenge = parseChallenge(body.code_challenge, body.code_challenge_method)
    checkFrequency(ctx, 'recovery', email)

    const found = await findUserByEmail(ctx.db, email, requestAudience(ctx))
    const user = found ?? stranger(email)
    await ctx.db.transaction(async (tx) => {
      if (challenge !== null) await insertFlow(tx, user.id, 'recovery', 'recovery', challenge)
      await sendToken(
        ctx,
        tx,
        { ...user, email },
        {
          kind: 'recovery',
          isPkce: challenge !== null,
          redirectTo,
          audit: { action: 'user_recovery_requested', actor: user },
        },
      )
    })
    return { status: 200, body: {} }
  },
})
