import { authErrors } from '../errors.ts'
import { checkFrequency, sendToken } from '../one-time-tokens/send-token.ts'
import { route } from '../route.ts'
import { isConfirmed } from '../users/user.ts'

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
    if (email === '') throw authErrors.unexpectedFailure('Unable to get SMS provider')
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
