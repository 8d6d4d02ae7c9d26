import { randomBytes, randomUUID } from 'node:crypto'
import { parseOptions } from '@node-rs/bcrypt'
import { DatabaseError, type Queryable } from '@favo/postgres'
import { administratorActor, recordAudit } from '../audit/audit.sql.ts'
import type { Administrator, AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { emailIdentityData, insertIdentity, phoneIdentityData } from '../identities/identities.sql.ts'
import { requestAudience } from '../sessions/audience.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import { parseEmail, parsePhone } from '../users/addresses.ts'
import type { UserRow } from '../users/user.ts'
import { confirmEmail, confirmPhone, mergeMetadata } from '../users/user-changes.sql.ts'
import {
  getUserById,
  insertUserIfNew,
  instanceId,
  isEmailTaken,
  isPhoneTaken,
  type NewUser,
} from '../users/users.sql.ts'
import { setBan } from './admin-users.sql.ts'
import { parseBanDuration, type AdminUserInput } from './user-params.ts'

/** Makes a user in the administrator's words. Mirrors auth internal/api/admin.go@bc32168 adminUserCreate. */
export async function createUser(
  ctx: AuthContext,
  administrator: Administrator,
  input: AdminUserInput,
): Promise<UserRow> {
  if (input.email === '' && input.phone === '')
    throw authErrors.validationFailed('Cannot create a user without either an email or phone')
  const email = input.email === '' ? null : parseEmail(input.email)
  const phone = input.phone === '' ? null : parsePhone(input.phone)
  const audience = input.aud === '' ? requestAudience(ctx) : input.aud
  await checkFree(ctx.db, email, phone, audience)
  const banSeconds = parseBanDuration(input.ban_duration)
  const providers = [...(email === null ? [] : ['email']), ...(phone === null ? [] : ['phone'])]
  const user: NewUser = {
    id: parseId(input.id),
    email,
    phone,
    passwordHash: await findPasswordHash(ctx, input),
    audience,
    role: input.role.trim() === '' ? 'authenticated' : input.role.trim(),
    appMetadata: { provider: providers[0], providers },
    userMetadata: input.user_metadata ?? {},
    isAnonymous: false,
  }

  const create = async (tx: Queryable): Promise<UserRow | null> => {
    if (!(await insertUserIfNew(tx, user))) return null
    await insertIdentities(tx, user)
    if (input.app_metadata !== null) await mergeMetadata(tx, user.id, { app: input.app_metadata })
    if (input.email_confirm) await confirmEmail(tx, user.id)
    if (input.phone_confirm) await confirmPhone(tx, user.id)
    if (banSeconds !== null) await setBan(tx, user.id, banSeconds)
    await recordAudit(tx, 'user_signedup', administratorActor(administrator.role), {
      user_id: user.id,
      user_email: email ?? '',
      user_phone: phone ?? '',
      provider: providers[0],
    })
    return getUserById(tx, user.id)
  }
  const created = await ctx.db.transaction(create).catch((error: unknown) => {
    if (error instanceof DatabaseError)
      throw authErrors.unexpectedFailure('Database error creating new user', error)
    throw error
  })
  if (created !== null) return created
  // Somebody was faster; or it is the id that is taken.
  await checkFree(ctx.db, email, phone, audience)
  throw authErrors.unexpectedFailure('Database error creating new user')
}

async function checkFree(db: Queryable, email: string | null, phone: string | null, audience: string) {
  if (email !== null && (await isEmailTaken(db, email, audience, instanceId))) throw authErrors.emailExists()
  if (phone !== null && (await isPhoneTaken(db, phone, audience))) throw authErrors.phoneTaken()
}

function parseId(id: string): string {
  if (id === '') return randomUUID()
  if (!isUuid(id)) throw authErrors.validationFailed('ID must conform to the uuid v4 format')
  if (id === instanceId) throw authErrors.validationFailed('ID cannot be a nil uuid')
  return id.toLowerCase()
}

/** A hash from elsewhere is taken as it is, if it is bcrypt's. Without a password the user gets one that nobody knows. */
async function findPasswordHash(ctx: AuthContext, input: AdminUserInput): Promise<string> {
  if (input.password_hash !== '') {
    if (input.password !== null)
      throw authErrors.validationFailed('Only a password or a password hash should be provided')
    try {
      parseOptions(input.password_hash)
    } catch (error) {
      throw authErrors.unexpectedFailure('Error creating user', error)
    }
    return input.password_hash
  }
  const { password } = input
  if (password !== null && Buffer.byteLength(password) > 72)
    throw authErrors.validationFailed('bcrypt: password length exceeds 72 bytes')
  return ctx.passwords.hash(
    password === null || password === '' ? randomBytes(48).toString('base64') : password,
  )
}

async function insertIdentities(tx: Queryable, { id, email, phone }: NewUser): Promise<void> {
  if (email !== null)
    await insertIdentity(tx, {
      userId: id,
      provider: 'email',
      providerId: id,
      data: emailIdentityData(id, email),
    })
  if (phone !== null)
    await insertIdentity(tx, {
      userId: id,
      provider: 'phone',
      providerId: id,
      data: phoneIdentityData(id, phone),
    })
}
