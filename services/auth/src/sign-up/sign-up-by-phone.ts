import type { AuthContext } from '../context.ts'
import { recordAudit } from '../audit/audit.sql.ts'
import { authErrors } from '../errors.ts'
import { requestAudience } from '../sessions/audience.ts'
import { issueSession } from '../sessions/issue-session.ts'
import { isValidChannel } from '../sms/ask-provider.ts'
import {
  checkSmsFrequency,
  deliverPhoneCode,
  sendPhoneCode,
  storePhoneCode,
  type PhoneCodeAsk,
} from '../sms/send-phone-code.ts'
import { parsePhone } from '../users/addresses.ts'
import { registerUser } from '../users/register-user.ts'
import { confirmPhone } from '../users/user-changes.sql.ts'
import { hasPassword, isPhoneConfirmed, type Json, type UserRow } from '../users/user.ts'
import { deleteUnconfirmedUser, findUserByPhone, getUserById } from '../users/users.sql.ts'
import { lookAlike } from './look-alike.ts'
import { saving } from './saving.ts'
import type { SignUpInput, SignUpResult } from './sign-up.ts'

/**
 * Registers a phone. Where phones need no confirmation (sms_autoconfirm), its user is signed in, and a taken one is told so;
 * else a code is sent, and a taken phone gets a look-alike reply. Mirrors auth internal/api/signup.go@bc32168.
 */
export async function signUpByPhone(ctx: AuthContext, input: SignUpInput): Promise<SignUpResult> {
  const channel = input.channel === '' ? 'sms' : input.channel
  if (!isValidChannel(ctx, channel)) throw authErrors.invalidChannel()
  if (input.challenge !== null) throw authErrors.phonePkce()
  if (!ctx.settings.phoneProviderEnabled) throw authErrors.phoneSignupDisabled()
  const phone = parsePhone(input.phone)
  if (!ctx.settings.smsAutoconfirm) checkSmsFrequency(ctx, 'confirmation', phone)

  const passwordHash = await ctx.passwords.hash(input.password)
  if (ctx.settings.smsAutoconfirm)
    return signUpAtOnce(ctx, input.password, { ...input, phone, passwordHash, channel })
  const user = await askForPhoneConfirmation(ctx, { phone, passwordHash, data: input.data, channel })
  return { kind: 'confirmationSent', user: user ?? lookAlike(ctx, { email: null, phone, data: input.data }) }
}

interface PhoneRegistration {
  readonly phone: string
  /** Empty for who never chose one. */
  readonly passwordHash: string
  readonly data: Json
}

/** Registers the phone, if it is free, as a confirmed one. Null when it is taken. */
export const registerConfirmedPhone = (
  ctx: AuthContext,
  { phone, passwordHash, data }: PhoneRegistration,
  channel: string,
): Promise<UserRow | null> =>
  saving(
    ctx.db.transaction(async (tx) => {
      const registration = {
        email: null,
        phone,
        passwordHash,
        data,
        isConfirmed: true,
        isByAdministrator: false,
      }
      const user = await registerUser(ctx, tx, registration)
      if (user !== null) await recordAudit(tx, 'user_signedup', user, { provider: 'phone', channel })
      return user
    }),
  )

async function signUpAtOnce(
  ctx: AuthContext,
  password: string,
  registration: PhoneRegistration & { readonly channel: string },
): Promise<SignUpResult> {
  const created = await registerConfirmedPhone(ctx, registration, registration.channel)
  const user = created ?? (await reclaimUnconfirmed(ctx, registration.phone, password))
  const session = await issueSession(ctx, ctx.db, user, {
    method: 'password',
    passwordHash: user.encrypted_password,
    traits: { provider: 'phone' },
  })
  if (session === null) throw authErrors.invalidCredentials()
  return { kind: 'signedIn', session }
}

/** As with addresses: who registered the phone before and never confirmed it must know the password. */
async function reclaimUnconfirmed(ctx: AuthContext, phone: string, password: string): Promise<UserRow> {
  const user = await findUserByPhone(ctx.db, phone, requestAudience(ctx))
  const isReclaimable =
    user !== null &&
    !isPhoneConfirmed(user) &&
    hasPassword(user) &&
    (await ctx.passwords.matches(password, user.encrypted_password))
  if (!isReclaimable) {
    if (user !== null) await recordAudit(ctx.db, 'user_repeated_signup', user, { provider: 'phone' })
    throw authErrors.userAlreadyExists()
  }
  return ctx.db.transaction(async (tx) => {
    await confirmPhone(tx, user.id)
    await recordAudit(tx, 'user_signedup', user, { provider: 'phone' })
    return getUserById(tx, user.id)
  })
}

/**
 * Sends a code to a phone that is new, or was never confirmed: its user keeps the password, since who asks now may be
 * somebody else. Null when the phone is taken. Whose message does not leave was never registered.
 */
export async function askForPhoneConfirmation(
  ctx: AuthContext,
  { phone, passwordHash, data, channel }: PhoneRegistration & { readonly channel: string },
): Promise<UserRow | null> {
  const registration = {
    email: null,
    phone,
    passwordHash,
    data,
    isConfirmed: false,
    isByAdministrator: false,
  }
  const askOf = (actor: UserRow): PhoneCodeAsk => {
    const traits = { provider: 'phone' }
    const audit = { action: 'user_confirmation_requested', actor, traits } as const
    return { kind: 'confirmation', phone, channel, audit }
  }
  const created = await saving(
    ctx.db.transaction(async (tx) => {
      const user = await registerUser(ctx, tx, registration)
      return user && { id: user.id, code: await storePhoneCode(ctx, tx, user, askOf(user)) }
    }),
  )
  if (created !== null) {
    try {
      await deliverPhoneCode(ctx, created.code)
    } catch (error) {
      await deleteUnconfirmedUser(ctx.db, created.id)
      throw error
    }
    return getUserById(ctx.db, created.id)
  }
  const user = await findUserByPhone(ctx.db, phone, requestAudience(ctx))
  if (user === null || isPhoneConfirmed(user)) {
    if (user !== null) await recordAudit(ctx.db, 'user_repeated_signup', user, { provider: 'phone' })
    return null
  }
  await sendPhoneCode(ctx, user, askOf(user))
  return getUserById(ctx.db, user.id)
}
