import { createHmac, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'

export type JwtClaims = Record<string, unknown>

/** Why a token is not good. Each dialect words it in its own way. */
export type JwtProblem =
  | { readonly kind: 'malformed'; readonly parts: number }
  | { readonly kind: 'undecodable' }
  | { readonly kind: 'algorithm'; readonly alg: unknown }
  | { readonly kind: 'signature' }

export type JwtVerification =
  { readonly ok: true; readonly claims: JwtClaims } | { readonly ok: false; readonly problem: JwtProblem }

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const sign = (input: string, secret: string) => createHmac('sha256', secret).update(input).digest()

/** HS256, the algorithm of Supabase's legacy keys. */
export function signJwt(claims: JwtClaims, secret: string): string {
  const input = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
  return `${input}.${sign(input, secret).toString('base64url')}`
}

// Checking costs 5 µs, finding here 0.2 µs. Keyed by secret and token together: a hit can only come from the same project.
const verified = new LRUCache<string, JwtClaims>({ max: 10_000 })

/**
 * Checks form, algorithm (HS256 only, so that neither `none` nor a public key used as a secret gets through) and signature.
 * Times and audience are the caller's business: each dialect has its own rules and texts. The claims must not be changed.
 */
export function verifyJwt(token: string, secret: string): JwtVerification {
  const key = `${secret}\n${token}`
  const known = verified.get(key)
  if (known !== undefined) return { ok: true, claims: known }

  const parts = token.split('.')
  const [head, payload, signature] = parts
  if (parts.length !== 3 || head === undefined || payload === undefined || signature === undefined)
    return { ok: false, problem: { kind: 'malformed', parts: parts.length } }
  const header = decodeObject(head)
  if (header === null) return { ok: false, problem: { kind: 'undecodable' } }
  if (header.alg !== 'HS256') return { ok: false, problem: { kind: 'algorithm', alg: header.alg } }
  const expected = sign(`${head}.${payload}`, secret)
  const given = Buffer.from(signature, 'base64url')
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    return { ok: false, problem: { kind: 'signature' } }
  const claims = decodeObject(payload)
  if (claims === null) return { ok: false, problem: { kind: 'undecodable' } }
  verified.set(key, claims)
  return { ok: true, claims }
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
