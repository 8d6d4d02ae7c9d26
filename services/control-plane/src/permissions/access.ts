import { organizationRoles, type OrganizationRole } from '@favo/contracts'
import type { Queryable } from '@favo/postgres'
import type { Actor } from '../access-tokens/authenticate.ts'
import { controlErrors } from '../errors.ts'
import { findOrganization } from '../organizations/organizations.sql.ts'
import { findProjectRow } from '../projects/projects.sql.ts'
import type { Grant, Permission } from './permission.ts'

/** What the actor is to the organization or project that the path names. */
export interface Access {
  readonly isPlatformAdministrator: boolean
  /** Null on routes that name neither. */
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

/** Throws 404 for what the actor may not see, 403 for what he sees and may not do. */
export async function authorize(
  db: Queryable,
  actor: Actor,
  permission: Permission,
  params: Readonly<Record<string, string>>,
): Promise<Access> {
  const nowhere = { isPlatformAdministrator: true, role: null, organizationId: null, projectRef: null }
  if (permission.scope === 'organization') {
    const organization = await findOrganization(db, params.slug ?? '')
    if (organization === null) throw controlErrors.organizationNotFound()
    return { ...nowhere, role: 'owner', organizationId: organization.id }
  }
  if (permission.scope === 'project') {
    const { locate } = permission
    const ref = locate === undefined ? (params.ref ?? '') : await locate.ref(db, params)
    const project = ref === null ? null : await findProjectRow(db, ref)
    if (project === null) throw locate?.notFound() ?? controlErrors.projectNotFound()
    return { ...nowhere, role: 'owner', organizationId: project.organization_id, projectRef: project.ref }
  }
  return nowhere
}

/** For handlers whose need depends on what is asked: throws 403 unless the actor has at least that role here. */
export function requireRole(access: Access, least: OrganizationRole, _grant?: Grant): void {
  if (!access.isPlatformAdministrator && !hasRole(access.role, least)) throw controlErrors.forbidden(least)
}

/** For bodies that name an organization: 404 or 403, as for a path. */
export async function requireOrganization(
  db: Queryable,
  access: Access,
  slug: string,
  _least: OrganizationRole,
): Promise<void> {
  if ((await findOrganization(db, slug)) === null || !access.isPlatformAdministrator)
    throw controlErrors.organizationNotFound()
}
