import { randomUUID } from 'node:crypto'
import type { Queryable } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import { askBeforeCreating } from '../hooks/before-user-created.ts'
import { isHookEnabled } from '../hooks/run-hook.ts'
import { emailIdentityData, insertIdentity } from '../identities/identities.sql.ts'
import { requestAudience } from '../sessions/audience.ts'
import { confirmEmail, confirmPhone, mergeMetadata } from './user-changes.sql.ts'
import type { Json, UserRow } from './user.ts'
import { findUserByEmail, findUserByPhone, getUserById, insertUserIfNew, type NewUser } from './users.sql.ts'

export interface Registration {
  /** Null for who registers by phone. */
  readonly email: string | null
  readonly phone?: string
  /** Empty for users who never chose one. */
  readonly passwordHash: string
  readonly data: Json
  readonly isConfirmed: boolean
  /** Who signs up finds the address in user_metadata too; who is registered by an administrator has there what he gave. */
  readonly isByAdministrator: boolean
}

/**
 * A new user of an address or a phone, or null when it is taken. What the caller may choose is the address, the password and
 * user_metadata; role and app_metadata are ours.
 *
 * The user is inserted first and completed by an update, as GoTrue does it, since the project's triggers wait for either;
 * what they change in the row is kept.
 */
export async function registerUser(
  ctx: AuthContext,
  tx: Queryable,
  registration: Registration,
): Promise<UserRow | null> {
  const { email, phone = null, passwordHash, data } = registration
  const id = randomUUID()
  const provider = phone === null ? 'email' : 'phone'
  const appMetadata = { provider, providers: [provider] }
  const user: NewUser = {
    id,
    email,
    phone,
    passwordHash,
    audience: requestAudience(ctx),
    role: 'authenticated',
    appMetadata,
    userMetadata: data,
    isAnonymous: false,
  }
  if (isHookEnabled(ctx, 'beforeUserCreated')) {
    // Nothing is about to be made where the address is taken.
    if ((await findTaker(tx, user)) !== null) return null
    await askBeforeCreating(ctx, tx, user)
  }
  if (!(await insertUserIfNew(tx, user))) return null
  ctx.newUserIds.push(id)
  const identityData = email === null ? unprovedPhone(id) : emailIdentityData(id, email)
  const metadata = registration.isByAdministrator ? identityData : { ...data, ...identityData }
  await insertIdentity(tx, { userId: id, provider, providerId: id, data: metadata })
  const changes = { user: registration.isByAdministrator ? {} : metadata, app: appMetadata }
  if (!registration.isConfirmed) await mergeMetadata(tx, id, changes)
  else await (phone === null ? confirmEmail : confirmPhone)(tx, id, changes)
  return getUserById(tx, id)
}

const findTaker = (tx: Queryable, { email, phone, audience }: NewUser): Promise<UserRow | null> =>
  phone === null ? findUserByEmail(tx, email ?? '', audience) : findUserByPhone(tx, phone, audience)

/** GoTrue does not name the phone here before it is changed. */
const unprovedPhone = (id: string): Json => ({ sub: id, email_verified: false, phone_verified: false })
