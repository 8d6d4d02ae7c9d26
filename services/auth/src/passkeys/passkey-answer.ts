import type { AuthContext } from '../context.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import type { Json } from '../users/user.ts'
import type { CeremonySession } from '../webauthn/ceremonies.ts'
import { findRelyingParty, type RelyingParty } from '../webauthn/relying-party.ts'
import { passkeyErrors } from './passkey-errors.ts'

/** How long a challenge can be answered. GoTrue's default. */
export const CHALLENGE_SECONDS = 300

export interface Answer {
  readonly challenge_id: string
  readonly credential: Json | null
}

export function parseAnswer({ challenge_id: challengeId, credential }: Answer) {
  if (challengeId === '') throw passkeyErrors.challengeIdNeeded()
  if (credential === null) throw passkeyErrors.credentialNeeded()
  if (!isUuid(challengeId)) throw passkeyErrors.challengeIdNotUuid()
  return { challengeId, credential }
}

export function requireTaken(
  taken: { readonly session: CeremonySession; readonly is_expired: boolean } | null,
): CeremonySession {
  if (taken === null) throw passkeyErrors.challengeNotFound()
  if (taken.is_expired) throw passkeyErrors.challengeExpired()
  return taken.session
}

export function requireParty(ctx: AuthContext): RelyingParty {
  const party = findRelyingParty(ctx)
  if (party === null) throw passkeyErrors.notConfigured()
  return party
}
