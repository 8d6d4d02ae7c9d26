import { createHash } from 'node:crypto'
import { arrive } from '../accounts/arrive.ts'
import { inArrival } from '../accounts/arrive-once.ts'
import { linkIdentity } from '../accounts/link-identity.ts'
import type { AuthContext, SignedIn } from '../context.ts'
import { AuthError, authErrors } from '../errors.ts'
import { OAuthError } from '../oauth-error.ts'
import { readIdToken } from '../oidc/id-token-profile.ts'
import { verifyIdToken } from '../oidc/verify-id-token.ts'
import { findTokenIssuer } from '../providers/find-token-issuer.ts'
import { issueSession } from '../sessions/issue-session.ts'
import type { IssuedSession } from '../sessions/session-reply.ts'
import type { Json } from '../users/user.ts'

export interface IdTokenInput {
  readonly id_token: string
  readonly access_token: string
  readonly nonce: string
  readonly provider: string
  readonly client_id: string
  readonly issuer: string
  readonly link_identity: boolean
}

const refuse = (description: string, cause?: unknown) =>
  new OAuthError('invalid request', description, { cause })

/**
 * An id token that the client got from a provider itself, for a session.
 * Mirrors auth internal/api/token_oidc.go@bc32168 IdTokenGrant.
 */
export async function idTokenGrant(
  ctx: AuthContext,
  input: IdTokenInput,
  redirectTo: string,
  authenticate: (() => Promise<SignedIn>) | null,
): Promise<IssuedSession> {
  if (input.id_token === '') throw refuse('id_token required')
  if (input.provider === '' && (input.client_id === '' || input.issuer === ''))
    throw refuse('provider or client_id and issuer required')
  if (input.link_identity && authenticate === null)
    throw refuse('Linking requires a valid user access token in Authorization')
  const target = input.link_identity && authenticate !== null ? (await authenticate()).user : null

  const issuer = await findTokenIssuer(ctx, input)
  const claims = await verifyIdToken(ctx.oidc, input.id_token, {
    issuer: issuer.issuer,
    discoveryUrl: issuer.discoveryUrl,
    clientId: null,
    accessToken: input.access_token,
  }).catch((error: unknown) => {
    throw refuse('Bad ID token', error)
  })
  if (typeof claims.sub !== 'string' || claims.sub === '') throw refuse('Missing sub claim in id_token')
  checkAudience(claims, issuer.clientIds)
  if (!issuer.skipNonceCheck) checkNonce(claims, input.nonce)

  const profile = readIdToken(claims)
  const outcome = await inArrival(ctx, async (tx) => {
    const arrival =
      target === null
        ? await arrive(ctx, tx, issuer.provider, profile, { emailOptional: issuer.emailOptional, redirectTo })
        : await linkIdentity(ctx, tx, target, issuer.provider, profile, redirectTo)
    if (arrival.kind === 'refused') return arrival
    const traits = { provider: issuer.provider }
    const session = await issueSession(ctx, tx, arrival.user, { method: 'oauth', passwordHash: null, traits })
    if (session === null) throw authErrors.userBanned(403)
    return { kind: 'session', session } as const
  }).catch((error: unknown) => {
    if (error instanceof AuthError) throw error
    throw new OAuthError('server_error', 'Internal Server Error', { cause: error })
  })
  if (outcome.kind === 'refused') throw outcome.error
  return outcome.session
}

function checkAudience({ aud }: Json, clientIds: readonly string[]): void {
  const audiences = [aud].flat()
  if (!clientIds.some((id) => audiences.includes(id)))
    throw refuse(`Unacceptable audience in id_token: [${audiences.map(String).join(' ')}]`)
}

/** The provider saw the hash only, so the token is good for nobody but who made the nonce. */
function checkNonce({ nonce: told = '' }: Json, nonce: string): void {
  if ((told !== '') !== (nonce !== ''))
    throw refuse('Passed nonce and nonce in id_token should either both exist or not.')
  if (nonce !== '' && createHash('sha256').update(nonce).digest('hex') !== told)
    throw new OAuthError('invalid nonce', 'Nonces mismatch')
}
