import { sql, type Queryable } from '@favo/postgres'

export interface OrganizationRow {
  /** Also its slug. */
  readonly id: string
  readonly name: string
}

export const listOrganizations = (db: Queryable) =>
  db.many<OrganizationRow>(sql`select id, name from control.organizations order by created_at, id`)

export const findOrganization = (db: Queryable, id: string) =>
  db.maybeOne<OrganizationRow>(sql`select id, name from control.organizations where id = ${id}`)

export const insertOrganization = (db: Queryable, organization: OrganizationRow) =>
  db.one<OrganizationRow>(sql`
    insert into control.organizations (id, name) values (${organization.id}, ${organization.name})
    returning id, name`)
