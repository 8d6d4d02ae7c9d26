import { deleteIdentity, clearPhone, lockUser } from '../accounts/accounts.sql.ts'
import { chooseEmail } from '../accounts/link-identity.ts'
import { recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext, SignedIn } from '../context.ts'
import { notifyUser } from '../mails/notify-user.ts'
import { signInErrors } from '../providers/sign-in-errors.ts'
import { firstAudience } from '../sessions/verify-token.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import { refreshProviders } from '../users/user-changes.sql.ts'
import { getUserById } from '../users/users.sql.ts'

/**
 * Takes one way in from a user, who must keep another; and the address with it, if no other way has it.
 * Mirrors auth internal/api/identity.go@bc32168 DeleteIdentity.
 */
export async function unlinkIdentity(ctx: AuthContext, caller: SignedIn, identityId: string): Promise<void> {
  if (!isUuid(identityId)) throw signInErrors.identityIdNotUuid()
  const audience = firstAudience(caller.claims)
  if (audience === null || (ctx.audienceHeader !== null && ctx.audienceHeader !== audience))
    throw signInErrors.audienceMismatch()
  await ctx.db.transaction(async (tx) => {
    // Locked, so that two at once cannot take the last two.
    await lockUser(tx, caller.user.id)
    const user = await getUserById(tx, caller.user.id)
    if (user.identities.length <= 1) throw signInErrors.lastIdentity()
    const identity = user.identities.find((each) => each.identity_id === identityId.toLowerCase())
    if (identity === undefined) throw signInErrors.identityNotFound()
    await recordAudit(tx, 'identity_unlinked', user, {
      identity_id: identity.identity_id,
      provider: identity.provider,
      provider_id: identity.id,
    })
    await deleteIdentity(tx, identity.identity_id, user.id)
    if (identity.provider === 'phone') await clearPhone(tx, user.id)
    else if (!(await chooseEmail(ctx, tx, user))) throw signInErrors.unlinkEmailConflict()
    await refreshProviders(tx, user.id)
    // To the address of before; another identity may have brought another one.
    await notifyUser(ctx, tx, user, 'identity_unlinked', { provider: identity.provider })
  })
}
