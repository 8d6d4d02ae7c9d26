import { sql, type Queryable } from '@favo/postgres'

export interface OrganizationRow {
  /** Also its slug. */
  readonly id: string
  readonly name: string
}

/** A user's, or (null) all of them. The platform's own is none that one works with. */
export const listOrganizations = (db: Queryable, userId: string | null) =>
  db.many<OrganizationRow>(sql`
    select id, name from control.organizations o
    where not is_platform and (
      ${userId}::uuid is null
      or exists (
        select from control.organization_members m where m.organization_id = o.id and m.user_id = ${userId}::uuid
      )
    )
    order by created_at, id`)

export const findOrganization = (db: Queryable, id: string) =>
  db.maybeOne<OrganizationRow>(
    sql`select id, name from control.organizations where id = ${id} and not is_platform`,
  )

export const insertOrganization = (db: Queryable, organization: OrganizationRow) =>
  db.one<OrganizationRow>(sql`
    insert into control.organizations (id, name) values (${organization.id}, ${organization.name})
    returning id, name`)

export const renameOrganization = (db: Queryable, id: string, name: string) =>
  db.maybeOne<OrganizationRow>(sql`
    update control.organizations set name = ${name} where id = ${id} and not is_platform returning id, name`)

/** Locks it: nobody adds a project or member until the transaction ends. */
export const lockOrganization = (tx: Queryable, id: string) =>
  tx.maybeOne<OrganizationRow>(
    sql`select id, name from control.organizations where id = ${id} and not is_platform for update`,
  )

export const countProjectsOf = async (db: Queryable, id: string): Promise<number> =>
  (
    await db.one<{ count: number }>(
      sql`select count(*)::int as count from control.projects where organization_id = ${id}`,
    )
  ).count

export const deleteOrganization = (tx: Queryable, id: string) =>
  tx.run(sql`delete from control.organizations where id = ${id} and not is_platform`)
