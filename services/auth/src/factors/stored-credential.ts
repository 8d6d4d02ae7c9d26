import type { Json } from '../users/user.ts'
import type { Credential } from '../webauthn/ceremonies.ts'

/** In the form in which GoTrue's library writes it, so that users who move keep their keys. */
export const writeCredential = (credential: Credential): Json => ({
  id: credential.id.toString('base64'),
  publicKey: credential.publicKey.toString('base64'),
  attestationType: credential.attestationType,
  transport: credential.transports,
  flags: {
    userPresent: true,
    userVerified: false,
    backupEligible: credential.isBackupEligible,
    backupState: credential.isBackedUp,
  },
  authenticator: {
    AAGUID: Buffer.from(credential.aaguid.replaceAll('-', ''), 'hex').toString('base64'),
    signCount: credential.signCount,
    cloneWarning: false,
    attachment: '',
  },
})

export type StoredCredential = Pick<Credential, 'id' | 'publicKey' | 'signCount' | 'transports'>

export function readCredential(stored: Json | null): StoredCredential | null {
  if (stored === null) return null
  const { id, publicKey, transport, authenticator } = stored as {
    id?: unknown
    publicKey?: unknown
    transport?: unknown
    authenticator?: { signCount?: unknown } | null
  }
  if (typeof id !== 'string' || typeof publicKey !== 'string') return null
  const count = authenticator?.signCount
  return {
    id: Buffer.from(id, 'base64'),
    publicKey: Buffer.from(publicKey, 'base64'),
    signCount: typeof count === 'number' ? count : 0,
    transports: Array.isArray(transport) ? transport.filter((name) => typeof name === 'string') : [],
  }
}

export const withSignCount = (stored: Json, signCount: number): Json => ({
  ...stored,
  authenticator: { ...(stored.authenticator as Json | undefined), signCount },
})
