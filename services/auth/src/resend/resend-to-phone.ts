import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import type { AuthReply } from '../route.ts'
import { requestAudience } from '../sessions/audience.ts'
import { checkSmsFrequency, messageReply, sendPhoneCode } from '../sms/send-phone-code.ts'
import { parsePhone } from '../users/addresses.ts'
import { isPhoneConfirmed } from '../users/user.ts'
import { findUserByPhone } from '../users/users.sql.ts'

/** Sends a code to a phone again that is still waited for. Mirrors auth internal/api/resend.go@bc32168. */
export async function resendToPhone(ctx: AuthContext, type: string, given: string): Promise<AuthReply> {
  if (!ctx.settings.phoneProviderEnabled) throw authErrors.phoneResendDisabled()
  const phone = parsePhone(given)
  const kind = type === 'phone_change' ? 'phone_change' : 'confirmation'
  const user = await findUserByPhone(ctx.db, phone, requestAudience(ctx))
  const to = user === null ? '' : kind === 'phone_change' ? (user.phone_change ?? '') : phone
  const isWaiting =
    kind === 'phone_change' ? to !== '' : type === 'sms' && user !== null && !isPhoneConfirmed(user)
  // Of changes only who waits for one is told to wait: that somebody does tells no more than a message would.
  if (kind === 'confirmation' || isWaiting) checkSmsFrequency(ctx, kind, isWaiting ? to : phone)
  if (user === null || !isWaiting) return { status: 200, body: {} }
  const audit =
    kind === 'phone_change'
      ? null
      : ({ action: 'user_recovery_requested', actor: user, traits: null } as const)
  const messageId = await sendPhoneCode(ctx, user, { kind, phone: to, channel: 'sms', audit })
  return { status: 200, body: messageReply(messageId) }
}
