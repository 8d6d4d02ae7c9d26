import type { Queryable } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import { subjectOf, type Profile } from '../providers/profile.ts'
import { requestAudience } from '../sessions/audience.ts'
import { isEmailTaken } from '../users/users.sql.ts'
import { findIdentity, listUsersOfEmails, type IdentityRow } from './accounts.sql.ts'

/** Identities of one domain that share an address belong to one user. Each provider of single sign-on is its own. */
export const linkingDomain = (provider: string): string =>
  provider.startsWith('sso:') ? provider : 'default'

export type Linking =
  | { readonly kind: 'known'; readonly identity: IdentityRow }
  | { readonly kind: 'link'; readonly userId: string }
  /** `email` is empty when somebody else has it, or there is none. */
  | { readonly kind: 'create'; readonly email: string }
  | { readonly kind: 'ambiguous' }

const NOBODY = '00000000-0000-0000-0000-000000000000'

/**
 * Whose account a sign-in is. Mirrors auth internal/models/linking.go@bc32168, except in this: only what the provider
 * verified is linked. GoTrue takes every address for verified where mailer_autoconfirm is on, so whoever types somebody's
 * address into a provider that does not check it gets that person's account.
 */
export async function determineLinking(
  ctx: AuthContext,
  tx: Queryable,
  provider: string,
  profile: Profile,
): Promise<Linking> {
  const identity = await findIdentity(tx, provider, subjectOf(profile))
  if (identity !== null) return { kind: 'known', identity }

  const email = profile.emails.find(({ isPrimary }) => isPrimary)?.email.toLowerCase() ?? ''
  const domain = linkingDomain(provider)
  const verified = profile.emails
    .filter(({ isVerified }) => isVerified)
    .map((each) => each.email.toLowerCase())
  if (verified.length === 0) {
    const isTaken = email !== '' && (await isEmailTaken(tx, email, requestAudience(ctx), NOBODY))
    return { kind: 'create', email: isTaken ? '' : email }
  }
  const users = await listUsersOfEmails(tx, verified, domain === 'default' ? null : domain)
  const [first, second] = users
  if (second !== undefined) return { kind: 'ambiguous' }
  return first === undefined ? { kind: 'create', email } : { kind: 'link', userId: first.user_id }
}
