import { randomUUID } from 'node:crypto'
import { DatabaseError, type Queryable } from '@favo/postgres'
import { recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext, SignedIn } from '../context.ts'
import { parsePhone } from '../users/addresses.ts'
import { addressOf } from '../webauthn/ceremonies.ts'
import { factorErrors, type FactorName } from './factor-errors.ts'
import {
  deleteExpiredFactors,
  deleteUnverifiedPhone,
  insertFactor,
  listFactors,
  lockUser,
  type NewFactor,
} from './factors.sql.ts'
import { createTotpKey, drawQrCode, type TotpKey } from './totp.ts'

/** An enrollment that nobody goes on with is forgotten. GoTrue's default. */
const UNVERIFIED_SECONDS = 300

export interface EnrollInput {
  readonly friendly_name: string
  readonly factor_type: string
  readonly issuer: string
  readonly phone: string
}

/** Begins a second factor. It counts only when it was verified. Mirrors auth internal/api/mfa.go@bc32168 EnrollFactor. */
export async function enrollFactor(ctx: AuthContext, caller: SignedIn, input: EnrollInput) {
  if (caller.session === null) throw factorErrors.sessionNeeded('enroll')
  const type = parseType(input.factor_type)
  if (!canEnroll(ctx, type)) throw factorErrors.enrollDisabled(type)
  if (type === 'phone' && input.phone === '') throw factorErrors.phoneNeeded()
  const phone = type === 'phone' ? parsePhone(input.phone) : null
  const key = type === 'totp' ? createTotpKey(findIssuer(ctx, input.issuer), findAccount(caller)) : null

  const id = randomUUID()
  const friendlyName = input.friendly_name
  const factor = { id, userId: caller.user.id, type, friendlyName, phone, secret: key?.secret ?? null }
  await ctx.db.transaction((tx) => insertIfAllowed(ctx, tx, caller, factor)).catch(nameOrFail(friendlyName))
  return {
    id,
    type,
    friendly_name: friendlyName,
    ...(key === null ? {} : { totp: renderKey(key) }),
    ...(phone === null ? {} : { phone: input.phone }),
  }
}

function parseType(type: string): FactorName {
  if (type === 'totp' || type === 'phone' || type === 'webauthn') return type
  throw factorErrors.unknownType()
}

const canEnroll = ({ settings }: AuthContext, type: FactorName): boolean =>
  ({
    totp: settings.mfaTotpEnrollEnabled,
    phone: settings.mfaPhoneEnrollEnabled,
    webauthn: settings.mfaWebAuthnEnrollEnabled,
  })[type]

async function insertIfAllowed(
  { settings }: AuthContext,
  tx: Queryable,
  { user, session }: SignedIn,
  factor: NewFactor,
): Promise<void> {
  await lockUser(tx, user.id)
  if (factor.phone !== null) {
    const same = (await listFactors(tx, user.id)).filter(({ phone }) => phone === factor.phone)
    if (same.some(({ status }) => status === 'verified')) throw factorErrors.phoneExists()
    await deleteUnverifiedPhone(tx, user.id, factor.phone)
  }
  await deleteExpiredFactors(tx, user.id, UNVERIFIED_SECONDS)
  const factors = await listFactors(tx, user.id)
  const isSameName = factors.some((known) => (known.friendly_name ?? '') === factor.friendlyName)
  if (isSameName) throw factorErrors.nameTaken(factor.friendlyName)
  if (factors.length >= settings.mfaMaxEnrolledFactors) throw factorErrors.tooMany()
  const hasVerified = factors.some(({ status }) => status === 'verified')
  if (hasVerified && session?.aal !== 'aal2' && session?.aal !== 'aal3') throw factorErrors.enrollNeedsAal2()
  await insertFactor(tx, factor)
  await recordAudit(tx, 'factor_in_progress', user, { factor_id: factor.id, factor_type: factor.type })
}

/** The index on names ignores blanks, and so decides cases that the comparison lets through. */
const nameOrFail = (name: string) => (error: unknown) => {
  if (error instanceof DatabaseError && error.constraint === 'mfa_factors_user_friendly_name_unique')
    throw factorErrors.nameTaken(name)
  throw error
}

function findIssuer({ settings }: AuthContext, asked: string): string {
  if (asked !== '') return asked
  const site = URL.parse(settings.siteUrl)
  if (site === null) throw factorErrors.siteUrlMalformed()
  return site.host
}

/** What the authenticator's list shows; users without an address get their id. */
function findAccount({ user }: SignedIn): string {
  const address = addressOf(user)
  return address === '' ? user.id : address
}

const renderKey = ({ secret, uri }: TotpKey) => ({ qr_code: drawQrCode(uri), secret, uri })
