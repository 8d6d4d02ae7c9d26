import { DatabaseError, type Queryable } from '@favo/postgres'
import { administratorActor, recordAudit } from '../audit/audit.sql.ts'
import type { Administrator, AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { verifyLink } from '../mails/compose-mail.ts'
import { issueToken, noteEmailChange, type TokenType } from '../one-time-tokens/one-time-tokens.sql.ts'
import { newToken } from '../one-time-tokens/send-token.ts'
import { checkPasswordStrength } from '../passwords/password-strength.ts'
import { requestAudience } from '../sessions/audience.ts'
import { parseEmail } from '../users/addresses.ts'
import { registerUser } from '../users/register-user.ts'
import { mergeMetadata } from '../users/user-changes.sql.ts'
import { isConfirmed, type Json, type UserRow } from '../users/user.ts'
import { findUserByEmail, getUserById, isEmailTaken } from '../users/users.sql.ts'

const linkTypes = [
  'signup',
  'invite',
  'magiclink',
  'recovery',
  'email_change_current',
  'email_change_new',
] as const
export type LinkType = (typeof linkTypes)[number]

export interface LinkInput {
  readonly type: string
  readonly email: string
  readonly new_email: string
  readonly password: string
  readonly data: Json | null
  readonly redirectTo: string
}

export interface GeneratedLink {
  readonly user: UserRow
  readonly link: string
  readonly otp: string
  readonly hash: string
  /** What the link does; a magic link of somebody new is a sign-up. */
  readonly type: LinkType
}

/** The link of a mail, for those who send their mails themselves. Mirrors auth internal/api/mail.go@bc32168 adminGenerateLink. */
export async function generateLink(
  ctx: AuthContext,
  administrator: Administrator,
  input: LinkInput,
): Promise<GeneratedLink> {
  const email = parseEmail(input.email)
  const asked = linkTypes.find((type) => type === input.type)
  if (asked === undefined)
    throw authErrors.validationFailed(`Invalid email action link type requested: ${input.type}`)
  const known = await findUserByEmail(ctx.db, email, requestAudience(ctx))
  const type = known === null && asked === 'magiclink' ? 'signup' : asked
  if (known === null && type !== 'signup' && type !== 'invite') throw authErrors.userWithEmailNotFound()
  if (known !== null && isConfirmed(known) && (type === 'signup' || type === 'invite'))
    throw authErrors.emailExists()
  const newEmail = await checkNewEmail(ctx, type, input.new_email, known)
  const passwordHash = known === null && asked === 'signup' ? await hashPassword(ctx, input.password) : ''

  const address = type === 'email_change_new' ? newEmail : email
  const { otp, hash } = newToken(ctx, address, false)
  const generate = async (tx: Queryable): Promise<UserRow> => {
    const data = input.data ?? {}
    const user =
      known ??
      (await registerUser(ctx, tx, {
        email,
        passwordHash,
        data,
        isConfirmed: false,
        isByAdministrator: true,
      })) ??
      (await findUserByEmail(tx, email, requestAudience(ctx)))
    if (user === null || (known === null && isConfirmed(user))) throw authErrors.emailExists()
    if (known !== null && type === 'signup') await mergeMetadata(tx, user.id, { user: data })
    if (type === 'email_change_current' || type === 'email_change_new')
      await noteEmailChange(tx, user.id, newEmail)
    await recordRequest(tx, administrator, user, type)
    await issueToken(tx, {
      userId: user.id,
      type: tokenTypes[type],
      hash,
      relatesTo: address,
      notWithinSeconds: 0,
      isInvitation: type === 'invite',
      mail: null,
      audit: null,
    })
    return getUserById(tx, user.id)
  }
  const user = await ctx.db.transaction(generate).catch((error: unknown) => {
    if (error instanceof DatabaseError)
      throw authErrors.unexpectedFailure('Database error saving new user', error)
    throw error
  })
  const action = type.startsWith('email_change') ? 'email_change' : type
  return { user, otp, hash, type, link: verifyLink(ctx.issuer, hash, action, input.redirectTo) }
}

const tokenTypes: Readonly<Record<LinkType, TokenType>> = {
  signup: 'confirmation_token',
  invite: 'confirmation_token',
  magiclink: 'recovery_token',
  recovery: 'recovery_token',
  email_change_current: 'email_change_token_current',
  email_change_new: 'email_change_token_new',
}

async function checkNewEmail(
  ctx: AuthContext,
  type: LinkType,
  given: string,
  user: UserRow | null,
): Promise<string> {
  if (user === null || (type !== 'email_change_current' && type !== 'email_change_new')) return ''
  if (type === 'email_change_current' && !ctx.settings.mailerSecureEmailChangeEnabled)
    throw authErrors.validationFailed('Enable secure email change to generate link for current email')
  const newEmail = parseEmail(given)
  if (await isEmailTaken(ctx.db, newEmail, user.aud ?? requestAudience(ctx), user.id))
    throw authErrors.emailExists()
  return newEmail
}

async function hashPassword(ctx: AuthContext, password: string): Promise<string> {
  if (password === '') throw authErrors.validationFailed('Signup requires a valid password')
  await checkPasswordStrength(ctx, password)
  return ctx.passwords.hash(password)
}

async function recordRequest(
  tx: Queryable,
  administrator: Administrator,
  user: UserRow,
  type: LinkType,
): Promise<void> {
  if (type === 'invite')
    await recordAudit(tx, 'user_invited', administratorActor(administrator.role), {
      user_id: user.id,
      user_email: user.email ?? '',
    })
  else if (type === 'magiclink' || type === 'recovery') await recordAudit(tx, 'user_recovery_requested', user)
}
