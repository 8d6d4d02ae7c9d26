import type { OrganizationRole } from '@favo/contracts'
import { sql, type Queryable } from '@favo/postgres'
import { isoTime } from '../iso-time.ts'

export interface MemberRow {
  readonly user_id: string
  readonly email: string
  readonly role: OrganizationRole
  readonly has_factor: boolean
  readonly created_at: string
}

const selectMembers = sql`
  select m.user_id::text as user_id, coalesce(u.email, '') as email, m.role, u.has_factor,
    ${isoTime('m', 'created_at')} as created_at
  from control.organization_members m
  join control.people u on u.id = m.user_id`

export const listMembers = (db: Queryable, organizationId: string) =>
  db.many<MemberRow>(sql`
    ${selectMembers} where m.organization_id = ${organizationId} order by m.created_at, u.email`)

/** The id is compared as text: what is no uuid is simply not there. */
export const findMember = (db: Queryable, organizationId: string, userId: string) =>
  db.maybeOne<MemberRow>(sql`
    ${selectMembers} where m.organization_id = ${organizationId} and m.user_id::text = ${userId}`)

export const insertMember = (tx: Queryable, organizationId: string, userId: string, role: OrganizationRole) =>
  tx.run(sql`
    insert into control.organization_members (organization_id, user_id, role)
    values (${organizationId}, ${userId}::uuid, ${role})`)

/** The table itself sees to it that an owner is left (`organization_members_last_owner`). */
export const setMemberRole = (
  tx: Queryable,
  organizationId: string,
  userId: string,
  role: OrganizationRole,
) =>
  tx.run(sql`
    update control.organization_members set role = ${role}
    where organization_id = ${organizationId} and user_id::text = ${userId}`)

export const deleteMember = (tx: Queryable, organizationId: string, userId: string) =>
  tx.run(sql`
    delete from control.organization_members
    where organization_id = ${organizationId} and user_id::text = ${userId}`)
