import type { Queryable } from '@favo/postgres'
import { createIdentity, dropUnconfirmed } from '../accounts/accounts.sql.ts'
import type { Arrival } from '../accounts/arrive.ts'
import { recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext } from '../context.ts'
import { lockToken } from '../one-time-tokens/one-time-tokens.sql.ts'
import { identityData, subjectOf, type Profile } from '../providers/profile.ts'
import { signInErrors } from '../providers/sign-in-errors.ts'
import { confirmEmail, refreshProviders } from '../users/user-changes.sql.ts'
import { getUserById } from '../users/users.sql.ts'

/** An invited user who signs in elsewhere instead of choosing a password. Mirrors auth internal/api/external.go@bc32168 processInvite. */
export async function acceptInvite(
  ctx: AuthContext,
  tx: Queryable,
  inviteToken: string,
  provider: string,
  profile: Profile,
): Promise<Arrival> {
  const user = await lockToken(tx, {
    types: ['confirmation_token'],
    hashes: [inviteToken],
    email: null,
    audience: null,
    expireSeconds: ctx.settings.mailerOtpExpSeconds,
  })
  if (user === null || user.is_token_expired) throw signInErrors.inviteNotFound()
  if (!profile.emails.some(({ email }) => email.toLowerCase() === user.email))
    throw signInErrors.inviteMismatch()
  const data = identityData(profile)
  const identity = await createIdentity(tx, {
    userId: user.id,
    provider,
    providerId: subjectOf(profile),
    data,
  })
  await recordAudit(tx, 'invite_accepted', user, { provider })
  await dropUnconfirmed(tx, user.id, identity.id, data)
  await refreshProviders(tx, user.id)
  await confirmEmail(tx, user.id)
  return { kind: 'user', user: await getUserById(tx, user.id) }
}
