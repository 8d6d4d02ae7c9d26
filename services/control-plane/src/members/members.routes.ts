import {
  TransferOwnershipBody,
  UpdateMemberBody,
  type OrganizationMember,
  type OrganizationRole,
} from '@favo/contracts'
import type { Queryable } from '@favo/postgres'
import { userOf } from '../access-tokens/actor.ts'
import type { ControlContext } from '../context.ts'
import { controlErrors } from '../errors.ts'
import { lockOrganization } from '../organizations/organizations.sql.ts'
import { requireOrganization } from '../permissions/access.ts'
import { route, type Route } from '../route.ts'
import { deleteMember, findMember, listMembers, setMemberRole, type MemberRow } from './members.sql.ts'

const base = '/organizations/:slug/members'

export const memberRoutes: readonly Route[] = [
  route({
    operation: 'members.list',
    method: 'GET',
    path: base,
    permission: { scope: 'organization', role: 'read_only', grant: 'organizations:read' },
    handle: async (ctx, { params }): Promise<OrganizationMember[]> =>
      (await listMembers(ctx.db, params.slug ?? '')).map(renderMember),
  }),
  route({
    operation: 'members.update',
    method: 'PATCH',
    path: `${base}/:user_id`,
    permission: { scope: 'organization', role: 'administrator', grant: 'organizations:write' },
    body: UpdateMemberBody,
    handle: (ctx, { params, body }) =>
      change(ctx, params, async (tx, organizationId, member) => {
        await requireRank(ctx, tx, organizationId, member.role, body.role)
        await setMemberRole(tx, organizationId, member.user_id, body.role)
        return { ...member, role: body.role }
      }),
  }),
  route({
    operation: 'members.remove',
    method: 'DELETE',
    path: `${base}/:user_id`,
    // Everybody may leave; whom else one may remove is asked below.
    permission: { scope: 'organization', role: 'read_only', grant: 'organizations:write' },
    handle: (ctx, { params }) => {
      const isLeaving = userOf(ctx.actor)?.id === params.user_id
      if (!isLeaving) ctx.require('administrator', 'organizations:write')
      return change(ctx, params, async (tx, organizationId, member) => {
        if (!isLeaving) await requireRank(ctx, tx, organizationId, member.role)
        await deleteMember(tx, organizationId, member.user_id)
        return null
      })
    },
  }),
  route({
    operation: 'organizations.transfer_ownership',
    method: 'POST',
    path: '/organizations/:slug/transfer-ownership',
    permission: { scope: 'organization', role: 'owner', grant: 'organizations:write' },
    body: TransferOwnershipBody,
    handle: (ctx, { params, body }) =>
      change(ctx, { slug: params.slug, user_id: body.user_id }, async (tx, organizationId, member) => {
        await requireRank(ctx, tx, organizationId, 'owner')
        const giver = userOf(ctx.actor)
        await setMemberRole(tx, organizationId, member.user_id, 'owner')
        // A platform administrator who is no member gives away nothing of his own.
        if (giver !== null && giver.id !== member.user_id)
          await setMemberRole(tx, organizationId, giver.id, 'administrator')
        return { ...member, role: 'owner' }
      }),
  }),
]

/** Changes one member in a transaction, with its audit row. Throws 404 when there is no such member. */
async function change(
  ctx: ControlContext,
  params: Readonly<{ slug?: string; user_id?: string }>,
  work: (tx: Queryable, organizationId: string, member: MemberRow) => Promise<MemberRow | null>,
): Promise<OrganizationMember> {
  return ctx.db.transaction(async (tx) => {
    // Changes of one organization's members wait for each other.
    const organization = await lockOrganization(tx, params.slug ?? '')
    if (organization === null) throw controlErrors.organizationNotFound()
    const before = await findMember(tx, organization.id, params.user_id ?? '')
    if (before === null) throw controlErrors.memberNotFound()
    const after = await work(tx, organization.id, before)
    ctx.audit.note({
      target: before.email,
      before: { user_id: before.user_id, role: before.role },
      after: after && { user_id: after.user_id, role: after.role },
    })
    await ctx.audit.write(tx)
    return renderMember(after ?? before)
  })
}

/**
 * Administrators change members, and owners are made, demoted and removed by owners only. Asked again under the lock: the
 * actor may have been demoted since the request came.
 */
export async function requireRank(
  ctx: ControlContext,
  tx: Queryable,
  organizationId: string,
  ...touched: readonly OrganizationRole[]
): Promise<void> {
  await requireOrganization(
    tx,
    ctx.actor,
    organizationId,
    touched.includes('owner') ? 'owner' : 'administrator',
  )
}

const roleNames: Readonly<Record<OrganizationRole, string>> = {
  read_only: 'Read-only',
  developer: 'Developer',
  administrator: 'Administrator',
  owner: 'Owner',
}

export const renderMember = (row: MemberRow): OrganizationMember => ({
  user_id: row.user_id,
  user_name: row.email.split('@')[0] ?? '',
  email: row.email,
  role_name: roleNames[row.role],
  role: row.role,
  mfa_enabled: row.has_factor,
  created_at: row.created_at,
})
