import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import type { AuthReply } from '../route.ts'
import { requestAudience } from '../sessions/audience.ts'
import { askForPhoneConfirmation, registerConfirmedPhone } from '../sign-up/sign-up-by-phone.ts'
import { isValidChannel } from '../sms/ask-provider.ts'
import { checkSmsFrequency, messageReply, sendPhoneCode } from '../sms/send-phone-code.ts'
import { parsePhone } from '../users/addresses.ts'
import { isPhoneConfirmed, type Json } from '../users/user.ts'
import { findUserByPhone } from '../users/users.sql.ts'

export interface PhoneOtpInput {
  readonly phone: string
  readonly channel: string
  readonly create_user: boolean
  readonly data: Json
}

/** A code to a phone; signs the phone up unless told not to. Mirrors auth internal/api/otp.go@bc32168 SmsOtp. */
export async function sendOtpToPhone(ctx: AuthContext, input: PhoneOtpInput): Promise<AuthReply> {
  const audience = requestAudience(ctx)
  if (!input.create_user && (await findUserByPhone(ctx.db, parsePhone(input.phone), audience)) === null)
    throw authErrors.otpDisabled()
  if (!ctx.settings.phoneProviderEnabled) throw authErrors.phoneOtpUnsupported()
  const channel = input.channel === '' ? 'sms' : input.channel
  const phone = parsePhone(input.phone)
  if (!isValidChannel(ctx, channel)) throw authErrors.invalidChannel()
  checkSmsFrequency(ctx, 'confirmation', phone)

  const known = await findUserByPhone(ctx.db, phone, audience)
  if (known === null && ctx.settings.disableSignup) throw authErrors.signupDisabled()
  const registration = { phone, passwordHash: '', data: input.data }
  if (!ctx.settings.smsAutoconfirm && (known === null || !isPhoneConfirmed(known))) {
    await askForPhoneConfirmation(ctx, { ...registration, channel })
    return { status: 200, body: {} }
  }
  const user =
    known ??
    (await registerConfirmedPhone(ctx, registration, channel)) ??
    // Somebody was faster.
    (await findUserByPhone(ctx.db, phone, audience))
  // The phone is that of a user of another audience.
  if (user === null) throw authErrors.unexpectedFailure('Database error saving new user')
  const audit = { action: 'user_recovery_requested', actor: user, traits: { channel } } as const
  const messageId = await sendPhoneCode(ctx, user, { kind: 'confirmation', phone, channel, audit })
  return { status: 200, body: messageReply(messageId) }
}
