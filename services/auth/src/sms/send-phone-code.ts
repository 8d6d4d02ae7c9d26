import type { Queryable } from '@favo/postgres'
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
import { handToHook } from '../outbox/hand-to-hook.ts'
import { keepingClaims } from '../outbox/keep-claims.ts'
import { markSent } from '../outbox/outbox.sql.ts'
import type { Json, UserRow } from '../users/user.ts'
import { sendByProvider, SmsError } from './ask-provider.ts'
import { smsHookInput, smsText, toChannel } from './send-sms.ts'
import type { Sms } from './sms.sql.ts'
import { findTestOtp } from './test-otp.ts'

export interface PhoneCodeAsk {
  readonly kind: PhoneCodeKind
  readonly phone: string
  readonly channel: string
  readonly audit: { readonly action: AuditAction; readonly actor: Actor; readonly traits: Json | null } | null
}

/** A code that is stored, and its message, which leaves when that is committed. */
export interface StoredPhoneCode {
  readonly userId: string
  readonly kind: PhoneCodeKind
  readonly phone: string
  readonly hash: string
  /** Null for test codes: nothing is sent. */
  readonly sms: (Sms & { readonly id: string; readonly messageId: string }) | null
}

const askKey = (ctx: AuthContext, kind: string, phone: string) => `${ctx.project.ref} sms ${kind} ${phone}`

/** Throws over_sms_send_rate_limit when this phone asked a moment ago, whether it has an account or not. */
export function checkSmsFrequency(ctx: AuthContext, kind: PhoneCodeKind, phone: string): void {
  const left = ctx.asks.take(askKey(ctx, kind, phone), ctx.settings.smsMaxFrequencySeconds)
  if (left !== null) throw authErrors.overSmsFrequency(left)
}

/** Sends a code to a phone; the frequency was checked before. Gives the provider's name of the message, '' where there is none. */
export const sendPhoneCode = async (ctx: AuthContext, user: UserRow, ask: PhoneCodeAsk): Promise<string> =>
  deliverPhoneCode(ctx, await storePhoneCode(ctx, ctx.db, user, ask))

/**
 * Stores a code with its message, in the caller's transaction; `deliverPhoneCode` is to follow. Mirrors auth
 * internal/api/phone.go@bc32168 sendPhoneConfirmation, but for GoTrue's holding a transaction, and with it a connection, for
 * as long as the provider thinks.
 */
export async function storePhoneCode(
  ctx: AuthContext,
  tx: Queryable,
  user: UserRow,
  ask: PhoneCodeAsk,
): Promise<StoredPhoneCode> {
  const { kind, phone, channel, audit } = ask
  const { settings } = ctx
  const testCode = findTestOtp(settings, phone)
  const isHooked = isHookEnabled(ctx, 'sendSms')
  const isOutgoing = testCode === null && (settings.smsProvider !== 'local' || isHooked)
  if (isOutgoing && !settings.smsAutoconfirm) ctx.limits.takeSms()

  const code = testCode ?? createOtp(settings.smsOtpLength)
  const hash = hashOtp(phone, code)
  const notWithinSeconds = settings.smsMaxFrequencySeconds
  const sms: Sms = {
    phone,
    code,
    text: smsText({ template: settings.smsTemplate, code }),
    channel: toChannel(channel),
    isOutgoing,
    hookInput: isHooked ? smsHookInput(user, { phone, code, type: null }) : null,
    claimSeconds: ctx.outbox.claimSeconds,
  }
  if (isOutgoing) await ctx.outbox.announce()
  const issued = await issuePhoneToken(tx, {
    userId: user.id,
    kind,
    hash,
    phone,
    notWithinSeconds,
    sms: testCode === null ? sms : null,
    audit,
  })
  if (!issued.is_issued) throw authErrors.overSmsFrequency(notWithinSeconds)
  ctx.guesses.forget(guessKey(ctx, phone))
  const { id, message_id: messageId } = issued
  return {
    userId: user.id,
    kind,
    phone,
    hash,
    sms: id === null || messageId === null ? null : { ...sms, id, messageId },
  }
}

/**
 * Delivers the message of a stored code within the request, so that clients are told what the provider says, as by GoTrue; a
 * code whose message does not leave is taken back. Should the process end meanwhile, the outbox has the message still.
 */
export async function deliverPhoneCode(ctx: AuthContext, stored: StoredPhoneCode): Promise<string> {
  const { sms, userId, kind, phone, hash } = stored
  if (sms === null) return 'test-otp'
  if (!sms.isOutgoing) return ''
  const { db, log } = ctx
  const { claimSeconds } = sms
  try {
    return await keepingClaims(
      { db, log, claimSeconds },
      () => [sms.id],
      () => deliver(ctx, sms),
    )
  } catch (error) {
    await withdrawPhoneToken(db, { userId, kind, hash, mailId: sms.id })
    ctx.asks.forget(askKey(ctx, kind, phone))
    throw toAuthError(error, kind)
  }
}

async function deliver(ctx: AuthContext, sms: NonNullable<StoredPhoneCode['sms']>): Promise<string> {
  const { id, messageId, hookInput } = sms
  if (hookInput !== null) {
    await handToHook(ctx, { id, kind: 'sms', message_id: messageId, hook_input: hookInput })
    return ''
  }
  const name = await sendByProvider(ctx, sms)
  await markSent(ctx.db, id)
  return name
}

function toAuthError(error: unknown, kind: PhoneCodeKind): unknown {
  if (error instanceof AuthError || !(error instanceof SmsError)) return error
  return error.kind === 'notSetUp'
    ? authErrors.unexpectedFailure('Unable to get SMS provider', error)
    : authErrors.smsSendFailed(kind, error.message, error)
}

/** As replies tell it: only where the provider has a name for the message. */
export const messageReply = (messageId: string) => (messageId === '' ? {} : { message_id: messageId })
