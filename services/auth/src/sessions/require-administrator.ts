import type { FastifyRequest } from 'fastify'
import type { Administrator, AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { findSessionProblem } from './session-limits.sql.ts'
import { findSignedIn, readClaims } from './require-signed-in.ts'

/** GoTrue's default of GOTRUE_JWT_ADMIN_ROLES. */
const administratorRoles = new Set(['service_role', 'supabase_admin'])

/**
 * The service key, or a token of this project whose role is an administrator's. A token that belongs to a session counts
 * only while the session does. Mirrors auth internal/api/middleware.go@bc32168 requireAdminCredentials.
 */
export async function requireAdministrator(
  ctx: AuthContext,
  request: FastifyRequest,
): Promise<Administrator> {
  const claims = readClaims(ctx, request)
  if (typeof claims.session_id === 'string' && claims.session_id !== '') {
    const { session } = await findSignedIn(ctx, claims)
    if (session?.is_expired === true) throw authErrors.sessionNoLongerValid()
    if (session !== null && (await isPastLimits(ctx, session.id))) throw authErrors.sessionNoLongerValid()
  }
  if (typeof claims.role !== 'string' || !administratorRoles.has(claims.role))
    throw authErrors.userNotAllowed()
  return { role: claims.role }
}

/** A newer session of the same user takes nothing from this one until it is refreshed. */
async function isPastLimits(ctx: AuthContext, sessionId: string): Promise<boolean> {
  const problem = await findSessionProblem(ctx.db, ctx.settings, sessionId, null)
  return problem === 'timebox' || problem === 'inactivity'
}
