import { organizationRoles, type OrganizationRole } from '@favo/contracts'
import type { Queryable } from '@favo/postgres'
import { userOf, type Actor } from '../access-tokens/actor.ts'
import { controlErrors } from '../errors.ts'
import { findOrganizationAccess, findProjectAccess } from './access.sql.ts'
import { covers } from './grants.ts'
import type { Grant, Permission } from './permission.ts'

/** What the actor is to the organization or project that the path names. */
export interface Access {
  readonly isPlatformAdministrator: boolean
  /** Null on routes that name neither, and for platform administrators who are no members. */
  readonly role: OrganizationRole | null
  readonly organizationId: string | null
  readonly projectRef: string | null
}

/** On public routes. */
export const strangersAccess: Access = {
  isPlatformAdministrator: false,
  role: null,
  organizationId: null,
  projectRef: null,
}

export const hasRole = (role: OrganizationRole | null, least: OrganizationRole): boolean =>
  role !== null && organizationRoles.indexOf(role) >= organizationRoles.indexOf(least)

/**
 * Throws 403 for what the actor sees and may not do. What he may see at all is asked first, by `locate`: a token of few scopes
 * tells no more about others' projects than one of all.
 */
export function requirePermission(actor: Actor, permission: Permission, access: Access): void {
  if (permission.scope === 'public') return
  if (permission.scope === 'platform' && !access.isPlatformAdministrator)
    throw controlErrors.forPlatformAdministrators()
  requireGrant(actor, permission.grant)
  if ('role' in permission) requireRole(access, permission.role)
}

/** The platform project keeps its state, place and database: it isn't paused, deleted, given away, branched or renamed. */
const fixed: readonly Grant[] = ['projects:write', 'environment:write']

/** What the actor is to what the path names. Throws 404 for what he may not see. */
export async function locate(
  db: Queryable,
  actor: Actor,
  permission: Permission,
  params: Readonly<Record<string, string>>,
): Promise<Access> {
  const user = userOf(actor)
  const isPlatformAdministrator = user === null || user.isPlatformAdministrator
  const userId = user?.id ?? null
  if (permission.scope === 'organization') {
    const found = await findOrganizationAccess(db, params.slug ?? '', userId)
    if (found === null || !(isPlatformAdministrator || found.role !== null))
      throw controlErrors.organizationNotFound()
    return {
      isPlatformAdministrator,
      role: found.role,
      organizationId: found.organization_id,
      projectRef: null,
    }
  }
  if (permission.scope === 'project') {
    const ref = permission.locate === undefined ? params.ref : await permission.locate.ref(db, params)
    const found = typeof ref === 'string' ? await findProjectAccess(db, ref, userId) : null
    if (found === null || !(isPlatformAdministrator || found.role !== null))
      throw permission.locate?.notFound() ?? controlErrors.projectNotFound()
    if (found.is_platform && fixed.includes(permission.grant)) throw controlErrors.platformStays()
    return {
      isPlatformAdministrator,
      role: found.role,
      organizationId: found.organization_id,
      projectRef: found.ref,
    }
  }
  return { ...strangersAccess, isPlatformAdministrator }
}

const nobody = '00000000-0000-0000-0000-000000000000'

/** Whose things a list shows; null: all, to platform administrators. */
export function listedFor({ actor, access }: { actor: Actor; access: Access }): string | null {
  return access.isPlatformAdministrator ? null : (userOf(actor)?.id ?? nobody)
}

/** Whether the actor has at least that role here. */
export const mayAct = (access: Access, least: OrganizationRole): boolean =>
  access.isPlatformAdministrator || hasRole(access.role, least)

/** Throws 403 unless the actor has at least that role here. */
export function requireRole(access: Access, least: OrganizationRole): void {
  if (!mayAct(access, least)) throw controlErrors.forbidden(least)
}

/** Throws 403 when the actor uses a token that was not made for this. */
export function requireGrant(actor: Actor, grant: Grant): void {
  if (actor.kind === 'token' && actor.scopes !== null && !covers(actor.scopes, grant))
    throw controlErrors.insufficientScope(grant)
}

/** For bodies that name an organization: 404 or 403, as for a path. Returns what the actor is there. */
export async function requireOrganization(
  db: Queryable,
  actor: Actor,
  slug: string,
  least: OrganizationRole,
): Promise<Access> {
  const access = await locate(
    db,
    actor,
    { scope: 'organization', role: least, grant: 'organizations:read' },
    { slug },
  )
  requireRole(access, least)
  return access
}
