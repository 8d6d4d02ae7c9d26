import { createClientSignal } from '@favo/http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { userOf } from './access-tokens/actor.ts'
import type { Admitted } from './admit.ts'
import { AuditEntry, type AuditSubject } from './audit/audit-entry.ts'
import type { ControlContext } from './context.ts'
import { requireGrant, requireOrganization, requireRole } from './permissions/access.ts'
import type { Platform } from './platform.ts'
import type { Route } from './route.ts'

export function createContext(
  platform: Platform,
  request: FastifyRequest,
  reply: FastifyReply,
  route: Route,
  admitted: Admitted,
): ControlContext & { readonly audit: AuditEntry } {
  const actor = admitted.actor ?? { kind: 'bootstrap' }
  const { access } = admitted
  return {
    ...platform,
    requestId: request.id,
    address: request.ip,
    acceptLanguage: request.headers['accept-language'] ?? null,
    actor,
    access,
    audit: new AuditEntry(describeRequest(request, route, admitted)),
    log: platform.log.child({ requestId: request.id }),
    signal: createClientSignal(reply.raw),
    require: (role, grant) => {
      requireGrant(actor, grant)
      requireRole(access, role)
    },
    requireOrganization: async (slug, role) => {
      if (admitted.actor !== null) await requireOrganization(platform.db, actor, slug, role)
    },
  }
}

/** Who does what, for the audit log. */
export function describeRequest(
  request: FastifyRequest,
  { operation }: Route,
  { actor, access }: Admitted,
): AuditSubject {
  const user = actor === null ? null : userOf(actor)
  return {
    requestId: request.id,
    actorKind: actor === null ? null : user === null ? 'operator' : 'user',
    actorId: user?.id ?? null,
    tokenId: actor?.kind === 'token' ? actor.id : null,
    actorName: user?.email ?? (actor?.kind === 'token' ? actor.name : actor === null ? null : 'operator'),
    operation,
    organizationId: access.organizationId,
    projectRef: access.projectRef,
    address: request.ip,
  }
}
