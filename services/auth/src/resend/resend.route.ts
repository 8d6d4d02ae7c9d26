import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { insertFlow } from '../flow-states/flow-states.sql.ts'
import { parseChallenge, type Challenge } from '../flow-states/pkce.ts'
import { checkFrequency, sendEmailChange, sendToken, stranger } from '../one-time-tokens/send-token.ts'
import { resendToPhone } from './resend-to-phone.ts'
import { body, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { requestAudience } from '../sessions/audience.ts'
import { parseEmail } from '../users/addresses.ts'
import { isConfirmed, type UserRow } from '../users/user.ts'
import { findUserByEmail } from '../users/users.sql.ts'

const types = ['signup', 'email_change', 'sms', 'phone_change']

/** Sends a mail again that is still waited for; answers alike when there is none. Mirrors auth internal/api/resend.go@bc32168. */
export const resendRoute = route({
  operation: 'auth.resend',
  method: 'POST',
  path: '/resend',
  access: 'public',
  limit: 'resend',
  captcha: true,
  body: body('ResendConfirmationParams', {
    type: text(),
    email: text(),
    phone: text(),
    code_challenge: text(),
    code_challenge_method: text(),
  }),
  handle: async (ctx, { body, redirectTo }) => {
    const { type, email: given, phone } = body
    if (!types.includes(type))
      throw authErrors.validationFailed('Missing one of these types: signup, email_change, sms, phone_change')
    const isMail = type === 'signup' || type === 'email_change'
    const challenge = isMail ? parseChallenge(body.code_challenge, body.code_challenge_method) : null
    if (given === '' && type === 'signup')
      throw authErrors.validationFailed('Type provided requires an email address')
    if (phone === '' && type === 'sms')
      throw authErrors.validationFailed('Type provided requires a phone number')
    if (given !== '' && phone !== '')
      throw authErrors.validationFailed('Only an email address or phone number should be provided.')
    if (phone !== '') return resendToPhone(ctx, type, phone)
    if (given === '') throw authErrors.validationFailed('Missing email address or phone number')
    if (!ctx.settings.emailProviderEnabled) throw authErrors.emailLoginDisabled(400)
    const email = parseEmail(given)
    checkFrequency(ctx, type, email)
    const user = await findUserByEmail(ctx.db, email, requestAudience(ctx))
    const again = { email, challenge, redirectTo }
    if (type === 'signup') await confirmAgain(ctx, user, again)
    else if (user !== null) await askForChangeAgain(ctx, user, again)
    return { status: 200, body: {} }
  },
})

interface Again {
  readonly email: string
  readonly challenge: Challenge | null
  readonly redirectTo: string
}

/** For those who have no need of it the same statements run, and find nobody. */
async function confirmAgain(ctx: AuthContext, found: UserRow | null, again: Again): Promise<void> {
  const { email, challenge, redirectTo } = again
  const user = found === null || isConfirmed(found) ? stranger(email) : found
  await ctx.db.transaction(async (tx) => {
    if (challenge !== null) await insertFlow(tx, user.id, 'email/signup', 'email/signup', challenge)
    const audit = { action: 'user_confirmation_requested', actor: user } as const
    const isPkce = challenge !== null
    await sendToken(ctx, tx, { ...user, email }, { kind: 'signup', isPkce, redirectTo, audit })
  })
}

async function askForChangeAgain(ctx: AuthContext, user: UserRow, again: Again): Promise<void> {
  const { email, challenge, redirectTo } = again
  const newEmail = user.email_change ?? ''
  if (newEmail === '') return
  await ctx.db.transaction(async (tx) => {
    if (challenge !== null) await insertFlow(tx, user.id, 'email_change', 'email_change', challenge)
    await sendEmailChange(ctx, tx, { ...user, email }, newEmail, { isPkce: challenge !== null, redirectTo })
  })
}
