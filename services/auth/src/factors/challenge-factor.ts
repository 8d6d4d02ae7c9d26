import { randomUUID } from 'node:crypto'
import { recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext, SignedIn } from '../context.ts'
import { AuthError, authErrors } from '../errors.ts'
import { createOtp } from '../one-time-tokens/one-time-token.ts'
import { isValidChannel, SmsError } from '../sms/ask-provider.ts'
import { sendSms } from '../sms/send-sms.ts'
import { addressOf, beginAuthentication, beginRegistration, type Ceremony } from '../webauthn/ceremonies.ts'
import { findRelyingParty } from '../webauthn/relying-party.ts'
import { insertChallenge, type NewChallenge } from './challenges.sql.ts'
import { factorErrors, type FactorName } from './factor-errors.ts'
import { listFactors, type FactorRow } from './factors.sql.ts'
import { readCredential } from './stored-credential.ts'

/** Asks for proof of a factor. Mirrors auth internal/api/mfa.go@bc32168 ChallengeFactor. */
export async function challengeFactor(
  ctx: AuthContext,
  caller: SignedIn,
  factor: FactorRow,
  channel: string,
): Promise<object> {
  if (!canVerify(ctx, factor.factor_type)) throw factorErrors.verifyDisabled(factor.factor_type)
  const id = randomUUID()
  const challenge = { id, factorId: factor.id, ip: addressOfClient(ctx), code: null, session: null }
  switch (factor.factor_type) {
    case 'totp':
      return render(factor, id, await store(ctx, caller, factor, challenge))
    case 'phone': {
      const code = await sendCode(ctx, caller, factor, channel === '' ? 'sms' : channel)
      return render(factor, id, await store(ctx, caller, factor, { ...challenge, code }))
    }
    case 'webauthn': {
      const { session, options } = await begin(ctx, caller, factor)
      const expiresAt = await store(ctx, caller, factor, { ...challenge, session: { ...session } })
      const type = factor.status === 'verified' ? 'request' : 'create'
      return {
        ...render(factor, id, expiresAt),
        webauthn: { type, credential_options: { publicKey: options } },
      }
    }
  }
}

export const canVerify = ({ settings }: AuthContext, type: FactorName): boolean =>
  ({
    totp: settings.mfaTotpVerifyEnabled,
    phone: settings.mfaPhoneVerifyEnabled,
    webauthn: settings.mfaWebAuthnVerifyEnabled,
  })[type]

/** A challenge is met from the address that asked for it; where addresses are not known, all are the same. */
export const addressOfClient = ({ clientIp }: AuthContext): string => clientIp ?? '0.0.0.0'

const render = ({ factor_type }: FactorRow, id: string, expiresAt: number) => ({
  id,
  type: factor_type,
  expires_at: expiresAt,
})

const store = (ctx: AuthContext, { user }: SignedIn, factor: FactorRow, challenge: NewChallenge) =>
  ctx.db.transaction(async (tx) => {
    const expiresAt = await insertChallenge(tx, challenge)
    await recordAudit(tx, 'challenge_created', user, { factor_id: factor.id, factor_status: factor.status })
    return expiresAt
  })

async function sendCode(
  ctx: AuthContext,
  { user }: SignedIn,
  factor: FactorRow,
  channel: string,
): Promise<string> {
  const { settings } = ctx
  if (!isValidChannel(ctx, channel)) throw authErrors.invalidChannel()
  const waitSeconds = settings.mfaPhoneMaxFrequencySeconds
  const ago = factor.challenged_seconds_ago
  if (ago !== null && ago < waitSeconds) throw authErrors.overSmsFrequency(Math.floor(waitSeconds - ago))
  // Remembered here as well: the row says it only when the message was sent, and two requests may come at once.
  const left = ctx.asks.take(`${ctx.project.ref} factor ${factor.id}`, waitSeconds)
  if (left !== null) throw authErrors.overSmsFrequency(left)

  const code = createOtp(settings.mfaPhoneOtpLength)
  const sms = {
    phone: factor.phone ?? '',
    code,
    template: settings.mfaPhoneTemplate,
    channel,
    type: 'mfa',
  } as const
  await sendSms(ctx, user, sms).catch((error: unknown) => {
    if (error instanceof AuthError) throw factorErrors.hookFailed(error)
    if (!(error instanceof SmsError)) throw error
    throw error.kind === 'notSetUp' ? factorErrors.smsNotSetUp(error) : factorErrors.smsNotSent(error)
  })
  return code
}

async function begin(ctx: AuthContext, { user }: SignedIn, factor: FactorRow): Promise<Ceremony> {
  const party = findRelyingParty(ctx)
  if (party === null) throw authErrors.unexpectedFailure('WebAuthn is not configured')
  if (factor.status === 'verified') {
    const credential = readCredential(factor.web_authn_credential)
    if (credential === null) throw authErrors.unexpectedFailure('Found no credentials for user')
    return beginAuthentication(party, user, [credential])
  }
  const factors = await listFactors(ctx.db, user.id)
  const exclude = factors.flatMap((known) => readCredential(known.web_authn_credential) ?? [])
  return beginRegistration(party, { user, displayName: addressOf(user), exclude, isDiscoverable: false })
}
