import { DatabaseError, type Queryable } from '@favo/postgres'
import { recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext } from '../context.ts'
import { notifyUser } from '../mails/notify-user.ts'
import { sendToken } from '../one-time-tokens/send-token.ts'
import { identityData, subjectOf, type Profile } from '../providers/profile.ts'
import { signInErrors } from '../providers/sign-in-errors.ts'
import { confirmEmail, refreshProviders } from '../users/user-changes.sql.ts'
import type { UserRow } from '../users/user.ts'
import { findUserByEmail, getUserById } from '../users/users.sql.ts'
import {
  createIdentity,
  findIdentity,
  listIdentitiesByTrust,
  markNotAnonymous,
  replaceEmail,
} from './accounts.sql.ts'
import { identityTraits, type Arrival } from './arrive.ts'

/** Gives a user one more way in. Mirrors auth internal/api/identity.go@bc32168 linkIdentityToUser. */
export async function linkIdentity(
  ctx: AuthContext,
  tx: Queryable,
  target: UserRow,
  provider: string,
  profile: Profile,
  redirectTo: string,
): Promise<Arrival> {
  const known = await findIdentity(tx, provider, subjectOf(profile))
  if (known !== null)
    throw known.user_id === target.id ? signInErrors.identityLinked() : signInErrors.identityTaken()
  const data = identityData(profile)
  const identity = await createIdentity(tx, {
    userId: target.id,
    provider,
    providerId: subjectOf(profile),
    data,
  })
  await recordAudit(tx, 'identity_linked', target, identityTraits(identity))
  if (target.email === null || target.email === '') {
    if (!(await chooseEmail(ctx, tx, target))) throw signInErrors.linkedEmailTaken()
    if (data.email_verified !== true) {
      const { email } = await getUserById(tx, target.id)
      const to = { ...target, email: email ?? '' }
      const audit = { action: 'user_confirmation_requested', actor: target } as const
      if (to.email !== '') await sendToken(ctx, tx, to, { kind: 'signup', isPkce: false, redirectTo, audit })
      return { kind: 'refused', error: signInErrors.linkedEmailUnverified(provider) }
    }
    await confirmEmail(tx, target.id)
    if (target.is_anonymous) await markNotAnonymous(tx, target.id)
  }
  await refreshProviders(tx, target.id)
  const user = await getUserById(tx, target.id)
  await notifyUser(ctx, tx, user, 'identity_linked', { provider })
  return { kind: 'user', user }
}

/**
 * Keeps the user's address if one of the identities has it; else takes the most trusted identity's that nobody else has.
 * False when all are somebody else's. Mirrors models.User.UpdateUserEmailFromIdentities.
 */
export async function chooseEmail(ctx: AuthContext, tx: Queryable, user: UserRow): Promise<boolean> {
  const identities = await listIdentitiesByTrust(tx, user.id)
  const current = user.email ?? ''
  if (current !== '' && identities.some(({ email }) => email === current.toLowerCase())) return true
  for (const { email, is_verified } of identities) {
    const owner =
      email === null || email === '' ? null : await findUserByEmail(tx, email, user.aud ?? 'authenticated')
    if (owner !== null && owner.id !== user.id) continue
    const isProved = email !== null && email !== '' && (is_verified || ctx.settings.mailerAutoconfirm)
    try {
      await replaceEmail(tx, user.id, email === '' ? null : email, isProved)
      return true
    } catch (error) {
      if (error instanceof DatabaseError && error.code === '23505') return false
      throw error
    }
  }
  return false
}
