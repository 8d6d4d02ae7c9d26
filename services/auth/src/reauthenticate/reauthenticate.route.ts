import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { checkFrequency, sendToken } from '../one-time-tokens/send-token.ts'
import { route, type AuthReply } from '../route.ts'
import { checkSmsFrequency, messageReply, sendPhoneCode } from '../sms/send-phone-code.ts'
import { isConfirmed, isPhoneConfirmed, type UserRow } from '../users/user.ts'

/** Mails a code by which a user can show to be the same person still. Mirrors auth internal/api/reauthenticate.go@bc32168. */
export const reauthenticateRoute = route({
  operation: 'auth.reauthenticate',
  method: 'GET',
  path: '/reauthenticate',
  access: 'user',
  handle: async (ctx, { caller: { user }, redirectTo }) => {
    const email = user.email ?? ''
    if (email === '' && (user.phone ?? '') === '')
      throw authErrors.validationFailed(
        'Reauthentication requires the user to have an email or a phone number',
      )
    if (email === '') return reauthenticateByPhone(ctx, user)
    if (!isConfirmed(user)) throw authErrors.verifyEmailFirst()
    checkFrequency(ctx, 'reauthentication', email)
    await sendToken(
      ctx,
      ctx.db,
      { ...user, email },
      {
        kind: 'reauthentication',
        isPkce: false,
        redirectTo,
        audit: { action: 'user_reauthenticate_requested', actor: user },
      },
    )
    return { status: 200, body: {} }
  },
})

async function reauthenticateByPhone(ctx: AuthContext, user: UserRow): Promise<AuthReply> {
  if (!isPhoneConfirmed(user)) throw authErrors.verifyPhoneFirst()
  const phone = user.phone ?? ''
  checkSmsFrequency(ctx, 'reauthentication', phone)
  const audit = { action: 'user_reauthenticate_requested', actor: user, traits: null } as const
  const ask = { kind: 'reauthentication', phone, channel: 'sms', audit } as const
  return { status: 200, body: messageReply(await sendPhoneCode(ctx, user, ask)) }
}
