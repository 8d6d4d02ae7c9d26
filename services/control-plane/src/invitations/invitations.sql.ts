import type { OrganizationRole } from '@favo/contracts'
import { sql, type Queryable } from '@favo/postgres'
import { isoTime } from '../iso-time.ts'

export interface InvitationRow {
  readonly id: string
  readonly organization_id: string
  readonly organization_name: string
  readonly email: string
  readonly role: OrganizationRole
  /** The address of who invited; null = the operator. */
  readonly invited_by: string | null
  readonly created_at: string
  readonly expires_at: string
  readonly is_expired: boolean
}

const selectInvitations = sql`
  select i.id::text as id, i.organization_id, o.name as organization_name, i.email, i.role, u.email as invited_by,
    ${isoTime('i', 'created_at')} as created_at,
    ${isoTime('i', 'expires_at')} as expires_at,
    i.expires_at <= now() as is_expired
  from control.invitations i
  join control.organizations o on o.id = i.organization_id
  left join control.people u on u.id = i.invited_by`

export const listInvitations = (db: Queryable, organizationId: string) =>
  db.many<InvitationRow>(sql`
    ${selectInvitations} where i.organization_id = ${organizationId} order by i.created_at, i.email`)

export const listInvitationsFor = (db: Queryable, email: string) =>
  db.many<InvitationRow>(sql`
    ${selectInvitations} where i.email = ${email} and i.expires_at > now() order by i.created_at`)

export const findInvitation = (db: Queryable, organizationId: string, id: string) =>
  db.maybeOne<InvitationRow>(sql`
    ${selectInvitations} where i.organization_id = ${organizationId} and i.id::text = ${id}`)

/** Of an address and organization there is one at a time: a new one takes the place of an older one. */
export async function putInvitation(
  tx: Queryable,
  invitation: {
    readonly organizationId: string
    readonly email: string
    readonly role: OrganizationRole
    readonly invitedBy: string | null
    readonly tokenHash: string
    readonly hours: number
  },
): Promise<InvitationRow> {
  const { id } = await tx.one<{ id: string }>(sql`
    insert into control.invitations (organization_id, email, role, invited_by, token_hash, expires_at)
    values (
      ${invitation.organizationId}, ${invitation.email}, ${invitation.role}, ${invitation.invitedBy}::uuid,
      ${invitation.tokenHash}, now() + make_interval(hours => ${invitation.hours}::int)
    )
    on conflict on constraint invitations_address_key do update set
      role = excluded.role, invited_by = excluded.invited_by, token_hash = excluded.token_hash,
      created_at = now(), expires_at = excluded.expires_at
    returning id::text as id`)
  return tx.one<InvitationRow>(sql`${selectInvitations} where i.id = ${id}::uuid`)
}

/** Null when there is none for that address, or it has expired. Deleted: it is good once. */
export const takeInvitation = (tx: Queryable, tokenHash: string, email: string) =>
  tx.maybeOne<{
    readonly id: string
    readonly organization_id: string
    readonly role: OrganizationRole
    readonly invited_by: string | null
  }>(sql`
    delete from control.invitations
    where token_hash = ${tokenHash} and email = ${email} and expires_at > now()
    returning id::text as id, organization_id, role, invited_by::text as invited_by`)

export const deleteInvitation = (tx: Queryable, organizationId: string, id: string) =>
  tx.run(sql`delete from control.invitations where organization_id = ${organizationId} and id::text = ${id}`)

export const isMemberByEmail = async (db: Queryable, organizationId: string, email: string) =>
  (await db.maybeOne(sql`
    select 1 as one from control.organization_members m join control.people u on u.id = m.user_id
    where m.organization_id = ${organizationId} and u.email = ${email} limit 1`)) !== null

/** Null when who invited is no member any more, and no platform administrator. */
export const findInviter = (tx: Queryable, organizationId: string, userId: string) =>
  tx.maybeOne<{ readonly role: OrganizationRole | null; readonly is_platform_administrator: boolean }>(sql`
    select m.role, u.is_platform_administrator
    from control.people u
    left join control.organization_members m on m.user_id = u.id and m.organization_id = ${organizationId}
    where u.id = ${userId}::uuid and u.is_active`)
