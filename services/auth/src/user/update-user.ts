import { DatabaseError, type Queryable } from '@favo/postgres'
import { recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext, SignedIn } from '../context.ts'
import { authErrors } from '../errors.ts'
import { insertFlow } from '../flow-states/flow-states.sql.ts'
import type { Challenge } from '../flow-states/pkce.ts'
import { emailIdentityData, insertIdentity } from '../identities/identities.sql.ts'
import { hashOtp } from '../one-time-tokens/one-time-token.ts'
import { lockToken } from '../one-time-tokens/one-time-tokens.sql.ts'
import { guessKey, sendEmailChange } from '../one-time-tokens/send-token.ts'
import { isHookEnabled } from '../hooks/run-hook.ts'
import { isValidChannel } from '../sms/ask-provider.ts'
import { judgePhoneCode, lockPhoneToken } from '../sms/check-phone-code.ts'
import {
  checkSmsFrequency,
  deliverPhoneCode,
  storePhoneCode,
  type StoredPhoneCode,
} from '../sms/send-phone-code.ts'
import { applyPhone } from '../verify/verify-phone.ts'
import { notifyUser } from '../mails/notify-user.ts'
import { checkPasswordStrength } from '../passwords/password-strength.ts'
import { requestAudience } from '../sessions/audience.ts'
import {
  deleteOtherSessionsOfUser,
  deleteSessionsOfUser,
  isRecoverySession,
} from '../sessions/sessions.sql.ts'
import { parseEmail, parsePhone } from '../users/addresses.ts'
import { hasPassword, hasVerifiedFactor, type Json, type UserRow } from '../users/user.ts'
import {
  clearReauthentication,
  confirmEmail,
  mergeMetadata,
  notePhoneChange,
  setEmail,
  updatePassword,
} from '../users/user-changes.sql.ts'
import { getUserById, isEmailTaken, isPhoneTaken } from '../users/users.sql.ts'

export interface UserUpdateInput {
  /** Empty = not given; so is the phone. */
  readonly email: string
  readonly phone: string
  /** Of the message to a new phone: empty = sms. */
  readonly channel: string
  /** Null = not given; empty = take the password away. */
  readonly password: string | null
  /** The old one, where the project wants it. */
  readonly current_password: string
  readonly data: Json | null
  readonly app_metadata: Json | null
  /** From GET /reauthenticate, where the project wants it for a new password. */
  readonly nonce: string
  readonly challenge: Challenge | null
  readonly redirectTo: string
}

/** Lets users change their own metadata and password. Mirrors auth internal/api/user.go@bc32168 UserUpdate. */
export async function updateUser(
  ctx: AuthContext,
  caller: SignedIn,
  given: UserUpdateInput,
): Promise<UserRow> {
  const input = {
    ...given,
    email: given.email === '' ? '' : parseEmail(given.email),
    phone: given.phone === '' ? '' : parsePhone(given.phone),
  }
  if (input.phone !== '' && !isValidChannel(ctx, channelOf(input))) throw authErrors.invalidChannel()
  if (input.password !== null) await checkPasswordStrength(ctx, input.password)
  checkAllowed(caller, input)
  await checkAddresses(ctx, caller.user, input)

  if (input.password !== null) await checkNonce(ctx, caller, input.nonce)
  if (input.password !== null && input.password !== '') await checkCurrentPassword(ctx, caller, input)
  const passwordHash = await hashNewPassword(ctx, caller.user, input.password)
  const asksPhone = changesPhone(caller.user, input) && !ctx.settings.smsAutoconfirm
  const change = async (tx: Queryable): Promise<{ user: UserRow; code: StoredPhoneCode | null }> => {
    const { user, session } = caller
    if (input.password !== null) {
      await updatePassword(tx, user.id, passwordHash)
      // Whoever else is signed in must know the new password.
      if (session === null) await deleteSessionsOfUser(tx, user.id)
      else await deleteOtherSessionsOfUser(tx, user.id, session.id)
      await recordAudit(tx, 'user_updated_password', user)
      await notifyUser(ctx, tx, user, 'password_changed')
    }
    if (input.data !== null) await mergeMetadata(tx, user.id, { user: input.data })
    if (adoptsEmail(ctx, user, input)) await adoptEmail(tx, user, input.email)
    else if (changesEmail(user, input)) await askAtNewEmail(ctx, tx, user, input)
    if (changesPhone(user, input) && ctx.settings.smsAutoconfirm) {
      await notePhoneChange(tx, user.id, input.phone)
      await applyPhone(ctx, tx, 'phone_change', user, input.phone)
    }
    await recordAudit(tx, 'user_modified', user)
    const changed = await getUserById(tx, user.id)
    if (!asksPhone) return { user: changed, code: null }
    // Last, since a new password makes void what was sent before it.
    const ask = { kind: 'phone_change', phone: input.phone, channel: channelOf(input), audit: null } as const
    return { user: changed, code: await storePhoneCode(ctx, tx, changed, ask) }
  }
  const changed = await ctx.db.transaction(change).catch((error: unknown) => {
    if (!(error instanceof DatabaseError)) throw error
    // Somebody was faster.
    if (error.constraint === 'users_email_partial_key') throw authErrors.emailExists()
    throw authErrors.unexpectedFailure('Error updating user', error)
  })
  if (changed.code === null) return changed.user
  await deliverPhoneCode(ctx, changed.code)
  return getUserById(ctx.db, caller.user.id)
}

const channelOf = ({ channel }: UserUpdateInput) => (channel === '' ? 'sms' : channel)

