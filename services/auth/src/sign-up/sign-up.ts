import { randomUUID } from 'node:crypto'
import { DatabaseError } from '@favo/postgres'
import { recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { emailIdentityData, insertIdentity } from '../identities/identities.sql.ts'
import { checkPasswordStrength } from '../passwords/password-strength.ts'
import { requestAudience } from '../sessions/audience.ts'
import { issueSession } from '../sessions/issue-session.ts'
import type { IssuedSession } from '../sessions/session-reply.ts'
import { parseEmail } from '../users/addresses.ts'
import { hasPassword, isConfirmed, type Json, type UserRow } from '../users/user.ts'
import { confirmEmail } from '../users/user-changes.sql.ts'
import { findUserByEmail, getUserById, insertUserIfNew, type NewUser } from '../users/users.sql.ts'

export interface SignUpInput {
  readonly email: string
  readonly phone: string
  readonly password: string
  readonly data: Json | null
}

/**
 * Registers an address and signs its user in. Mirrors auth internal/api/signup.go@bc32168, where addresses need no
 * confirmation (mailer_autoconfirm).
 *
 * The password is hashed whether the address is taken or not: how long it takes tells nothing.
 */
export async function signUp(ctx: AuthContext, input: SignUpInput): Promise<IssuedSession> {
  if (ctx.settings.disableSignup) throw authErrors.signupDisabled()
  if (input.password === '') throw authErrors.validationFailed('Signup requires a valid password')
  checkPasswordStrength(ctx.settings, input.password)
  if (input.email !== '' && input.phone !== '')
    throw authErrors.validationFailed('Only an email address or phone number should be provided on signup.')
  if (input.phone !== '') throw authErrors.phoneSignupDisabled()
  const email = parseEmail(input.email)
  // There is nothing here yet that could send the mail. GoTrue fails in these words then, whoever has the address.
  if (!ctx.settings.mailerAutoconfirm) throw authErrors.unexpectedFailure('Error sending confirmation email')

  // Slow on purpose; inside the transaction it would hold a connection.
  const passwordHash = await ctx.passwords.hash(input.password)
  const created = await createUser(ctx, newUser(ctx, email, passwordHash, input.data ?? {}))
  const user = created ?? (await reclaimUnconfirmed(ctx, email, input.password))

  const session = await issueSession(ctx, ctx.db, user, {
    method: 'password',
    passwordHash: user.encrypted_password,
    traits: { provider: 'email' },
  })
  if (session === null) throw authErrors.invalidCredentials()
  return session
}

/** What the caller may choose is the address, the password and user_metadata; role and app_metadata are ours. */
function newUser(ctx: AuthContext, email: string, passwordHash: string, data: Json): NewUser {
  return {
    id: randomUUID(),
    email,
    phone: null,
    passwordHash,
    audience: requestAudience(ctx),
    role: 'authenticated',
    appMetadata: { provider: 'email', providers: ['email'] },
    userMetadata: data,
    isAnonymous: false,
  }
}

/**
 * Null when the address is taken. The user is inserted first and confirmed by an update, as GoTrue does it, since the
 * project's triggers wait for either; what they change in the row is kept.
 */
function createUser(ctx: AuthContext, user: NewUser): Promise<UserRow | null> {
  return ctx.db
    .transaction(async (tx) => {
      if (!(await insertUserIfNew(tx, user))) return null
      const data = { ...user.userMetadata, ...emailIdentityData(user.id, user.email ?? '') }
      await insertIdentity(tx, { userId: user.id, provider: 'email', providerId: user.id, data })
      await confirmEmail(tx, user.id, { user: data, app: user.appMetadata })
      const created = await getUserById(tx, user.id)
      await recordAudit(tx, 'user_signedup', created, { provider: 'email' })
      return created
    })
    .catch((error: unknown) => {
      if (error instanceof DatabaseError)
        throw authErrors.unexpectedFailure('Database error saving new user', error)
      throw error
    })
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
