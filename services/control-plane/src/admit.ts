import { nameActor } from '@favo/http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { actorKey, userOf, type Actor } from './access-tokens/actor.ts'
import { authenticate, type Authenticator } from './access-tokens/authenticate.ts'
import { AuditEntry } from './audit/audit-entry.ts'
import { describeRequest } from './create-context.ts'
import { ControlError, controlErrors } from './errors.ts'
import { locate, requirePermission, strangersAccess, type Access } from './permissions/access.ts'
import type { Platform } from './platform.ts'
import type { RequestLimit } from './rate-limits/request-limit.ts'
import type { Route } from './route.ts'

/** Who was let in, and as what. No actor: the route is public. */
export interface Admitted {
  readonly actor: Actor | null
  readonly access: Access
}

export interface Gatekeeper {
  readonly authenticator: Authenticator
  readonly limit: RequestLimit
}

/**
 * Whether a request may go on: token, then what the actor may see and do, then how often. Before the body is read: a
 * stranger's megabytes are not worth parsing. Throws 401, 403, 404 or 429.
 */
export async function admit(
  platform: Platform,
  { authenticator, limit }: Gatekeeper,
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Admitted> {
  if (route.permission.scope === 'public') return { actor: null, access: strangersAccess }
  const actor = await authenticate(authenticator, request.headers.authorization, request.ip)
  nameActor(request, actorKey(actor))
  const count = (place: string) => {
    // The operator and his own tokens: nobody else's platform.
    if (userOf(actor) === null) return
    const allowance = limit.take(actorKey(actor), place, platform.clock().getTime())
    void reply
      .header('x-ratelimit-limit', allowance.limit)
      .header('x-ratelimit-remaining', allowance.remaining)
      .header('x-ratelimit-reset', allowance.resetSeconds)
    if (!allowance.isAllowed) throw controlErrors.tooManyRequests(allowance.resetSeconds)
  }
  const access = await locate(
    platform.db,
    actor,
    route.permission,
    request.params as Readonly<Record<string, string>>,
  ).catch((error: unknown) => {
    // Where there is nothing to see, all names count as one: guessing is bounded.
    if (error instanceof ControlError) count('elsewhere')
    throw error
  })
  count(access.projectRef ?? access.organizationId ?? 'account')
  try {
    requirePermission(actor, route.permission, access)
  } catch (error) {
    if (route.method !== 'GET') await noteRefusal(platform, route, request, { actor, access })
    throw error
  }
  return { actor, access }
}

/** Attempts at what is seen but not allowed are worth knowing about. */
async function noteRefusal(
  platform: Platform,
  route: Route,
  request: FastifyRequest,
  admitted: Admitted,
): Promise<void> {
  const entry = new AuditEntry(describeRequest(request, route, admitted))
  await entry.finish(platform.db, 403).catch((error: unknown) => {
    platform.log.error({ requestId: request.id, error }, 'the audit row could not be written')
  })
}
