import type { AuthContext } from '../context.ts'
import { AuthError, authErrors } from '../errors.ts'
import { runHook } from '../hooks/run-hook.ts'
import { findWeakness, type Weakness } from '../passwords/password-strength.ts'
import { requestAudience } from '../sessions/audience.ts'
import { issueSession } from '../sessions/issue-session.ts'
import type { IssuedSession } from '../sessions/session-reply.ts'
import { deleteSessionsOfUser } from '../sessions/sessions.sql.ts'
import { hasPassword, isConfirmed, isPhoneConfirmed } from '../users/user.ts'
import { findUserByEmail, findUserByPhone } from '../users/users.sql.ts'

export interface PasswordGrantInput {
  readonly email: string
  readonly phone: string
  readonly password: string
}

/** `weakness` is told to those who sign in with a password that would be refused today. */
export type PasswordSignIn = IssuedSession & { readonly weakness: Weakness | null }

/**
 * Signs in by address and password.
 *
 * An unknown address, an account without password and a wrong password cost one look-up and one comparison each and answer
 * alike. Unlike GoTrue, whether an account is banned or unconfirmed is told only to who knows its password.
 */
export async function passwordGrant(ctx: AuthContext, input: PasswordGrantInput): Promise<PasswordSignIn> {
  const { email, phone, password } = input
  if (email !== '' && phone !== '')
    throw authErrors.validationFailed('Only an email address or phone number should be provided on login.')
  if (email === '' && phone === '') throw authErrors.validationFailed('missing email or phone')
  if (email !== '' && !ctx.settings.emailProviderEnabled) throw authErrors.emailLoginDisabled(422)
  if (phone !== '' && !ctx.settings.phoneProviderEnabled) throw authErrors.phoneLoginDisabled()
  const address = phone === '' ? email.toLowerCase() : digitsOf(phone)
  ctx.limits.checkPasswordAttempts(address)

  const find = phone === '' ? findUserByEmail : findUserByPhone
  const user = await find(ctx.db, address, requestAudience(ctx))
  const encrypted = user !== null && hasPassword(user) ? user.encrypted_password : null
  const isMatch = await ctx.passwords.matches(password, encrypted)
  if (user !== null) await askAboutAttempt(ctx, user.id, isMatch)
  if (user === null || !isMatch) {
    ctx.limits.missPassword(address)
    throw authErrors.invalidCredentials()
  }
  ctx.limits.forgivePasswords(address)
  if (user.is_banned) throw authErrors.userBanned(400)
  if (phone === '' && !isConfirmed(user)) throw authErrors.emailNotConfirmed()
  if (phone !== '' && !isPhoneConfirmed(user)) throw authErrors.phoneNotConfirmed()

  const session = await issueSession(ctx, ctx.db, user, {
    method: 'password',
    passwordHash: encrypted,
    traits: { provider: phone === '' ? 'email' : 'phone' },
  })
  if (session === null) throw authErrors.invalidCredentials()
  return { ...session, weakness: await safeWeakness(ctx, password) }
}

/** A phone in any form is looked up: one that is none has no account. */
const digitsOf = (phone: string) => phone.replace(/^\+/, '').replaceAll(' ', '')

const DEFAULT_REJECTION = 'Further password verification attempts will be rejected.'

/** The project's hook may refuse an attempt, right or wrong, and sign the user out everywhere. */
async function askAboutAttempt(ctx: AuthContext, userId: string, isValid: boolean): Promise<void> {
  const answer = await runHook(ctx, 'passwordVerificationAttempt', { user_id: userId, valid: isValid })
  if (answer?.decision !== 'reject') return
  if (answer.should_logout_user === true) await deleteSessionsOfUser(ctx.db, userId)
  const { message } = answer
  const told = typeof message === 'string' && message !== '' ? message : DEFAULT_REJECTION
  throw new AuthError(400, 'invalid_credentials', told)
}

/** A password that is too long to be hashed today was hashed by somebody else; it is good enough. */
async function safeWeakness(ctx: AuthContext, password: string): Promise<Weakness | null> {
  return Buffer.byteLength(password) > 72 ? null : findWeakness(ctx, password)
}
