import {
  AcceptInvitationBody,
  CreateInvitationBody,
  type Invitation,
  type OrganizationMember,
  type OrganizationRole,
} from '@favo/contracts'
import type { Queryable } from '@favo/postgres'
import { createSecret, sha256Hex } from '@favo/tokens'
import { userOf } from '../access-tokens/actor.ts'
import type { ControlContext } from '../context.ts'
import { controlErrors } from '../errors.ts'
import { renderMember, requireRank } from '../members/members.routes.ts'
import { findMember, insertMember } from '../members/members.sql.ts'
import { lockOrganization } from '../organizations/organizations.sql.ts'
import { enqueueInvitation } from '../outbox/outbox.ts'
import { route, type Route } from '../route.ts'
import {
  deleteInvitation,
  findInvitation,
  findInviter,
  isMemberByEmail,
  listInvitations,
  listInvitationsFor,
  putInvitation,
  takeInvitation,
  type InvitationRow,
} from './invitations.sql.ts'

/** As on Supabase. */
const HOURS = 24

const base = '/organizations/:slug/invitations'

export const invitationRoutes: readonly Route[] = [
  route({
    operation: 'invitations.list',
    method: 'GET',
    path: base,
    permission: { scope: 'organization', role: 'administrator', grant: 'organizations:read' },
    handle: async (ctx, { params }) => (await listInvitations(ctx.db, params.slug ?? '')).map(render),
  }),
  route({
    operation: 'invitations.create',
    method: 'POST',
    path: base,
    permission: { scope: 'organization', role: 'administrator', grant: 'organizations:write' },
    status: 201,
    body: CreateInvitationBody,
    handle: async (ctx, { params, body }) => invite(ctx, params.slug, body.email, body.role),
  }),
  route({
    operation: 'invitations.resend',
    method: 'POST',
    path: `${base}/:id/resend`,
    permission: { scope: 'organization', role: 'administrator', grant: 'organizations:write' },
    handle: async (ctx, { params }) => {
      const found = await findInvitation(ctx.db, params.slug ?? '', params.id ?? '')
      if (found === null) throw controlErrors.invitationNotFound()
      return invite(ctx, params.slug, found.email, found.role)
    },
  }),
  route({
    operation: 'invitations.withdraw',
    method: 'DELETE',
    path: `${base}/:id`,
    permission: { scope: 'organization', role: 'administrator', grant: 'organizations:write' },
    handle: (ctx, { params }) =>
      ctx.db.transaction(async (tx) => {
        const found = await findInvitation(tx, params.slug ?? '', params.id ?? '')
        if (found === null) throw controlErrors.invitationNotFound()
        await requireRank(ctx, tx, found.organization_id, found.role)
        await deleteInvitation(tx, found.organization_id, found.id)
        ctx.audit.note({ target: found.email, before: { email: found.email, role: found.role } })
        await ctx.audit.write(tx)
        return render(found)
      }),
  }),
  route({
    operation: 'invitations.list_own',
    method: 'GET',
    path: '/invitations',
    permission: { scope: 'account', grant: 'account:read' },
    handle: async ({ db, actor }) => {
      const user = userOf(actor)
      return user === null ? [] : (await listInvitationsFor(db, user.email)).map(render)
    },
  }),
  route({
    operation: 'invitations.accept',
    method: 'POST',
    path: '/invitations/accept',
    permission: { scope: 'account', grant: 'account:write' },
    status: 201,
    body: AcceptInvitationBody,
    handle: (ctx, { body }) => accept(ctx, body.token),
  }),
]

async function invite(
  ctx: ControlContext,
  slug: string | undefined,
  email: string,
  role: OrganizationRole,
): Promise<Invitation> {
  const token = `sbi_${createSecret(32)}`
  const row = await ctx.db.transaction(async (tx) => {
    const organization = await lockOrganization(tx, slug ?? '')
    if (organization === null) throw controlErrors.organizationNotFound()
    await requireRank(ctx, tx, organization.id, role)
    if (await isMemberByEmail(tx, organization.id, email)) throw controlErrors.alreadyMember()
    const user = userOf(ctx.actor)
    const invitation = await putInvitation(tx, {
      organizationId: organization.id,
      email,
      role,
      invitedBy: user?.id ?? null,
      tokenHash: sha256Hex(token),
      hours: HOURS,
    })
    await enqueueInvitation(tx, ctx.secretBox, {
      email,
      organization: organization.name,
      role,
      invitedBy: user?.email ?? 'operator',
      token,
      expiresAt: invitation.expires_at,
      acceptLanguage: ctx.acceptLanguage,
    })
    ctx.audit.note({ target: email, after: { email, role } })
    await ctx.audit.write(tx)
    return invitation
  })
  ctx.deliverMails()
  return render(row)
}

/** Unknown, expired, used, withdrawn and another's: all the same to who asks. */
async function accept(ctx: ControlContext, token: string): Promise<OrganizationMember> {
  const user = userOf(ctx.actor)
  if (user === null) throw controlErrors.invitationNotFound()
  return ctx.db.transaction(async (tx) => {
    const taken = await takeInvitation(tx, sha256Hex(token), user.email)
    if (taken === null) throw controlErrors.invitationNotFound()
    await requireInviter(tx, taken)
    if ((await findMember(tx, taken.organization_id, user.id)) !== null) throw controlErrors.alreadyMember()
    await insertMember(tx, taken.organization_id, user.id, taken.role)
    ctx.audit.note({
      organizationId: taken.organization_id,
      target: user.email,
      after: { user_id: user.id, role: taken.role },
    })
    await ctx.audit.write(tx)
    const member = await findMember(tx, taken.organization_id, user.id)
    if (member === null) throw controlErrors.invitationNotFound()
    return renderMember(member)
  })
}

/** Who has left, or may no longer give that role, has no say any more: his invitations go with his rights. */
async function requireInviter(
  tx: Queryable,
  taken: {
    readonly organization_id: string
    readonly role: OrganizationRole
    readonly invited_by: string | null
  },
): Promise<void> {
  if (taken.invited_by === null) return
  const inviter = await findInviter(tx, taken.organization_id, taken.invited_by)
  const mayGive =
    inviter?.is_platform_administrator === true ||
    inviter?.role === 'owner' ||
    (inviter?.role === 'administrator' && taken.role !== 'owner')
  if (!mayGive) throw controlErrors.invitationNotFound()
}

const render = (row: InvitationRow): Invitation => ({
  id: row.id,
  organization_slug: row.organization_id,
  organization_name: row.organization_name,
  email: row.email,
  role: row.role,
  invited_by: row.invited_by,
  created_at: row.created_at,
  expires_at: row.expires_at,
  is_expired: row.is_expired,
})
