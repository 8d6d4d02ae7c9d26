import { randomUUID } from 'node:crypto'
import type { AuthContext } from '../context.ts'
import { parseChallenge } from '../flow-states/pkce.ts'
import { lockToken } from '../one-time-tokens/one-time-tokens.sql.ts'
import { findProvider } from '../providers/find-provider.ts'
import { signInErrors } from '../providers/sign-in-errors.ts'
import type { UserRow } from '../users/user.ts'
import { insertExternalFlow } from './external-flows.sql.ts'

/** What we say to the provider ourselves; a client must not. A nonce is its own affair. */
const reserved = new Set(
  'client_id client_secret redirect_uri response_type state code_challenge code_challenge_method code_verifier'.split(
    ' ',
  ),
)
const ours = new Set(['provider', 'scopes', 'apikey'])

/**
 * Where the browser goes to sign in elsewhere. What is remembered of the flow stays here; through the browser goes its id
 * only. Mirrors auth internal/api/external.go@bc32168 GetExternalProviderRedirectURL.
 */
export async function startSignIn(
  ctx: AuthContext,
  query: URLSearchParams,
  redirectTo: string,
  linkingTarget: UserRow | null,
): Promise<string> {
  const ask = (name: string) => query.get(name) ?? ''
  const providerName = ask('provider')
  const provider = await findProvider(ctx, providerName, ask('scopes'))
  const inviteToken = ask('invite_token')
  if (inviteToken !== '' && (await findInvited(ctx, inviteToken)) === null)
    throw signInErrors.invitedNotFound()
  const challenge = parseChallenge(ask('code_challenge'), ask('code_challenge_method'))

  const id = randomUUID()
  const { url, secret } = await provider.start(id, passedOn(query)).catch((error: unknown) => {
    throw signInErrors.providerUnreachable(error)
  })
  await insertExternalFlow(ctx.db, {
    id,
    provider: providerName.toLowerCase(),
    method: 'oauth',
    challenge,
    inviteToken,
    redirectTo,
    secret,
    linkingTargetId: linkingTarget?.id ?? null,
    emailOptional: provider.emailOptional,
  })
  return url
}

function passedOn(query: URLSearchParams): Map<string, string> {
  const extra = new Map<string, string>()
  for (const [name, value] of query)
    if (!ours.has(name) && !reserved.has(name.toLowerCase()) && !extra.has(name)) extra.set(name, value)
  const workos = extra.get('workos_provider')
  if (workos !== undefined) {
    extra.delete('workos_provider')
    extra.set('provider', workos)
  }
  return extra
}

const findInvited = (ctx: AuthContext, token: string) =>
  lockToken(ctx.db, {
    types: ['confirmation_token'],
    hashes: [token],
    email: null,
    audience: null,
    expireSeconds: ctx.settings.mailerOtpExpSeconds,
  })
