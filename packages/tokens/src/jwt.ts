import { createHmac, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { secretOf, signAsymmetric, verifyAsymmetric, type SigningKey } from './signing-keys.ts'

export type JwtClaims = Record<string, unknown>

/** Why a token is not good. Each dialect words it in its own way. */
export type JwtProblem =
  | { readonly kind: 'malformed'; readonly parts: number }
  | { readonly kind: 'undecodable' }
  | { readonly kind: 'algorithm'; readonly alg: unknown }
  | { readonly kind: 'signature' }

export type JwtVerification =
  { readonly ok: true; readonly claims: JwtClaims } | { readonly ok: false; readonly problem: JwtProblem }

/** What a project's tokens are verified with; a `Project` is one. */
export interface TokenKeys {
  /** HS256 secret of tokens that name no other key. */
  readonly jwtSecret: string
  readonly isJwtSecretRevoked?: boolean
  readonly signingKeys?: readonly SigningKey[]
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const hmac = (input: string, secret: string | Buffer) => createHmac('sha256', secret).update(input).digest()

/** HS256, the algorithm of Supabase's legacy keys. */
export function signJwt(claims: JwtClaims, secret: string): string {
  const input = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
  return `${input}.${hmac(input, secret).toString('base64url')}`
}

/** Signs with the project's key in use, and names it in the header; with the secret where there is none. */
export function signToken(claims: JwtClaims, keys: TokenKeys): string {
  const key = keys.signingKeys?.find(({ status }) => status === 'in_use')
  if (key === undefined) return signJwt(claims, keys.jwtSecret)
  const input = `${encode({ alg: key.algorithm, kid: key.id, typ: 'JWT' })}.${encode(claims)}`
  const signature = key.algorithm === 'HS256' ? hmac(input, secretOf(key)) : signAsymmetric(input, key)
  return `${input}.${signature.toString('base64url')}`
}

interface Verified {
  readonly claims: JwtClaims
  readonly secret: string
  /** Key that was named in the header; null = the secret. */
  readonly kid: string | null
}

// Checking costs 5 µs (HS256) to 200 µs (ES256), finding here 0.2 µs. Whether it was checked with this secret, and whether the
// key is still the project's, is asked at each hit.
const verified = new LRUCache<string, Verified>({ max: 10_000 })

/**
 * Checks form, algorithm and signature. The algorithm is the key's and never the token's choice: a token that names a key
 * must have that key's algorithm, and any other is an HS256 token of the secret. So neither `none` nor a public key used as
 * a secret gets through. Times and audience are the caller's business: each dialect has its own rules and texts. The claims
 * must not be changed.
 */
export function verifyJwt(token: string, given: string | TokenKeys): JwtVerification {
  const keys = typeof given === 'string' ? { jwtSecret: given } : given
  const known = verified.get(token)
  if (known !== undefined && isStillGood(known, keys)) return { ok: true, claims: known.claims }

  const parts = token.split('.')
  const [head, payload, signature] = parts
  if (parts.length !== 3 || head === undefined || payload === undefined || signature === undefined)
    return { ok: false, problem: { kind: 'malformed', parts: parts.length } }
  const header = decodeObject(head)
  if (header === null) return { ok: false, problem: { kind: 'undecodable' } }

  const key = keys.signingKeys?.find(({ id, status }) => id === header.kid && status !== 'revoked') ?? null
  if (header.alg !== (key === null ? 'HS256' : key.algorithm))
    return { ok: false, problem: { kind: 'algorithm', alg: header.alg } }
  const bytes = Buffer.from(signature, 'base64url')
  if (!isSignatureGood(`${head}.${payload}`, bytes, key, keys))
    return { ok: false, problem: { kind: 'signature' } }
  const claims = decodeObject(payload)
  if (claims === null) return { ok: false, problem: { kind: 'undecodable' } }
  verified.set(token, { claims, secret: keys.jwtSecret, kid: key === null ? null : keyMark(key) })
  return { ok: true, claims }
}

/** Whoever can make a project can choose its secret and bring keys, so the id alone does not name a key. */
const keyMark = ({ id, publicJwk }: SigningKey) => `${id} ${publicJwk?.x ?? publicJwk?.n ?? ''}`

function isStillGood({ kid, secret }: Verified, keys: TokenKeys): boolean {
  if (secret !== keys.jwtSecret) return false
  if (kid === null) return keys.isJwtSecretRevoked !== true
  return keys.signingKeys?.some((key) => key.status !== 'revoked' && keyMark(key) === kid) === true
}

function isSignatureGood(input: string, bytes: Buffer, key: SigningKey | null, keys: TokenKeys): boolean {
  if (key !== null && key.algorithm !== 'HS256') return verifyAsymmetric(input, bytes, key)
  if (key === null && keys.isJwtSecretRevoked === true) return false
  const expected = hmac(input, key === null ? keys.jwtSecret : secretOf(key))
  return bytes.length === expected.length && timingSafeEqual(bytes, expected)
}

/** The payload without any check: good only for finding out which project a token claims to be of. */
export function peekClaims(token: string): JwtClaims | null {
  const parts = token.split('.')
  return parts.length === 3 && parts[1] !== undefined ? decodeObject(parts[1]) : null
}

function decodeObject(part: string): JwtClaims | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JwtClaims) : null
  } catch {
    return null
  }
}
