import { createHash, timingSafeEqual } from 'node:crypto'
import { authErrors } from '../errors.ts'

/** What a client gave to prove later that it is the one that asked. Null = the implicit flow. */
export interface Challenge {
  readonly text: string
  readonly method: 's256' | 'plain'
}

/** Throws validation_failed. Mirrors auth internal/api/pkce.go@bc32168. */
export function parseChallenge(text: string, method: string): Challenge | null {
  if (text === '' && method === '') return null
  if (text === '' || method === '')
    throw authErrors.validationFailed('PKCE flow requires code_challenge_method and code_challenge')
  if (text.length < 43 || text.length > 128)
    throw authErrors.validationFailed('code challenge has to be between 43 and 128 characters')
  if (!/^[a-zA-Z._~0-9-]+$/.test(text))
    throw authErrors.validationFailed(
      'code challenge can only contain alphanumeric characters, hyphens, periods, underscores and tildes',
    )
  const known = (['s256', 'plain'] as const).find((name) => name === method.toLowerCase())
  if (known === undefined)
    throw authErrors.validationFailed(`unsupported code_challenge method ${JSON.stringify(method)}`)
  return { text, method: known }
}

export function isVerifierOf(challenge: Challenge, verifier: string): boolean {
  const expected = Buffer.from(challenge.text)
  const given = Buffer.from(
    challenge.method === 's256' ? createHash('sha256').update(verifier).digest('base64url') : verifier,
  )
  return given.length === expected.length && timingSafeEqual(given, expected)
}
