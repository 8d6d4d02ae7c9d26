import type { JsonWebKey } from 'node:crypto'
import type { Project } from '@favo/projects'
import type { PublicJwk, SecretBox, SigningAlgorithm, SigningKeyStatus } from '@favo/tokens'
import { secretContexts } from '../projects/project-secrets.ts'

/** A key as the directory's statement gives it. */
export interface StoredSigningKey {
  readonly id: string
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly status: SigningKeyStatus
  readonly is_legacy: boolean
  readonly public_jwk: PublicJwk | null
  readonly sealed: string | null
}

/** What verifiers need of a project's keys; those that are revoked are not handed out. */
export function openSigningKeys(
  secretBox: SecretBox,
  ref: string,
  stored: readonly StoredSigningKey[],
): Pick<Project, 'isJwtSecretRevoked' | 'signingKeys'> {
  if (stored.length === 0) return {}
  return {
    isJwtSecretRevoked: stored.some(({ is_legacy, status }) => is_legacy && status === 'revoked'),
    signingKeys: stored.flatMap(({ id, kid, algorithm, status, public_jwk: publicJwk, sealed }) => {
      if (sealed === null || status === 'revoked') return []
      const opened = secretBox.open(sealed, secretContexts.signingKey(ref, id))
      return [{ id: kid, algorithm, status, publicJwk, privateJwk: JSON.parse(opened) as JsonWebKey }]
    }),
  }
}