async function adoptEmail(tx: Queryable, user: UserRow, email: string): Promise<void> {
  await insertIdentity(tx, {
    userId: user.id,
    provider: 'email',
    providerId: user.id,
    data: emailIdentityData(user.id, email, true),
  })
  await setEmail(tx, user.id, email, true)
  await confirmEmail(tx, user.id)
}

function checkAllowed({ user, session }: SignedIn, input: UserUpdateInput): void {
  if (input.app_metadata !== null) throw authErrors.appMetadataNeedsAdmin()
  const setsPassword = input.password !== null && input.password !== ''
  const changesAddress =
    (input.email !== '' && input.email !== user.email) || (input.phone !== '' && input.phone !== user.phone)

  if (hasVerifiedFactor(user) && session?.aal !== 'aal2' && (setsPassword || changesAddress))
    throw authErrors.insufficientAal()
  if (user.is_anonymous && setsPassword && input.email === '' && input.phone === '')
    throw authErrors.anonymousNeedsAddress()
  if (user.is_sso_user && (setsPassword || changesAddress)) throw authErrors.ssoManaged()
}

/** Anonymous users get their first address as one signs up with it, without proof where sign-ups need none. */
const adoptsEmail = (ctx: AuthContext, user: UserRow, input: UserUpdateInput): boolean =>
  user.is_anonymous && ctx.settings.mailerAutoconfirm && input.email !== '' && input.email !== user.email

async function checkAddresses(ctx: AuthContext, user: UserRow, input: UserUpdateInput): Promise<void> {
  const audience = user.aud ?? requestAudience(ctx)
  if (changesEmail(user, input) && (await isEmailTaken(ctx.db, input.email, audience, user.id)))
    throw authErrors.emailExists()
  if (!changesPhone(user, input)) return
  if (await isPhoneTaken(ctx.db, input.phone, audience)) throw authErrors.phoneExists()
  if (ctx.settings.smsAutoconfirm) return
  // GoTrue's words where nothing is set up that could send to a phone.
  if (!ctx.settings.phoneProviderEnabled && !isHookEnabled(ctx, 'sendSms'))
    throw authErrors.unexpectedFailure('Unable to get SMS provider')
  checkSmsFrequency(ctx, 'phone_change', input.phone)
}

const changesPhone = (user: UserRow, input: UserUpdateInput) =>
  input.phone !== '' && input.phone !== user.phone

const changesEmail = (user: UserRow, input: UserUpdateInput) =>
  input.email !== '' && input.email !== user.email

/** Any other new address must be confirmed by what is sent to it. */
async function askAtNewEmail(
  ctx: AuthContext,
  tx: Queryable,
  user: UserRow,
  { email, challenge, redirectTo }: UserUpdateInput,
): Promise<void> {
  if (challenge !== null) await insertFlow(tx, user.id, 'email_change', 'email_change', challenge)
  const addressee = { ...user, email: user.email ?? '' }
  await sendEmailChange(ctx, tx, addressee, email, { isPkce: challenge !== null, redirectTo })
}

/** In a session older than a day, a new password needs a code that was sent for it, where the project wants that. */
async function checkNonce(ctx: AuthContext, { user, session }: SignedIn, nonce: string): Promise<void> {
  if (!ctx.settings.updatePasswordRequiresReauthentication || session?.is_recent === true) return
  if (nonce === '') throw authErrors.reauthenticationNeeded()
  const email = user.email ?? ''
  if (email === '') return checkNonceOfPhone(ctx, user, nonce)
  const key = guessKey(ctx, email)
  await ctx.db.transaction(async (tx) => {
    const found = await lockToken(tx, {
      types: ['reauthentication_token'],
      hashes: [hashOtp(email, nonce)],
      email,
      audience: null,
      expireSeconds: ctx.settings.mailerOtpExpSeconds,
    })
    if (found === null || found.id !== user.id || found.is_token_expired || ctx.guesses.isExhausted(key)) {
      ctx.guesses.miss(key)
      throw authErrors.nonceInvalid()
    }
    await clearReauthentication(tx, user.id)
  })
}

async function checkNonceOfPhone(ctx: AuthContext, user: UserRow, nonce: string): Promise<void> {
  const phone = user.phone ?? ''
  const verdict = phone === '' ? 'wrong' : await judgePhoneCode(ctx, phone, nonce)
  await ctx.db.transaction(async (tx) => {
    const token = { type: 'reauthentication_token', phone, code: nonce } as const
    const found = verdict === 'inDatabase' ? await lockPhoneToken(ctx, tx, token) : null
    if (verdict !== 'right' && found?.id !== user.id) {
      ctx.guesses.miss(guessKey(ctx, phone))
      throw authErrors.nonceInvalid()
    }
    await clearReauthentication(tx, user.id)
  })
}

/** Who came in by a code or a link has forgotten it, as it may be. */
async function checkCurrentPassword(
  ctx: AuthContext,
  { user, session }: SignedIn,
  { current_password: current }: UserUpdateInput,
): Promise<void> {
  if (!ctx.settings.updatePasswordRequiresCurrent || !hasPassword(user)) return
  if (session !== null && (await isRecoverySession(ctx.db, session.id))) return
  if (current === '') throw authErrors.currentPasswordNeeded('current_password_required')
  ctx.limits.checkPasswordAttempts(user.id)
  if (await ctx.passwords.matches(current, user.encrypted_password)) return
  ctx.limits.missPassword(user.id)
  throw authErrors.currentPasswordNeeded('current_password_invalid')
}

async function hashNewPassword(
  ctx: AuthContext,
  user: UserRow,
  password: string | null,
): Promise<string | null> {
  if (password === null || password === '') return null
  if (hasPassword(user) && (await ctx.passwords.matches(password, user.encrypted_password)))
    throw authErrors.samePassword()
  return ctx.passwords.hash(password)
}
