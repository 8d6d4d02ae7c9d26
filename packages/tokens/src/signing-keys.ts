import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  randomBytes,
  randomUUID,
  sign,
  verify,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'

const makeKeyPair = promisify(generateKeyPair)

export const signingAlgorithms = ['ES256', 'RS256', 'HS256'] as const
export type SigningAlgorithm = (typeof signingAlgorithms)[number]

/**
 * - `in_use`: signs, and is verified with; at most one of a project
 * - `standby`: announced, so that verifiers know it before it signs
 * - `previously_used`: signs no more; what it signed is still good
 * - `revoked`: what it signed is good no more
 */
export type SigningKeyStatus = 'in_use' | 'standby' | 'previously_used' | 'revoked'

/** A key of a project. Revoked ones are not handed to those who verify. */
export interface SigningKey {
  /** `kid` of its tokens. */
  readonly id: string
  readonly algorithm: SigningAlgorithm
  readonly status: SigningKeyStatus
  /** Null for HS256, whose key is never public. */
  readonly publicJwk: PublicJwk | null
  /** With the private members; for HS256 `k`. */
  readonly privateJwk: JsonWebKey
}

export interface PublicJwk extends JsonWebKey {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly use: 'sig'
  readonly key_ops: string[]
}

/** A key that nobody has seen yet. Made on another thread: RSA takes a tenth of a second and more. */
export async function createSigningKey(algorithm: SigningAlgorithm): Promise<Omit<SigningKey, 'status'>> {
  if (algorithm === 'HS256') return importSigningKey({ kty: 'oct', k: randomBytes(32).toString('base64url') })
  const { privateKey } =
    algorithm === 'ES256'
      ? await makeKeyPair('ec', { namedCurve: 'P-256' })
      : await makeKeyPair('rsa', { modulusLength: 2048 })
  return importSigningKey(privateKey.export({ format: 'jwk' }))
}

/**
 * A key from elsewhere. It keeps its `kid`, so that what it signed there is good here too. Its kind decides the algorithm, never
 * a token's header or the JWK's own `alg`. Throws when it is not a private key of a kind that signs tokens, or a weak one.
 */
export function importSigningKey(jwk: JsonWebKey): Omit<SigningKey, 'status'> {
  const id = readKid(jwk.kid)
  if (jwk.kty === 'oct') {
    if (jwk.k === undefined || Buffer.from(jwk.k, 'base64url').length < 16)
      throw new Error('a symmetric key needs 16 bytes at least')
    return { id, algorithm: 'HS256', publicJwk: null, privateJwk: { kty: 'oct', k: jwk.k } }
  }
  const algorithm = jwk.kty === 'EC' && jwk.crv === 'P-256' ? 'ES256' : jwk.kty === 'RSA' ? 'RS256' : null
  if (algorithm === null) throw new Error('only EC keys on P-256, RSA and symmetric keys sign tokens')
  if (jwk.d === undefined) throw new Error('the private part is missing')
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' })
  const bits = privateKey.asymmetricKeyDetails?.modulusLength ?? 0
  if (algorithm === 'RS256' && bits < 2048) throw new Error('an RSA key needs 2048 bits at least')
  const publicJwk: PublicJwk = {
    ...createPublicKey(privateKey).export({ format: 'jwk' }),
    kid: id,
    alg: algorithm,
    use: 'sig',
    key_ops: ['verify'],
  }
  return { id, algorithm, publicJwk, privateJwk: privateKey.export({ format: 'jwk' }) }
}

/** Names go into headers, addresses of caches and logs. */
function readKid(kid: unknown): string {
  if (kid === undefined || kid === '') return randomUUID()
  if (typeof kid !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(kid))
    throw new Error('the kid must be 1 to 255 characters of ASCII without spaces')
  return kid
}

/** The secret of a symmetric key. */
export const secretOf = (key: SigningKey): Buffer => Buffer.from(key.privateJwk.k ?? '', 'base64url')

// Making them costs more than a signature.
const privateKeys = new WeakMap<SigningKey, KeyObject>()
const publicKeys = new WeakMap<SigningKey, KeyObject>()

/** Signature of an asymmetric key, in the form of JWS. */
export function signAsymmetric(input: string, key: SigningKey): Buffer {
  const known = privateKeys.get(key) ?? createPrivateKey({ key: key.privateJwk, format: 'jwk' })
  privateKeys.set(key, known)
  return sign('sha256', Buffer.from(input), { key: known, dsaEncoding: 'ieee-p1363' })
}

export function verifyAsymmetric(input: string, signature: Buffer, key: SigningKey): boolean {
  if (key.publicJwk === null) return false
  const known = publicKeys.get(key) ?? createPublicKey({ key: key.publicJwk, format: 'jwk' })
  publicKeys.set(key, known)
  return verify('sha256', Buffer.from(input), { key: known, dsaEncoding: 'ieee-p1363' }, signature)
}

/** What anybody may know of a project's keys: the JWKS. Symmetric keys are not among them. */
export const publicJwks = (keys: readonly SigningKey[]): readonly PublicJwk[] =>
  keys.flatMap(({ publicJwk, status }) => (publicJwk === null || status === 'revoked' ? [] : [publicJwk]))
