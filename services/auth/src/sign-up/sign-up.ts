import type { Queryable } from '@favo/postgres'
import { recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { insertFlow } from '../flow-states/flow-states.sql.ts'
import type { Challenge } from '../flow-states/pkce.ts'
import { checkFrequency, sendToken } from '../one-time-tokens/send-token.ts'
import { checkPasswordStrength } from '../passwords/password-strength.ts'
import { requestAudience } from '../sessions/audience.ts'
import { issueSession } from '../sessions/issue-session.ts'
import type { IssuedSession } from '../sessions/session-reply.ts'
import { parseEmail } from '../users/addresses.ts'
import { registerUser } from '../users/register-user.ts'
import { confirmEmail } from '../users/user-changes.sql.ts'
import { lookAlike } from './look-alike.ts'
import { saving } from './saving.ts'
import { signUpByPhone } from './sign-up-by-phone.ts'
import { hasPassword, isConfirmed, type Json, type UserRow } from '../users/user.ts'
import { findUserByEmail, getUserById } from '../users/users.sql.ts'

export interface SignUpInput {
  readonly email: string
  readonly phone: string
  readonly password: string
  readonly data: Json
  /** Of messages to phones: empty = sms. */
  readonly channel: string
  /** Given in the PKCE flow. */
  readonly challenge: Challenge | null
  readonly redirectTo: string
}

export type SignUpResult =
  | { readonly kind: 'signedIn'; readonly session: IssuedSession }
  | { readonly kind: 'confirmationSent'; readonly user: UserRow }

/**
 * Registers an address. Where addresses need no confirmation (mailer_autoconfirm), its user is signed in, and a taken one
 * is told so; else a mail is sent, and a taken address gets a look-alike reply. Mirrors auth internal/api/signup.go@bc32168.
 *
 * The password is hashed whether the address is taken or not: how long it takes tells nothing.
 */
export async function signUp(ctx: AuthContext, input: SignUpInput): Promise<SignUpResult> {
  if (ctx.settings.disableSignup) throw authErrors.signupDisabled()
  if (input.password === '') throw authErrors.validationFailed('Signup requires a valid password')
  await checkPasswordStrength(ctx, input.password)
  if (input.email !== '' && input.phone !== '')
    throw authErrors.validationFailed('Only an email address or phone number should be provided on signup.')
  if (input.phone !== '') return signUpByPhone(ctx, input)
  if (!ctx.settings.emailProviderEnabled) throw authErrors.emailSignupDisabled()
  const email = parseEmail(input.email)
  if (!ctx.settings.mailerAutoconfirm) checkFrequency(ctx, 'signup', email)

  // Slow on purpose; inside a transaction it would hold a connection.
  const passwordHash = await ctx.passwords.hash(input.password)
  const registration = { email, passwordHash, data: input.data }
  return ctx.settings.mailerAutoconfirm
    ? signUpAtOnce(ctx, input.password, registration)
    : askForConfirmation(ctx, input, registration)
}

interface Registering {
  readonly email: string
  readonly passwordHash: string
  readonly data: Json
}

async function signUpAtOnce(
  ctx: AuthContext,
  password: string,
  registering: Registering,
): Promise<SignUpResult> {
  const created = await saving(
    ctx.db.transaction(async (tx) => {
      const user = await registerUser(ctx, tx, {
        ...registering,
        isConfirmed: true,
        isByAdministrator: false,
      })
      if (user !== null) await recordAudit(tx, 'user_signedup', user, { provider: 'email' })
      return user
    }),
  )
  const user = created ?? (await reclaimUnconfirmed(ctx, registering.email, password))
  const session = await issueSession(ctx, ctx.db, user, {
    method: 'password',
    passwordHash: user.encrypted_password,
    traits: { provider: 'email' },
  })
  if (session === null) throw authErrors.invalidCredentials()
  return { kind: 'signedIn', session }
}

/**
 * The user of an address that was registered while confirmations were asked for, and never confirmed. GoTrue lets anybody
 * have that account who signs up again; here only who knows its password.
 */
async function reclaimUnconfirmed(ctx: AuthContext, email: string, password: string): Promise<UserRow> {
  const user = await findUserByEmail(ctx.db, email, requestAudience(ctx))
  if (user === null || isConfirmed(user) || !hasPassword(user)) {
    if (user !== null) await recordAudit(ctx.db, 'user_repeated_signup', user, { provider: 'email' })
    throw authErrors.userAlreadyExists()
  }
  if (!(await ctx.passwords.matches(password, user.encrypted_password))) throw authErrors.userAlreadyExists()
  return ctx.db.transaction(async (tx) => {
    await confirmEmail(tx, user.id)
    await recordAudit(tx, 'user_signedup', user, { provider: 'email' })
    return getUserById(tx, user.id)
  })
}

/** An unconfirmed user gets another mail, and keeps the password: who asks now may be somebody else. */
async function askForConfirmation(
  ctx: AuthContext,
  input: SignUpInput,
  registering: Registering,
): Promise<SignUpResult> {
  const ask = async (tx: Queryable): Promise<UserRow> => {
    const created = await registerUser(ctx, tx, {
      ...registering,
      isConfirmed: false,
      isByAdministrator: false,
    })
    const user = created ?? (await findUserByEmail(tx, registering.email, requestAudience(ctx)))
    if (user === null || isConfirmed(user)) {
      if (user !== null) await recordAudit(tx, 'user_repeated_signup', user, { provider: 'email' })
      return lookAlike(ctx, { ...registering, phone: null })
    }
    const { challenge, redirectTo } = input
    if (challenge !== null) await insertFlow(tx, user.id, 'email/signup', 'email', challenge)
    const audit = { action: 'user_confirmation_requested', actor: user } as const
    const addressee = { ...user, email: registering.email }
    await sendToken(ctx, tx, addressee, { kind: 'signup', isPkce: challenge !== null, redirectTo, audit })
    const asked = await getUserById(tx, user.id)
    return asked.invited_at === null ? asked : { ...asked, raw_user_meta_data: {}, identities: [] }
  }
  return { kind: 'confirmationSent', user: await saving(ctx.db.transaction(ask)) }
}
