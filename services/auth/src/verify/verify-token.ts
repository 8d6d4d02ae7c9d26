import { DatabaseError, type Queryable } from '@favo/postgres'
import { recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import type { FlowMethod } from '../flow-states/flow-states.sql.ts'
import { emailIdentityData, markEmailVerified, upsertIdentity } from '../identities/identities.sql.ts'
import { notifyUser } from '../mails/notify-user.ts'
import { hashOtp, PKCE_PREFIX } from '../one-time-tokens/one-time-token.ts'
import {
  halfConfirmEmailChange,
  lockToken,
  type FoundToken,
  type TokenType,
} from '../one-time-tokens/one-time-tokens.sql.ts'
import { guessKey } from '../one-time-tokens/send-token.ts'
import { requestAudience } from '../sessions/audience.ts'
import {
  clearRecovery,
  confirmEmail,
  confirmEmailChange,
  refreshProviders,
} from '../users/user-changes.sql.ts'
import { isConfirmed, type UserRow } from '../users/user.ts'
import { getUserById } from '../users/users.sql.ts'

export type EmailTokenKind = 'signup' | 'invite' | 'magiclink' | 'recovery' | 'email_change' | 'email'

const tokenTypes: Readonly<Record<EmailTokenKind, readonly TokenType[]>> = {
  signup: ['confirmation_token'],
  invite: ['confirmation_token'],
  magiclink: ['recovery_token'],
  recovery: ['recovery_token'],
  email_change: ['email_change_token_current', 'email_change_token_new'],
  email: ['confirmation_token', 'recovery_token'],
}

export const isEmailTokenKind = (type: string): type is EmailTokenKind => Object.hasOwn(tokenTypes, type)

/** How a session is proved that comes out of the PKCE flow of such a link. */
export const flowMethods: Readonly<Record<EmailTokenKind, FlowMethod>> = {
  signup: 'email/signup',
  invite: 'invite',
  magiclink: 'magiclink',
  recovery: 'recovery',
  email_change: 'email_change',
  email: 'magiclink',
}

/** `halfway`: one of the two addresses of a change has agreed, the other is still to be asked. */
export type Verified = { readonly kind: 'verified'; readonly user: UserRow } | { readonly kind: 'halfway' }

/** By the hash in a link, which names the token itself. */
export async function verifyByHash(
  ctx: AuthContext,
  tx: Queryable,
  kind: EmailTokenKind,
  hash: string,
): Promise<Verified> {
  const found = await lockToken(tx, {
    types: tokenTypes[kind],
    hashes: [hash],
    email: null,
    audience: null,
    expireSeconds: ctx.settings.mailerOtpExpSeconds,
  })
  if (found === null || found.is_token_expired) throw authErrors.linkExpired()
  if (found.is_banned) throw authErrors.userBanned(403)
  return apply(ctx, tx, kind, found)
}

/** By address and code. After ten wrong codes none is right any more, until another mail was sent. */
export async function verifyByCode(
  ctx: AuthContext,
  tx: Queryable,
  kind: EmailTokenKind,
  email: string,
  otp: string,
): Promise<Verified> {
  const key = guessKey(ctx, email)
  const isExhausted = ctx.guesses.isExhausted(key)
  const hash = hashOtp(email, otp)
  const found = await lockToken(tx, {
    types: tokenTypes[kind],
    hashes: [hash, PKCE_PREFIX + hash],
    email,
    audience: requestAudience(ctx),
    expireSeconds: ctx.settings.mailerOtpExpSeconds,
  })
  if (found === null || found.is_token_expired || isExhausted) {
    ctx.guesses.miss(key)
    throw authErrors.otpExpired()
  }
  if (found.is_banned) throw authErrors.userBanned(403)
  ctx.guesses.forget(key)
  return apply(ctx, tx, kind, found)
}

/** Mirrors auth internal/api/verify.go@bc32168: signupVerify, recoverVerify, emailChangeVerify. */
async function apply(
  ctx: AuthContext,
  tx: Queryable,
  kind: EmailTokenKind,
  found: FoundToken,
): Promise<Verified> {
  if (kind === 'email_change') {
    if (mustAskBoth(ctx, found)) {
      await halfConfirmEmailChange(tx, found.id, found.token_type)
      return { kind: 'halfway' }
    }
    await applyEmailChange(ctx, tx, found)
  } else if (found.token_type === 'confirmation_token') await applyConfirmation(tx, found)
  else {
    await clearRecovery(tx, found.id)
    if (!isConfirmed(found)) await applyConfirmation(tx, found)
  }
  await refreshProviders(tx, found.id)
  return { kind: 'verified', user: await getUserById(tx, found.id) }
}

async function applyConfirmation(tx: Queryable, user: FoundToken): Promise<void> {
  await confirmEmail(tx, user.id)
  if (user.email !== null) await markEmailVerified(tx, user.id, user.email)
  await recordAudit(tx, 'user_signedup', user, { provider: 'email' })
}

const mustAskBoth = ({ settings }: AuthContext, found: FoundToken): boolean =>
  !settings.mailerAutoconfirm &&
  settings.mailerSecureEmailChangeEnabled &&
  (found.email_change_confirm_status ?? 0) === 0 &&
  found.email !== null &&
  found.email !== ''

async function applyEmailChange(ctx: AuthContext, tx: Queryable, user: FoundToken): Promise<void> {
  const email = user.email_change ?? ''
  // Its tokens go when a change is taken back; this is the last guard against an empty address.
  if (email === '') throw authErrors.linkExpired()
  try {
    await confirmEmailChange(tx, user.id)
  } catch (error) {
    if (error instanceof DatabaseError && error.constraint === 'users_email_partial_key')
      throw authErrors.emailExists()
    throw error
  }
  const identity = { userId: user.id, provider: 'email', providerId: user.id }
  const data = emailIdentityData(user.id, email, true)
  await upsertIdentity(tx, { ...identity, data }, { email, email_verified: true })
  if (!isConfirmed(user)) await confirmEmail(tx, user.id)
  await recordAudit(tx, 'user_modified', user)
  const oldEmail = user.email ?? ''
  // To the old address: whoever has the account now has the new one.
  if (oldEmail !== '' && oldEmail !== email)
    await notifyUser(ctx, tx, { ...user, email }, 'email_changed', { oldEmail }, oldEmail)
}
