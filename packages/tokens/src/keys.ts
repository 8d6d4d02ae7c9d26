import { createHash, randomBytes, randomInt } from 'node:crypto'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const letters = (count: number) => Array.from({ length: count }, () => LETTERS[randomInt(26)]).join('')

/** A project's ref: exactly 20 letters a-z, as the Supabase CLI demands. */
export const createRef = (): string => letters(20)
export const isRef = (text: string): boolean => /^[a-z]{20}$/.test(text)

/** Stem of a project's database and logins. Random, and not the ref: role and database names cannot be hidden. */
export const createSlug = (): string => letters(16)

export const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex')

/**
 * Supabase's key form: `sb_<type>_<22 characters>_<8 characters>`. The tail is a checksum over the rest, so that a
 * mistyped key is told from a revoked one without asking anybody.
 */
export function createApiKey(type: 'publishable' | 'secret'): string {
  const body = `sb_${type}_${randomBytes(17).toString('base64url').slice(0, 22)}`
  return `${body}_${checksum(body)}`
}

export function isApiKey(text: string): boolean {
  if (!/^sb_(publishable|secret)_[A-Za-z0-9_-]{22}_[A-Za-z0-9_-]{8}$/.test(text)) return false
  return checksum(text.slice(0, -9)) === text.slice(-8)
}

const checksum = (body: string) => createHash('sha256').update(body).digest('base64url').slice(0, 8)

/** Personal access token of the Management API, `sbp_` and 40 hex digits as the Supabase CLI checks. */
export const createAccessToken = (): string => `sbp_${randomBytes(20).toString('hex')}`

/** Opaque secret with `bytes` of entropy, base64url. */
export const createSecret = (bytes: number): string => randomBytes(bytes).toString('base64url')
