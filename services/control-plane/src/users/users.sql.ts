import type { OrganizationRole } from '@favo/contracts'
import { sql, type Queryable } from '@favo/postgres'
import { isoTime } from '../iso-time.ts'

export interface UserRow {
  readonly id: string
  readonly email: string
  readonly is_confirmed: boolean
  readonly is_active: boolean
  readonly is_platform_administrator: boolean
  readonly created_at: string | null
  /** JSON: `[{"slug": …, "role": …}]`. */
  readonly organizations: string
}

export interface UserOrganization {
  readonly slug: string
  readonly role: OrganizationRole
}

const selectUsers = sql`
  select u.id::text as id, coalesce(u.email, '') as email, u.is_confirmed, u.is_active, u.is_platform_administrator,
    ${isoTime('u', 'created_at')} as created_at,
    (
      select coalesce(json_agg(json_build_object('slug', m.organization_id, 'role', m.role) order by m.created_at), '[]')
      from control.organization_members m where m.user_id = u.id
    )::text as organizations
  from control.people u`

export const listUsers = (db: Queryable) =>
  db.many<UserRow>(sql`${selectUsers} order by u.created_at, u.id limit 10000`)

export const findUserByEmail = (db: Queryable, email: string) =>
  db.maybeOne<UserRow>(sql`${selectUsers} where u.email = ${email} and u.is_active`)

/** The id is compared as text: what is no uuid is simply not there. */
export const findUser = (db: Queryable, id: string) =>
  db.maybeOne<UserRow>(sql`${selectUsers} where u.id::text = ${id}`)

export const setPlatformAdministrator = (db: Queryable, userId: string, isOne: boolean) =>
  db.run(
    isOne
      ? sql`insert into control.platform_administrators (user_id) values (${userId}::uuid) on conflict do nothing`
      : sql`delete from control.platform_administrators where user_id = ${userId}::uuid`,
  )
