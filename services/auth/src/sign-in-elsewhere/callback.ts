import type { Queryable } from '@favo/postgres'
import { arrive, type Arrival } from '../accounts/arrive.ts'
import { inArrival } from '../accounts/arrive-once.ts'
import { linkIdentity } from '../accounts/link-identity.ts'
import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { OAuthError } from '../oauth-error.ts'
import { findProvider } from '../providers/find-provider.ts'
import type { ProviderFinish } from '../providers/provider.ts'
import { signInErrors } from '../providers/sign-in-errors.ts'
import type { AuthReply } from '../route.ts'
import { issueSession } from '../sessions/issue-session.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import { findUserById } from '../users/users.sql.ts'
import { acceptInvite } from './accept-invite.ts'
import {
  findExternalFlow,
  finishImplicitFlow,
  finishPkceFlow,
  takeSecret,
  type ExternalFlowRow,
} from './external-flows.sql.ts'
import { redirectWithCode, redirectWithSession } from './redirects.ts'

/** The flow that a browser comes back from. Throws when it is not one of this project's, too old, or used. */
export async function getFlow(ctx: AuthContext, state: string): Promise<ExternalFlowRow> {
  if (state === '') throw signInErrors.stateMissing()
  if (!isUuid(state)) throw signInErrors.stateInvalid()
  const flow = await findExternalFlow(ctx.db, state)
  if (flow === null) throw signInErrors.stateNotFound()
  if (flow.is_expired) throw signInErrors.stateExpired()
  if (flow.is_used) throw signInErrors.stateUsed()
  return flow
}

/** Signs in whoever comes back, and tells where the browser goes on to. Mirrors auth internal/api/external.go@bc32168. */
export async function finishSignIn(
  ctx: AuthContext,
  flow: ExternalFlowRow,
  returned: URLSearchParams,
): Promise<AuthReply> {
  const redirectTo = redirectOf(ctx, flow)
  const finish = await askProvider(ctx, flow, returned)
  const { profile } = finish
  if (profile.emails.length === 0 && !flow.email_optional) throw signInErrors.emailMissing()
  if (typeof profile.claims.sub !== 'string' || profile.claims.sub === '')
    throw signInErrors.profileRefused(new Error('the provider names no subject'))

  const outcome = await inArrival(ctx, async (tx) => {
    const arrival = await findArrival(ctx, tx, flow, finish, redirectTo)
    if (arrival.kind === 'refused') return arrival
    const { user } = arrival
    if (flow.is_pkce) {
      if (!(await finishPkceFlow(tx, flow.id, user.id, finish))) throw signInErrors.stateUsed()
      return { kind: 'code' } as const
    }
    // First, so that of two browsers with one state one gets a session.
    if (!(await finishImplicitFlow(tx, flow.id))) throw signInErrors.stateUsed()
    const traits = { provider: flow.provider_type }
    const session = await issueSession(ctx, tx, user, { method: 'oauth', passwordHash: null, traits })
    if (session === null) throw authErrors.userBanned(403)
    return { kind: 'session', session } as const
  })
  if (outcome.kind === 'refused') throw outcome.error
  if (outcome.kind === 'code') return redirectWithCode(redirectTo, flow.auth_code ?? '')
  return redirectWithSession(redirectTo, outcome.session, {
    provider_token: finish.accessToken,
    ...(finish.refreshToken === '' ? {} : { provider_refresh_token: finish.refreshToken }),
  })
}

/** Was checked against the allow list when the flow began. */
export const redirectOf = (ctx: AuthContext, flow: ExternalFlowRow): string =>
  flow.referrer === null || flow.referrer === '' ? ctx.settings.siteUrl : flow.referrer

async function askProvider(
  ctx: AuthContext,
  flow: ExternalFlowRow,
  returned: URLSearchParams,
): Promise<ProviderFinish> {
  const isOAuth1 = flow.provider_type === 'twitter'
  const refusal = returned.get('error') ?? ''
  if (!isOAuth1 && refusal !== '') throw new OAuthError(refusal, returned.get('error_description') ?? '')
  if (!isOAuth1 && (returned.get('code') ?? '') === '') throw signInErrors.codeMissing()
  const provider = await findProvider(ctx, flow.provider_type, '', signInErrors.providerGone)
  const kept = flow.oauth_client_state_id
  const secret = kept === null ? null : await takeSecret(ctx.db, kept)
  if (secret === undefined) throw signInErrors.clientStateNotFound()
  return provider.finish(returned, secret)
}

async function findArrival(
  ctx: AuthContext,
  tx: Queryable,
  flow: ExternalFlowRow,
  { profile }: ProviderFinish,
  redirectTo: string,
): Promise<Arrival> {
  const provider = flow.provider_type
  if (flow.linking_target_id !== null) {
    const target = await findUserById(tx, flow.linking_target_id)
    if (target === null) throw signInErrors.linkingTargetGone()
    return linkIdentity(ctx, tx, target, provider, profile, redirectTo)
  }
  if (flow.invite_token !== null && flow.invite_token !== '')
    return acceptInvite(ctx, tx, flow.invite_token, provider, profile)
  return arrive(ctx, tx, provider, profile, { emailOptional: flow.email_optional, redirectTo })
}
