import type { OrganizationRole } from '@favo/contracts'
import type { Logger } from '@favo/runtime'
import type { Actor } from './access-tokens/actor.ts'
import type { Audit } from './audit/audit-entry.ts'
import type { Access } from './permissions/access.ts'
import type { Grant } from './permissions/permission.ts'
import type { Platform } from './platform.ts'

/** One request to `/v1`. */
export interface ControlContext extends Platform {
  readonly requestId: string
  /** Of the client, as far as trusted proxies tell. */
  readonly address: string
  /** Header; null when the client has not said what it reads. */
  readonly acceptLanguage: string | null
  /** On public routes: the operator's, with no rights (`access`). Other routes never meet it. */
  readonly actor: Actor
  readonly access: Access
  readonly audit: Audit
  readonly log: Logger
  /** Aborted when the client has gone. Changes of a project go on; owner SQL is cancelled. */
  readonly signal: AbortSignal
  /** For needs that depend on the body: throws 403 unless the actor has that role where the path points. */
  require(role: OrganizationRole, grant: Grant): void
  /** For bodies that name an organization: throws 404 or 403 as a path would. */
  requireOrganization(slug: string, role: OrganizationRole): Promise<void>
}
