import type { Actor, AuditAction } from '../audit/audit.sql.ts'
import type { AuthContext } from '../context.ts'
import { AuthError, authErrors } from '../errors.ts'
import { isHookEnabled } from '../hooks/run-hook.ts'
import { createOtp, hashOtp } from '../one-time-tokens/one-time-token.ts'
import {
  issuePhoneToken,
  withdrawPhoneToken,
  type PhoneCodeKind,
} from '../one-time-tokens/phone-tokens.sql.ts'
import { guessKey } from '../one-time-tokens/send-token.ts'
import type { Json, UserRow } from '../users/user.ts'
import { SmsError } from './ask-provider.ts'
import { sendSms } from './send-sms.ts'
import { findTestOtp } from './test-otp.ts'

export interface PhoneCodeAsk {
  readonly kind: PhoneCodeKind
  readonly phone: string
  readonly channel: string
  readonly audit: { readonly action: AuditAction; readonly actor: Actor; readonly traits: Json | null } | null
}

const askKey = (ctx: AuthContext, kind: string, phone: string) => `${ctx.project.ref} sms ${kind} ${phone}`

/** Throws over_sms_send_rate_limit when this phone asked a moment ago, whether it has an account or not. */
export function checkSmsFrequency(ctx: AuthContext, kind: PhoneCodeKind, phone: string): void {
  const left = ctx.asks.take(askKey(ctx, kind, phone), ctx.settings.smsMaxFrequencySeconds)
  if (left !== null) throw authErrors.overSmsFrequency(left)
}

/**
 * Sends a code to a phone; the frequency was checked before. Gives the provider's name of the message, '' where there is
 * none. Mirrors auth internal/api/phone.go@bc32168 sendPhoneConfirmation.
 *
 * The token is stored before the message leaves, and taken back when it does not: GoTrue holds a transaction, and with it
 * a connection, for as long as the provider thinks.
 */
export async function sendPhoneCode(ctx: AuthContext, user: UserRow, ask: PhoneCodeAsk): Promise<string> {
  const { kind, phone, channel, audit } = ask
  const { settings } = ctx
  const testCode = findTestOtp(settings, phone)
  const leaves = testCode === null && (settings.smsProvider !== 'local' || isHookEnabled(ctx, 'sendSms'))
  if (leaves && !settings.smsAutoconfirm) ctx.limits.takeSms()

  const code = testCode ?? createOtp(settings.smsOtpLength)
  const hash = hashOtp(phone, code)
  const notWithinSeconds = settings.smsMaxFrequencySeconds
  const isIssued = await issuePhoneToken(ctx.db, {
    userId: user.id,
    kind,
    hash,
    phone,
    notWithinSeconds,
    audit,
  })
  if (!isIssued) throw authErrors.overSmsFrequency(notWithinSeconds)
  ctx.guesses.forget(guessKey(ctx, phone))
  if (testCode !== null) return 'test-otp'
  const sms = { phone, code, template: settings.smsTemplate, channel, type: null }
  try {
    return await sendSms(ctx, ctx.db, user, sms)
  } catch (error) {
    await withdrawPhoneToken(ctx.db, user.id, kind, hash)
    ctx.asks.forget(askKey(ctx, kind, phone))
    throw toAuthError(error, kind)
  }
}

function toAuthError(error: unknown, kind: PhoneCodeKind): unknown {
  if (error instanceof AuthError || !(error instanceof SmsError)) return error
  return error.kind === 'notSetUp'
    ? authErrors.unexpectedFailure('Unable to get SMS provider', error)
    : authErrors.smsSendFailed(kind, error.message, error)
}

/** As replies tell it: only where the provider has a name for the message. */
export const messageReply = (messageId: string) => (messageId === '' ? {} : { message_id: messageId })
