import type { Authorization, Claims } from '@favo/http'
import { verifyJwt, type JwtProblem, type TokenKeys } from '@favo/tokens'
import { tokenErrors } from './errors/token-errors.ts'
import { roleAt, usualRolePath, type RolePath } from './role-path.ts'

/** Who the request is for the database. */
export interface Caller {
  readonly role: string
  /** The claims as JSON, the role among them: `request.jwt.claims`. */
  readonly claims: string
  /** False for the anonymous role: a forbidden thing is then a 401, since a token might help. */
  readonly isAuthenticated: boolean
}

export interface TokenRules {
  readonly keys: TokenKeys
  readonly audience: string | null
  /** Where tokens name their role. The project's own keys say it in `role`. */
  readonly rolePath: RolePath
  /** Role of requests whose claims name none; null = they are refused. */
  readonly anonRole: string | null
}

/** The role of publishable and anonymous keys. */
const ANON = 'anon'

/** Clocks may differ by this much. */
const SKEW_SECONDS = 30

/**
 * PostgREST 14's rules (`Auth/Jwt.hs`): the signature, then exp, nbf, iat, aud, in this order and with these texts. A bad
 * token is refused; it never makes an anonymous request.
 *
 * @throws ApiError PGRST301-303
 */
export function authenticate(authorization: Authorization, rules: TokenRules, nowMs: number): Caller {
  if (authorization.kind === 'key') return callerOf(authorization.claims, rules, true)
  const { token } = authorization
  if (token === '') throw tokenErrors.empty()
  const verified = verifyJwt(token, rules.keys)
  if (!verified.ok) throw problemError(verified.problem)
  validateClaims(verified.claims, rules.audience, Math.floor(nowMs / 1000))
  return callerOf(verified.claims, rules, false)
}

// Claims come from the verifier's cache, the same object for the same token.
const callers = new WeakMap<Claims, { caller: Caller; anonRole: string | null; path: RolePath }>()

function callerOf(claims: Claims, { anonRole, rolePath }: TokenRules, isKey: boolean): Caller {
  const path = isKey ? usualRolePath : rolePath
  const known = callers.get(claims)
  if (known?.anonRole === anonRole && known.path === path) return known.caller
  const claimed = roleAt(claims, path)
  const role =
    claimed === undefined ? anonRole : typeof claimed === 'string' ? claimed : JSON.stringify(claimed)
  if (role === null) throw tokenErrors.required()
  // An anonymous key is how the gateway hears of the project, not a token: where nobody may be anonymous, it is none.
  if (isKey && anonRole === null && role === ANON) throw tokenErrors.required()
  const caller = { role, claims: JSON.stringify({ ...claims, role }), isAuthenticated: role !== anonRole }
  callers.set(claims, { caller, anonRole, path })
  return caller
}

function problemError(problem: JwtProblem) {
  switch (problem.kind) {
    case 'malformed':
      return tokenErrors.parts(problem.parts)
    case 'undecodable':
      return tokenErrors.undecodable()
    case 'algorithm':
    case 'signature':
      return tokenErrors.signature()
  }
}

function validateClaims(claims: Claims, audience: string | null, now: number): void {
  const exp = numeric(claims, 'exp')
  if (exp !== null && exp < now - SKEW_SECONDS) throw tokenErrors.expired()
  const nbf = numeric(claims, 'nbf')
  if (nbf !== null && nbf > now + SKEW_SECONDS) throw tokenErrors.notYetValid()
  const iat = numeric(claims, 'iat')
  if (iat !== null && iat > now + SKEW_SECONDS) throw tokenErrors.issuedInFuture()
  validateAudience(claims.aud, audience)
}

function numeric(claims: Claims, name: 'exp' | 'nbf' | 'iat'): number | null {
  const value = claims[name]
  if (value === undefined || value === null) return null
  if (typeof value !== 'number') throw tokenErrors.notNumber(name)
  // A fraction counts as the beginning of time, as in the original.
  return Number.isSafeInteger(value) ? value : 0
}

function validateAudience(aud: unknown, wanted: string | null): void {
  if (aud === undefined || aud === null) return
  const list: unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!list.every((a) => typeof a === 'string')) throw tokenErrors.audienceType()
  if (wanted === null || (Array.isArray(aud) && list.length === 0)) return
  if (!list.includes(wanted)) throw tokenErrors.notInAudience()
}
