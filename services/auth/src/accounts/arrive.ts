import { randomUUID } from 'node:crypto'
import type { Queryable } from '@favo/postgres'
import { recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext } from '../context.ts'
import { authErrors, type AuthError } from '../errors.ts'
import { askBeforeCreating } from '../hooks/before-user-created.ts'
import { sendToken } from '../one-time-tokens/send-token.ts'
import { identityData, subjectOf, type Profile } from '../providers/profile.ts'
import { signInErrors } from '../providers/sign-in-errors.ts'
import { requestAudience } from '../sessions/audience.ts'
import { confirmEmail, mergeMetadata, refreshProviders } from '../users/user-changes.sql.ts'
import { isConfirmed, type Json, type UserRow } from '../users/user.ts'
import { getUserById, insertUserIfNew } from '../users/users.sql.ts'
import { createIdentity, dropUnconfirmed, updateIdentityData, type IdentityRow } from './accounts.sql.ts'
import { determineLinking, linkingDomain } from './determine-linking.ts'

/** `refused` leaves its traces: the account and the mail that asks to confirm it stay, so the transaction must be kept. */
export type Arrival =
  { readonly kind: 'user'; readonly user: UserRow } | { readonly kind: 'refused'; readonly error: AuthError }

export interface ArrivalOptions {
  readonly emailOptional: boolean
  /** Ways in without addresses (wallets) confirm nothing. */
  readonly hasEmails?: boolean
  readonly redirectTo: string
}

/**
 * The account of somebody who proved himself elsewhere: known, linked by a verified address, or new.
 * Mirrors auth internal/api/external.go@bc32168 createAccountFromExternalIdentity.
 */
export async function arrive(
  ctx: AuthContext,
  tx: Queryable,
  provider: string,
  profile: Profile,
  options: ArrivalOptions,
): Promise<Arrival> {
  const data = identityData(profile)
  const { user, identity, email } = await findOrCreate(ctx, tx, provider, profile, data)
  if (user.is_banned) throw authErrors.userBanned(403)

  const hasEmails = options.hasEmails !== false && !(options.emailOptional && email === '')
  if (!hasEmails || isConfirmed(user)) return { kind: 'user', user }
  await dropUnconfirmed(tx, user.id, identity.id, data)
  await refreshProviders(tx, user.id)
  const isVerified = profile.emails.some((each) => each.isPrimary && each.isVerified)
  if (isVerified || ctx.settings.mailerAutoconfirm) {
    await recordAudit(tx, 'user_signedup', user, { provider })
    await confirmEmail(tx, user.id)
    return { kind: 'user', user: await getUserById(tx, user.id) }
  }

  if (email !== '') {
    const audit = { action: 'user_confirmation_requested', actor: user } as const
    const { redirectTo } = options
    await sendToken(ctx, tx, { ...user, email }, { kind: 'signup', isPkce: false, redirectTo, audit })
  }
  if (ctx.settings.allowUnverifiedEmailSignIns) return { kind: 'user', user: await getUserById(tx, user.id) }
  return { kind: 'refused', error: signInErrors.emailUnverified(provider, email !== '') }
}

interface Found {
  readonly user: UserRow
  readonly identity: IdentityRow
  /** The address that counts: an existing user's own, else the provider's. */
  readonly email: string
}

async function findOrCreate(
  ctx: AuthContext,
  tx: Queryable,
  provider: string,
  profile: Profile,
  data: Json,
): Promise<Found> {
  const linking = await determineLinking(ctx, tx, provider, profile)
  const primary = profile.emails.find(({ isPrimary }) => isPrimary)?.email.toLowerCase() ?? ''
  switch (linking.kind) {
    case 'known': {
      const { identity } = linking
      await updateIdentityData(tx, identity.id, data)
      await mergeMetadata(tx, identity.user_id, { user: data })
      await refreshProviders(tx, identity.user_id)
      const user = await getUserById(tx, identity.user_id)
      return { user, identity, email: user.email ?? '' }
    }
    case 'link': {
      const { userId } = linking
      const identity = await createIdentity(tx, { userId, provider, providerId: subjectOf(profile), data })
      await mergeMetadata(tx, userId, { user: data })
      await refreshProviders(tx, userId)
      const user = await getUserById(tx, userId)
      await recordAudit(tx, 'identity_linked', user, identityTraits(identity))
      return { user, identity, email: primary }
    }
    case 'create': {
      if (ctx.settings.disableSignup) throw authErrors.signupDisabled()
      const id = randomUUID()
      const appMetadata = { provider, providers: [provider] }
      const created = {
        id,
        email: linking.email === '' ? null : linking.email,
        phone: null,
        passwordHash: '',
        audience: requestAudience(ctx),
        role: 'authenticated',
        appMetadata,
        userMetadata: data,
        isAnonymous: false,
        isSsoUser: linkingDomain(provider) !== 'default',
      }
      await askBeforeCreating(ctx, tx, created)
      if (!(await insertUserIfNew(tx, created))) throw new LostRace()
      ctx.newUserIds.push(id)
      const identity = await createIdentity(tx, {
        userId: id,
        provider,
        providerId: subjectOf(profile),
        data,
      })
      return { user: await getUserById(tx, id), identity, email: linking.email }
    }
    case 'ambiguous':
      throw signInErrors.multipleAccounts(linkingDomain(provider))
  }
}

/** Somebody with the same address or identity came in at the same moment; the next try finds that account. */
export class LostRace extends Error {}

export const identityTraits = (identity: IdentityRow): Json => ({
  identity_id: identity.id,
  provider: identity.provider,
  provider_id: identity.provider_id,
})
