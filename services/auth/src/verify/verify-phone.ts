import { DatabaseError, type Queryable } from '@favo/postgres'
import { recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { phoneIdentityData, upsertIdentity } from '../identities/identities.sql.ts'
import { notifyUser } from '../mails/notify-user.ts'
import { guessKey } from '../one-time-tokens/send-token.ts'
import { requestAudience } from '../sessions/audience.ts'
import { judgePhoneCode, lockPhoneToken } from '../sms/check-phone-code.ts'
import { confirmPhone, confirmPhoneChange, makeLasting, refreshProviders } from '../users/user-changes.sql.ts'
import type { UserRow } from '../users/user.ts'
import { findUserByPhone, findUserByPhoneChange, getUserById } from '../users/users.sql.ts'

export type PhoneTokenKind = 'sms' | 'phone_change'

const tokenTypes = { sms: 'confirmation_token', phone_change: 'phone_change_token' } as const

export const isPhoneTokenKind = (type: string): type is PhoneTokenKind => Object.hasOwn(tokenTypes, type)

/**
 * By phone and code: `finish` makes of the user what is answered, in the transaction that spends the code. Mirrors auth
 * internal/api/verify.go@bc32168 smsVerify.
 */
export async function verifyByPhone<T>(
  ctx: AuthContext,
  kind: PhoneTokenKind,
  phone: string,
  code: string,
  finish: (tx: Queryable, user: UserRow) => Promise<T>,
): Promise<T> {
  const find = kind === 'sms' ? findUserByPhone : findUserByPhoneChange
  const user = await find(ctx.db, phone, requestAudience(ctx))
  const verdict = user === null ? 'wrong' : await judgePhoneCode(ctx, phone, code)
  const wrong = () => {
    ctx.guesses.miss(guessKey(ctx, phone))
    return authErrors.otpExpired()
  }
  if (user === null || verdict === 'wrong') throw wrong()
  const result = await ctx.db.transaction(async (tx) => {
    const token = { type: tokenTypes[kind], phone, code }
    // Several may have asked for the same phone; the code tells which of them.
    const proved = verdict === 'right' ? user : await lockPhoneToken(ctx, tx, token)
    if (proved === null) throw wrong()
    if (proved.is_banned) throw authErrors.userBanned(403)
    return finish(tx, await applyPhone(ctx, tx, kind, proved, phone))
  })
  ctx.guesses.forget(guessKey(ctx, phone))
  return result
}

/** The phone is proved (or needs no proof): it is the user's from now on. */
export async function applyPhone(
  ctx: AuthContext,
  tx: Queryable,
  kind: PhoneTokenKind,
  user: UserRow,
  phone: string,
): Promise<UserRow> {
  if (kind === 'sms') {
    await recordAudit(tx, 'user_signedup', user, { provider: 'phone' })
    await confirmPhone(tx, user.id)
  } else {
    await recordAudit(tx, 'user_modified', user)
    await changePhone(tx, user.id, phone)
    const identity = { userId: user.id, provider: 'phone', providerId: user.id }
    const data = phoneIdentityData(user.id, phone, true)
    await upsertIdentity(tx, { ...identity, data }, { phone, phone_verified: true })
  }
  if (user.is_anonymous) await makeLasting(tx, user.id)
  await refreshProviders(tx, user.id)
  if (kind === 'phone_change') await tellOfPhone(ctx, tx, user, phone)
  return getUserById(tx, user.id)
}

async function tellOfPhone(ctx: AuthContext, tx: Queryable, user: UserRow, phone: string): Promise<void> {
  const oldPhone = user.phone ?? ''
  if (phone !== oldPhone) await notifyUser(ctx, tx, user, 'phone_changed', { phone, oldPhone })
  const hadPhone = user.identities.some(({ provider }) => provider === 'phone')
  if (!hadPhone) await notifyUser(ctx, tx, user, 'identity_linked', { provider: 'phone' })
}

/** Between the asking and the answer somebody else may have taken the phone; or the user asked for another by now. */
async function changePhone(tx: Queryable, userId: string, phone: string): Promise<void> {
  try {
    if (!(await confirmPhoneChange(tx, userId, phone))) throw authErrors.otpExpired()
  } catch (error) {
    if (error instanceof DatabaseError && error.constraint === 'users_phone_key')
      throw authErrors.phoneExists()
    throw error
  }
}
