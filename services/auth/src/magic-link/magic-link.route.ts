import { authErrors } from '../errors.ts'
import { parseChallenge } from '../flow-states/pkce.ts'
import { body, flag, object, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { requestAudience } from '../sessions/audience.ts'
import { parseEmail } from '../users/addresses.ts'
import { findUserByEmail } from '../users/users.sql.ts'
import { sendMagicLink } from './send-magic-link.ts'
import { sendOtpToPhone } from './send-otp-to-phone.ts'

const shape = {
  email: text(),
  phone: text(),
  data: object(),
  code_challenge: text(),
  code_challenge_method: text(),
}

/** A link or a code by mail; signs the address up unless told not to. Mirrors auth internal/api/otp.go@bc32168. */
export const otpRoute = route({
  operation: 'auth.otp',
  method: 'POST',
  path: '/otp',
  access: 'public',
  limit: 'otp',
  captcha: true,
  body: body('OtpParams', {
    ...shape,
    channel: text(),
    create_user: flag().default(true),
  }),
  handle: async (ctx, { body, redirectTo }) => {
    if (body.email !== '' && body.phone !== '')
      throw authErrors.validationFailed('Only an email address or phone number should be provided')
    if (body.email !== '' && body.channel !== '')
      throw authErrors.validationFailed('Channel should only be specified with Phone OTP')
    const challenge = parseChallenge(body.code_challenge, body.code_challenge_method)
    if (body.phone !== '') return sendOtpToPhone(ctx, { ...body, data: body.data ?? {} })
    if (body.email === '') throw authErrors.validationFailed('One of email or phone must be set')
    const email = parseEmail(body.email)
    if (!body.create_user && (await findUserByEmail(ctx.db, email, requestAudience(ctx))) === null)
      throw authErrors.otpDisabled()
    await sendMagicLink(ctx, { email, data: body.data ?? {}, challenge, redirectTo })
    return { status: 200, body: {} }
  },
})

/** The older form of the same. */
export const magicLinkRoute = route({
  operation: 'auth.magic_link',
  method: 'POST',
  path: '/magiclink',
  access: 'public',
  limit: 'magic_link',
  captcha: true,
  body: body('MagicLinkParams', shape),
  handle: async (ctx, { body, redirectTo }) => {
    if (body.email === '') throw authErrors.magicLinkNeedsEmail()
    const email = parseEmail(body.email)
    const challenge = parseChallenge(body.code_challenge, body.code_challenge_method)
    await sendMagicLink(ctx, { email, data: body.data ?? {}, challenge, redirectTo })
    return { status: 200, body: {} }
  },
})
