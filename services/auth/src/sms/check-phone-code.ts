import { timingSafeEqual } from 'node:crypto'
import type { Queryable } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import { hashOtp } from '../one-time-tokens/one-time-token.ts'
import { lockToken, type TokenType } from '../one-time-tokens/one-time-tokens.sql.ts'
import { guessKey } from '../one-time-tokens/send-token.ts'
import { isCodeRightAtProvider, providerChecksCodes } from './ask-provider.ts'
import { requestAudience } from '../sessions/audience.ts'
import { findTestOtp } from './test-otp.ts'

export type CodeVerdict = 'right' | 'wrong' | 'inDatabase'

/**
 * What can be said of a code before the database is asked: it is a test code, or the provider made it and knows. Asked
 * outside of transactions, which would hold a connection for as long as the provider thinks.
 *
 * After ten wrong codes none is right any more, until another was sent.
 */
export async function judgePhoneCode(ctx: AuthContext, phone: string, code: string): Promise<CodeVerdict> {
  const testCode = findTestOtp(ctx.settings, phone)
  if (ctx.guesses.isExhausted(guessKey(ctx, phone))) return 'wrong'
  if (testCode !== null && isSame(testCode, code)) return 'right'
  if (!providerChecksCodes(ctx)) return 'inDatabase'
  return (await isCodeRightAtProvider(ctx, phone, code)) ? 'right' : 'wrong'
}

/** The unexpired token of this phone and code with its user, both locked; null when there is none. */
export async function lockPhoneToken(
  ctx: AuthContext,
  tx: Queryable,
  { type, phone, code }: { readonly type: TokenType; readonly phone: string; readonly code: string },
) {
  const found = await lockToken(tx, {
    types: [type],
    hashes: [hashOtp(phone, code)],
    email: phone,
    audience: requestAudience(ctx),
    expireSeconds: ctx.settings.smsOtpExpSeconds,
  })
  return found === null || found.is_token_expired ? null : found
}

function isSame(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)]
  return a.length === b.length && timingSafeEqual(a, b)
}
