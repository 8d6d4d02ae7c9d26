import type { Claims } from '@favo/http'
import type { Project } from '@favo/projects'
import { verifyJwt, type JwtProblem } from '@favo/tokens'
import { authErrors } from '../errors.ts'

/**
 * The claims of a bearer token that this project's secret or one of its keys signed and that is in force now. Throws bad_jwt in the words of
 * the library that GoTrue uses (golang-jwt 5).
 */
export function verifyToken(token: string, project: Project): Claims {
  const verification = verifyJwt(token, project)
  if (!verification.ok) throw badToken(describe(verification.problem))
  const { claims } = verification
  // A legacy key says whose it is. Two projects may have been given one secret; their keys stay apart nevertheless.
  if (claims.ref !== undefined && claims.ref !== project.ref) throw badToken(describe({ kind: 'signature' }))
  const now = Date.now() / 1000
  for (const name of ['exp', 'nbf', 'iat'] as const)
    if (claims[name] !== undefined && typeof claims[name] !== 'number')
      throw badToken(`token is malformed: could not JSON decode claim`)
  if (typeof claims.exp === 'number' && now >= claims.exp)
    throw badToken('token has invalid claims: token is expired')
  if (typeof claims.nbf === 'number' && now < claims.nbf)
    throw badToken('token has invalid claims: token is not valid yet')
  return claims
}

const badToken = (problem: string) =>
  authErrors.badJwt(`invalid JWT: unable to parse or verify signature, ${problem}`)

function describe(problem: JwtProblem): string {
  switch (problem.kind) {
    case 'malformed':
      return 'token is malformed: token contains an invalid number of segments'
    case 'undecodable':
      return 'token is malformed: could not JSON decode header or claim'
    case 'algorithm':
      return `token signature is invalid: signing method ${String(problem.alg)} is invalid`
    case 'signature':
      return 'token signature is invalid: signature is invalid'
  }
}

/** `aud` is one or several; GoTrue looks at the first. */
export function firstAudience(claims: Claims): string | null {
  const first: unknown = Array.isArray(claims.aud) ? claims.aud[0] : claims.aud
  return typeof first === 'string' && first !== '' ? first : null
}
