import type { Claims } from '@favo/http'
import type { FastifyRequest } from 'fastify'
import type { AuthContext, SignedIn } from '../context.ts'
import { authErrors } from '../errors.ts'
import { findUserWithSession } from './sessions.sql.ts'
import { verifyToken } from './verify-token.ts'

/**
 * The user whose access token the request carries. The token must be this project's, its user and session must still be
 * there (a signed-out session's token is refused though it has not expired), and the user not banned.
 *
 * Mirrors auth internal/api/auth.go@bc32168 requireAuthentication.
 */
export async function requireSignedIn(ctx: AuthContext, request: FastifyRequest): Promise<SignedIn> {
  return findSignedIn(ctx, readClaims(ctx, request))
}

/** Claims of the bearer token. An API key in its place is verified already; it names no user. */
export function readClaims(ctx: AuthContext, request: FastifyRequest): Claims {
  const { authorization } = request.favo
  if (authorization.kind === 'token') {
    if (/^\S+$/.test(authorization.token)) return verifyToken(authorization.token, ctx.project)
    throw authErrors.noAuthorization()
  }
  const isBearer = /^bearer \S+$/i.test(request.headers.authorization ?? '')
  if (!isBearer && authorization.claims.role !== 'service_role') throw authErrors.noAuthorization()
  return authorization.claims
}

/** Throws when the claims name no user or session of this project. */
export async function findSignedIn(ctx: AuthContext, claims: Claims): Promise<SignedIn> {
  const { sub, session_id: sessionClaim } = claims
  if (sub === undefined || sub === '') throw authErrors.badJwt('invalid claim: missing sub claim')
  if (!isUuid(sub)) throw authErrors.badJwt('invalid claim: sub claim must be a UUID', 400)
  // An id token of the project's OAuth server tells a client who somebody is, and lets nobody act for him.
  if (claims.client_id !== undefined && (sessionClaim === undefined || sessionClaim === ''))
    throw authErrors.badJwt('invalid claim: missing session_id claim')
  const sessionId =
    sessionClaim === undefined || sessionClaim === '' || sessionClaim === NIL ? null : sessionClaim

  // An unreadable session_id is told only to those whose user exists, as GoTrue does it.
  const found = await findUserWithSession(ctx.db, sub, isUuid(sessionId) ? sessionId : null)
  if (found === null) throw authErrors.userFromClaimNotFound()
  if (sessionId !== null && !isUuid(sessionId))
    throw authErrors.badJwt('invalid claim: session_id claim must be a UUID')
  const { session, ...user } = found
  if (sessionId !== null && session === null) throw authErrors.sessionFromClaimNotFound()
  if (user.is_banned) throw authErrors.userBanned(403)
  return { claims, user, session }
}

const NIL = '00000000-0000-0000-0000-000000000000'

export const isUuid = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)
