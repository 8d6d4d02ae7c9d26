import type { OrganizationRole } from '@favo/contracts'
import { sql, type Queryable } from '@favo/postgres'

/** `role` is null where the user is no member. */
export interface OrganizationAccessRow {
  readonly organization_id: string
  readonly role: OrganizationRole | null
}

export interface ProjectAccessRow extends OrganizationAccessRow {
  readonly ref: string
  readonly is_platform: boolean
}

export const findOrganizationAccess = (db: Queryable, slug: string, userId: string | null) =>
  db.maybeOne<OrganizationAccessRow>(sql`
    select o.id as organization_id, m.role
    from control.organizations o
    left join control.organization_members m on m.organization_id = o.id and m.user_id = ${userId}::uuid
    where o.id = ${slug} and not o.is_platform`)

export const findProjectAccess = (db: Queryable, ref: string, userId: string | null) =>
  db.maybeOne<ProjectAccessRow>(sql`
    select p.ref, p.is_platform, p.organization_id, m.role
    from control.projects p
    left join control.organization_members m
      on m.organization_id = p.organization_id and m.user_id = ${userId}::uuid
    where p.ref = ${ref}`)
