import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import type { Json } from '../users/user.ts'
import {
  finishAuthentication,
  finishRegistration,
  readAssertion,
  type CeremonySession,
} from '../webauthn/ceremonies.ts'
import { findRelyingParty } from '../webauthn/relying-party.ts'
import { deleteChallenge, type ChallengeRow } from './challenges.sql.ts'
import { factorErrors } from './factor-errors.ts'
import type { FactorRow } from './factors.sql.ts'
import { readCredential, withSignCount, writeCredential } from './stored-credential.ts'

export interface WebAuthnAnswer {
  readonly type: 'create' | 'request'
  readonly response: Json
}

export interface CeremonyResult {
  readonly answer: WebAuthnAnswer
  /** As it is to be stored. */
  readonly credential: Json
  readonly aaguid: string
}

/** Throws what is missing in the request, in GoTrue's order. */
export function readAnswer(given: Json | null): WebAuthnAnswer {
  if (given === null) throw factorErrors.webAuthnNeeded()
  const { type, credential_response: response } = given
  if (type !== 'create' && type !== 'request') throw factorErrors.webAuthnType()
  if (response === undefined || response === null) throw factorErrors.credentialNeeded()
  if (typeof response !== 'object' || Array.isArray(response)) throw factorErrors.credentialInvalid()
  return { type, response: response as Json }
}

/**
 * Checks what the authenticator signed. A verified factor is shown and never made again: else whoever has the password
 * could put a key of his own in its place.
 */
export async function answerCeremony(
  ctx: AuthContext,
  factor: FactorRow,
  challenge: ChallengeRow,
  answer: WebAuthnAnswer,
): Promise<CeremonyResult> {
  const party = findRelyingParty(ctx)
  if (party === null) throw authErrors.unexpectedFailure('WebAuthn is not configured')
  const session = challenge.web_authn_session_data as CeremonySession | null
  if (session === null) throw factorErrors.webAuthnFailed()
  const stored = factor.web_authn_credential

  if (answer.type === 'create') {
    if (factor.status === 'verified') throw factorErrors.credentialInvalid()
    const made = await finishRegistration(party, session, answer.response)
    if (made === null) throw factorErrors.credentialInvalid()
    return { answer, credential: writeCredential(made), aaguid: made.aaguid }
  }
  const known = readCredential(stored)
  const assertion = readAssertion(answer.response)
  if (assertion === null) throw factorErrors.credentialInvalid()
  if (stored === null || known === null || factor.status !== 'verified' || !assertion.id.equals(known.id))
    throw factorErrors.webAuthnFailed()
  const signCount = await finishAuthentication(party, session, answer.response, known)
  if (signCount === null) {
    // One try for each challenge: what was signed for it once must not come again in another form.
    await deleteChallenge(ctx.db, challenge.id)
    throw factorErrors.webAuthnFailed()
  }
  const { authenticator } = stored as { authenticator?: { AAGUID?: string } }
  return {
    answer,
    credential: withSignCount(stored, signCount),
    aaguid: uuidOf(authenticator?.AAGUID ?? ''),
  }
}

const uuidOf = (base64: string) => {
  const hex = Buffer.from(base64, 'base64').toString('hex').padEnd(32, '0').slice(0, 32)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
