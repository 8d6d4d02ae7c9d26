import { createClientSignal } from '@favo/http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Actor } from './access-tokens/authenticate.ts'
import { AuditEntry } from './audit/audit-entry.ts'
import type { ControlContext } from './context.ts'
import { requireOrganization, requireRole, type Access } from './permissions/access.ts'
import type { Platform } from './platform.ts'
import type { Route } from './route.ts'

/** Who was let in, and as what. No actor: the route is public. */
export interface Admitted {
  readonly actor: Actor | null
  readonly access: Access
}

export function createContext(
  platform: Platform,
  request: FastifyRequest,
  reply: FastifyReply,
  { operation }: Route,
  { actor: known, access }: Admitted,
): ControlContext & { readonly audit: AuditEntry } {
  const actor = known ?? { kind: 'bootstrap' }
  const audit = new AuditEntry({
    requestId: request.id,
    actorKind: known === null ? null : 'operator',
    actorId: null,
    tokenId: actor.kind === 'token' ? actor.id : null,
    actorName: actor.kind === 'token' ? actor.name : known === null ? null : 'operator',
    operation,
    organizationId: access.organizationId,
    projectRef: access.projectRef,
    address: request.ip,
  })
  return {
    ...platform,
    requestId: request.id,
    actor,
    access,
    audit,
    log: platform.log.child({ requestId: request.id }),
    signal: createClientSignal(reply.raw),
    require: (role, grant) => requireRole(access, role, grant),
    requireOrganization: (slug, role) => requireOrganization(platform.db, access, slug, role),
  }
}
