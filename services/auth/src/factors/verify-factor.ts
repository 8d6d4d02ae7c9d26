import type { Queryable } from '@favo/postgres'
import { timingSafeEqual } from 'node:crypto'
import { recordAudit } from '../audit/audit.sql.ts'
import { notifyUser } from '../mails/notify-user.ts'
import type { AuthContext, SignedIn } from '../context.ts'
import { authErrors } from '../errors.ts'
import { runHook } from '../hooks/run-hook.ts'
import type { IssuedSession } from '../sessions/session-reply.ts'
import { deleteSessionsOfUser } from '../sessions/sessions.sql.ts'
import type { Json } from '../users/user.ts'
import { isCodeRightAtProvider, providerChecksCodes } from '../sms/ask-provider.ts'
import { addressOfClient, canVerify } from './challenge-factor.ts'
import { deleteChallenge, findChallenge, meetChallenge, type ChallengeRow } from './challenges.sql.ts'
import { factorErrors } from './factor-errors.ts'
import {
  deleteUnverifiedFactors,
  factorMethods,
  lockUser,
  markVerified,
  saveCredential,
  saveLastChallenge,
  type FactorRow,
} from './factors.sql.ts'
import { raiseSession } from './raise-session.ts'
import { isTotpCode } from './totp.ts'
import { answerCeremony, readAnswer, type CeremonyResult } from './verify-webauthn.ts'

export interface VerifyInput {
  readonly challenge_id: string
  readonly code: string
  readonly webauthn: Json | null
}

const DEFAULT_REJECTION = 'Further MFA verification attempts will be rejected.'

/**
 * Checks the answer to a challenge, and puts the session on its second level. The first right answer verifies the factor.
 * Mirrors auth internal/api/mfa.go@bc32168 VerifyFactor.
 *
 * Wrong codes are counted by factor: a code has a million values, and who has the password may ask all day.
 */
export async function verifyFactor(
  ctx: AuthContext,
  caller: SignedIn,
  factor: FactorRow,
  input: VerifyInput,
): Promise<IssuedSession> {
  const { factor_type: type } = factor
  if (type !== 'webauthn' && input.code === '') throw factorErrors.codeNeeded()
  if (!canVerify(ctx, type))
    throw type === 'webauthn' ? factorErrors.enrollDisabledAtVerify() : factorErrors.verifyDisabled(type)
  const answer = type === 'webauthn' ? readAnswer(input.webauthn) : null
  const challenge = await loadChallenge(ctx, factor, input.challenge_id)

  if (answer !== null) {
    const result = await answerCeremony(ctx, factor, challenge, answer)
    return finish(ctx, caller, factor, challenge, result)
  }
  await checkCode(ctx, caller, factor, challenge, input.code)
  return finish(ctx, caller, factor, challenge, null)
}

async function loadChallenge(ctx: AuthContext, factor: FactorRow, id: string): Promise<ChallengeRow> {
  const challenge = await findChallenge(ctx.db, factor.id, id, addressOfClient(ctx))
  if (challenge === null) throw factorErrors.challengeNotFound()
  if (challenge.is_met || !challenge.is_same_address) throw factorErrors.addressMismatch()
  if (challenge.is_expired) {
    await deleteChallenge(ctx.db, challenge.id)
    throw factorErrors.challengeExpired(challenge.id)
  }
  return challenge
}

async function checkCode(
  ctx: AuthContext,
  { user }: SignedIn,
  factor: FactorRow,
  challenge: ChallengeRow,
  code: string,
): Promise<void> {
  const guesses = `${ctx.project.ref} factor ${factor.id}`
  if (ctx.guesses.isExhausted(guesses)) throw factorErrors.tooManyGuesses()
  const isTotp = factor.factor_type === 'totp'
  const isRight = isTotp
    ? isTotpCode(factor.secret ?? '', code)
    : await isPhoneCode(ctx, factor, challenge, code)
  if (isRight === null) throw factorErrors.unreadableSecret()

  const decision = await runHook(ctx, 'mfaVerificationAttempt', {
    user_id: user.id,
    factor_id: factor.id,
    factor_type: factor.factor_type,
    valid: isRight,
  })
  if (decision?.decision === 'reject') {
    await deleteSessionsOfUser(ctx.db, user.id)
    const { message } = decision
    throw factorErrors.rejected(typeof message === 'string' && message !== '' ? message : DEFAULT_REJECTION)
  }
  if (!isRight) {
    ctx.guesses.miss(guesses)
    throw isTotp ? factorErrors.wrongTotp() : factorErrors.wrongPhoneCode()
  }
  ctx.guesses.forget(guesses)
}

/** A provider that makes the codes itself is the one to ask. */
async function isPhoneCode(
  ctx: AuthContext,
  factor: FactorRow,
  challenge: ChallengeRow,
  code: string,
): Promise<boolean> {
  return providerChecksCodes(ctx)
    ? isCodeRightAtProvider(ctx, factor.phone ?? '', code)
    : isSame(challenge.otp_code ?? '', code)
}

function isSame(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)]
  return expected !== '' && a.length === b.length && timingSafeEqual(a, b)
}

function finish(
  ctx: AuthContext,
  { user, session }: SignedIn,
  factor: FactorRow,
  challenge: ChallengeRow,
  result: CeremonyResult | null,
): Promise<IssuedSession> {
  const { factor_type: type } = factor
  if (session === null) throw authErrors.unexpectedFailure('Cannot read SessionId claim as UUID')
  return ctx.db.transaction(async (tx) => {
    await lockUser(tx, user.id)
    const isMine = await (result === null ? meetChallenge : deleteChallenge)(tx, challenge.id)
    if (!isMine) throw factorErrors.addressMismatch()
    await recordAudit(tx, 'verification_attempted', user, {
      factor_id: factor.id,
      challenge_id: challenge.id,
      factor_type: type,
    })
    if (factor.status !== 'verified') {
      await markVerified(tx, factor.id)
      await notifyUser(ctx, tx, user, 'mfa_factor_enrolled', { factorType: type })
    }
    if (result !== null) await saveResult(tx, factor, challenge, result)
    // Before the token is made, so that its user shows what is left.
    await deleteUnverifiedFactors(tx, user.id, type)
    return raiseSession(ctx, tx, {
      userId: user.id,
      sessionId: session.id,
      factorId: factor.id,
      method: factorMethods[type],
    })
  })
}

async function saveResult(
  tx: Queryable,
  factor: FactorRow,
  challenge: ChallengeRow,
  { credential, aaguid, answer }: CeremonyResult,
): Promise<void> {
  await saveCredential(tx, factor.id, credential, aaguid)
  await saveLastChallenge(tx, factor.id, {
    challenge: { challenge_id: challenge.id, factor_id: factor.id },
    type: answer.type,
    credential_response: answer.response,
  })
}
