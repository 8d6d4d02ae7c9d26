import { createHash, timingSafeEqual } from 'node:crypto'
import { decodeJwt, jwtVerify, type JWTPayload } from 'jose'
import type { Json } from '../users/user.ts'
import type { OidcDirectory } from './discovery.ts'
import { isAppleIssuer, issuers } from './id-token-profile.ts'

/** Signatures by a private key only: with a shared secret or none, whoever knows the client could make tokens. */
const algorithms = new Set([
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'EdDSA',
])

export interface IdTokenCheck {
  readonly issuer: string
  /** Where the document is that names the issuer's keys, if not at the issuer's own address. */
  readonly discoveryUrl?: string
  /** Must be among the token's audiences. Null where the caller checks that. */
  readonly clientId: string | null
  /** Bound to the token by at_hash, when both are there. */
  readonly accessToken?: string
}

/**
 * The claims of an id token that the issuer signed and that is in force. Throws when it is not.
 * Mirrors auth internal/api/provider/oidc.go@bc32168 ParseIDToken.
 */
export async function verifyIdToken(
  directory: OidcDirectory,
  token: string,
  check: IdTokenCheck,
): Promise<Json & JWTPayload> {
  const discovery = await directory.discover(check.issuer, check.discoveryUrl)
  const offered = discovery.id_token_signing_alg_values_supported.filter((name) => algorithms.has(name))
  const { payload, protectedHeader } = await jwtVerify(token, directory.keysOf(discovery), {
    algorithms: offered.length === 0 ? ['RS256'] : offered,
    issuer: isAppleIssuer(check.issuer) ? [issuers.apple, issuers.appleOther] : check.issuer,
    requiredClaims: ['exp'],
    ...(check.clientId === null ? {} : { audience: check.clientId }),
  })
  const { accessToken = '' } = check
  if (accessToken !== '' && typeof payload.at_hash === 'string' && payload.at_hash !== '')
    if (!isHashOf(payload.at_hash, accessToken, protectedHeader.alg))
      throw new Error('access token hash does not match value in ID token')
  return payload
}

/** The left half of the hash that the signature uses. */
function isHashOf(hash: string, accessToken: string, algorithm: string): boolean {
  const bits = /(256|384|512)$/.exec(algorithm)?.[1] ?? '512'
  const digest = createHash(`sha${bits}`).update(accessToken).digest()
  const expected = Buffer.from(digest.subarray(0, digest.length / 2).toString('base64url'))
  const given = Buffer.from(hash)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** The issuer that a token names, unverified: only to know whose keys to check it with. Null when it is no token. */
export function peekIssuer(token: string): string | null {
  try {
    return decodeJwt(token).iss ?? ''
  } catch {
    return null
  }
}
