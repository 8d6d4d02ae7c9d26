import { DatabaseError, type Queryable } from '@favo/postgres'
import { administratorActor, recordAudit } from '../audit/audit.sql.ts'
import type { Administrator, AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { emailIdentityData, phoneIdentityData, upsertIdentity } from '../identities/identities.sql.ts'
import { checkPasswordStrength } from '../passwords/password-strength.ts'
import { deleteSessionsOfUser } from '../sessions/sessions.sql.ts'
import { parseEmail, parsePhone } from '../users/addresses.ts'
import type { UserRow } from '../users/user.ts'
import {
  confirmEmail,
  confirmPhone,
  mergeMetadata,
  setEmail,
  setPhone,
  updatePassword,
} from '../users/user-changes.sql.ts'
import { getUserById } from '../users/users.sql.ts'
import { setBan, setRole } from './admin-users.sql.ts'
import { parseBanDuration, type AdminUserInput } from './user-params.ts'

/**
 * Changes what is given and nothing else. A new password ends all sessions of the user. An address that somebody else has
 * is told so (GoTrue answers 500 there). Mirrors auth internal/api/admin.go@bc32168 adminUserUpdate.
 */
export async function changeUser(
  ctx: AuthContext,
  administrator: Administrator,
  user: UserRow,
  input: AdminUserInput,
): Promise<UserRow> {
  const email = input.email === '' ? null : parseEmail(input.email)
  const phone = input.phone === '' ? null : parsePhone(input.phone)
  const banSeconds = parseBanDuration(input.ban_duration)
  if (input.password !== null) await checkPasswordStrength(ctx, input.password)
  const passwordHash =
    input.password === null || input.password === '' ? null : await ctx.passwords.hash(input.password)

  const change = async (tx: Queryable): Promise<UserRow> => {
    if (input.role !== '') await setRole(tx, user.id, input.role)
    if (input.email_confirm) await confirmEmail(tx, user.id)
    if (input.phone_confirm) await confirmPhone(tx, user.id)
    if (input.password !== null) {
      await updatePassword(tx, user.id, passwordHash)
      await deleteSessionsOfUser(tx, user.id)
    }
    if (email !== null) await changeEmail(tx, user, email, input.email_confirm)
    if (phone !== null) await changePhone(tx, user, phone, input.phone_confirm)
    if (input.app_metadata !== null || input.user_metadata !== null)
      await mergeMetadata(tx, user.id, { app: input.app_metadata ?? {}, user: input.user_metadata ?? {} })
    if (banSeconds !== null) await setBan(tx, user.id, banSeconds)
    await recordAudit(tx, 'user_modified', administratorActor(administrator.role), {
      user_id: user.id,
      user_email: email ?? user.email ?? '',
      user_phone: phone ?? user.phone ?? '',
    })
    return getUserById(tx, user.id)
  }
  return ctx.db.transaction(change).catch((error: unknown) => {
    if (!(error instanceof DatabaseError)) throw error
    if (error.constraint === 'users_email_partial_key') throw authErrors.emailExists()
    if (error.constraint === 'users_phone_key') throw authErrors.phoneExists()
    throw authErrors.unexpectedFailure('Error updating user', error)
  })
}

async function changeEmail(tx: Queryable, user: UserRow, email: string, isProved: boolean): Promise<void> {
  const identity = { userId: user.id, provider: 'email', providerId: user.id }
  const data = emailIdentityData(user.id, email, isProved)
  await upsertIdentity(tx, { ...identity, data }, { email, email_verified: isProved })
  await setEmail(tx, user.id, email, isProved)
}

async function changePhone(tx: Queryable, user: UserRow, phone: string, isProved: boolean): Promise<void> {
  const identity = { userId: user.id, provider: 'phone', providerId: user.id }
  const data = phoneIdentityData(user.id, phone, isProved)
  await upsertIdentity(tx, { ...identity, data }, { phone, phone_verified: isProved })
  await setPhone(tx, user.id, phone, isProved)
}
