import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import type { Json, UserRow } from '../users/user.ts'
import type { RelyingParty } from './relying-party.ts'

/** Loaded when the first ceremony begins: its two hundred modules took a quarter of the platform's start. */
const loadWebauthn = () => import('@simplewebauthn/server')

const TIMEOUT_MS = 300_000

/** A credential that an authenticator keeps for a user. */
export interface Credential {
  readonly id: Buffer
  /** COSE. */
  readonly publicKey: Buffer
  readonly signCount: number
  readonly transports: readonly string[]
  readonly aaguid: string
  readonly isBackupEligible: boolean
  readonly isBackedUp: boolean
  readonly attestationType: string
}

/** What the server remembers of a ceremony, under the names that GoTrue's library gives it. */
export interface CeremonySession {
  readonly challenge: string
  readonly rpId: string
  /** Base64. Null where the authenticator is to say who it is. */
  readonly user_id: string | null
  readonly userVerification: 'preferred'
}

export interface Ceremony {
  readonly session: CeremonySession
  readonly options: object
}

interface RegistrationAsk {
  readonly user: UserRow
  readonly displayName: string
  readonly exclude: readonly Pick<Credential, 'id' | 'transports'>[]
  /** The authenticator must be able to find the credential without being told which. */
  readonly isDiscoverable: boolean
}

// The user handle is the id's text, as in GoTrue: credentials move with the users.
const handleOf = (user: Pick<UserRow, 'id'>) => Buffer.from(user.id)

export async function beginRegistration(party: RelyingParty, ask: RegistrationAsk): Promise<Ceremony> {
  const { user } = ask
  const { generateRegistrationOptions } = await loadWebauthn()
  const options = await generateRegistrationOptions({
    rpName: party.name,
    rpID: party.id,
    userName: addressOf(user),
    userDisplayName: ask.displayName,
    userID: new Uint8Array(handleOf(user)),
    timeout: TIMEOUT_MS,
    attestationType: 'none',
    excludeCredentials: ask.exclude.map(({ id, transports }) => describe(id, transports)),
    authenticatorSelection: {
      userVerification: 'preferred',
      ...(ask.isDiscoverable ? { residentKey: 'required', requireResidentKey: true } : {}),
    },
  })
  return { options, session: sessionOf(party, options.challenge, handleOf(user).toString('base64')) }
}

export async function beginAuthentication(
  party: RelyingParty,
  user: Pick<UserRow, 'id'> | null,
  credentials: readonly Pick<Credential, 'id' | 'transports'>[],
): Promise<Ceremony> {
  const { generateAuthenticationOptions } = await loadWebauthn()
  const options = await generateAuthenticationOptions({
    rpID: party.id,
    timeout: TIMEOUT_MS,
    userVerification: 'preferred',
    ...(credentials.length === 0
      ? {}
      : { allowCredentials: credentials.map(({ id, transports }) => describe(id, transports)) }),
  })
  const handle = user === null ? null : handleOf(user).toString('base64')
  return { options, session: sessionOf(party, options.challenge, handle) }
}

const sessionOf = (party: RelyingParty, challenge: string, handle: string | null): CeremonySession => ({
  challenge,
  rpId: party.id,
  user_id: handle,
  userVerification: 'preferred',
})

export const addressOf = (user: UserRow): string =>
  user.email !== null && user.email !== '' ? user.email : (user.phone ?? '')

const describe = (id: Buffer, transports: readonly string[]) => ({
  id: id.toString('base64url'),
  ...(transports.length === 0 ? {} : { transports: [...transports] }),
})

/** Null when the answer is not good: another challenge, origin or site, a broken signature. */
export async function finishRegistration(
  party: RelyingParty,
  session: CeremonySession,
  response: Json,
): Promise<Credential | null> {
  const { verifyRegistrationResponse } = await loadWebauthn()
  const verified = await verifyRegistrationResponse({
    // What it may be is checked inside.
    response: response as unknown as RegistrationResponseJSON,
    expectedChallenge: session.challenge,
    expectedOrigin: [...party.origins],
    expectedRPID: session.rpId,
    requireUserVerification: false,
  }).catch(() => null)
  if (verified === null || !verified.verified) return null
  const { registrationInfo: info } = verified
  return {
    id: Buffer.from(info.credential.id, 'base64url'),
    publicKey: Buffer.from(info.credential.publicKey),
    signCount: info.credential.counter,
    transports: info.credential.transports ?? [],
    aaguid: info.aaguid,
    isBackupEligible: info.credentialDeviceType === 'multiDevice',
    isBackedUp: info.credentialBackedUp,
    attestationType: info.fmt,
  }
}

/** The new count of signatures; null when the answer is not good, or the count shows that the credential was copied. */
export async function finishAuthentication(
  party: RelyingParty,
  session: CeremonySession,
  response: Json,
  credential: Pick<Credential, 'id' | 'publicKey' | 'signCount'>,
): Promise<number | null> {
  const { verifyAuthenticationResponse } = await loadWebauthn()
  const verified = await verifyAuthenticationResponse({
    response: response as unknown as AuthenticationResponseJSON,
    expectedChallenge: session.challenge,
    expectedOrigin: [...party.origins],
    expectedRPID: session.rpId,
    requireUserVerification: false,
    credential: {
      id: credential.id.toString('base64url'),
      publicKey: new Uint8Array(credential.publicKey),
      counter: credential.signCount,
    },
  }).catch(() => null)
  return verified?.verified === true ? verified.authenticationInfo.newCounter : null
}

/** The id of the credential that an answer speaks for, and whom it says it belongs to. */
export function readAssertion(response: Json): { readonly id: Buffer; readonly handle: string } | null {
  const { id, type, response: inner } = response
  if (typeof id !== 'string' || type !== 'public-key' || typeof inner !== 'object' || inner === null)
    return null
  const { userHandle } = inner as { userHandle?: unknown }
  return {
    id: Buffer.from(id, 'base64url'),
    handle: typeof userHandle === 'string' ? Buffer.from(userHandle, 'base64url').toString() : '',
  }
}
