import {
  CreateOrganizationBody,
  UpdateOrganizationBody,
  type Organization,
  type OrganizationDetails,
  type Profile,
} from '@favo/contracts'
import { createRef } from '@favo/tokens'
import { userOf } from '../access-tokens/actor.ts'
import { controlErrors } from '../errors.ts'
import { insertMember } from '../members/members.sql.ts'
import { listedFor } from '../permissions/access.ts'
import { route, type Route } from '../route.ts'
import {
  countProjectsOf,
  deleteOrganization,
  findOrganization,
  insertOrganization,
  listOrganizations,
  lockOrganization,
  renameOrganization,
  type OrganizationRow,
} from './organizations.sql.ts'

const render = (row: OrganizationRow): Organization => ({ id: row.id, slug: row.id, name: row.name })

export const organizationRoutes: readonly Route[] = [
  route({
    operation: 'organizations.list',
    method: 'GET',
    path: '/organizations',
    permission: { scope: 'account', grant: 'organizations:read' },
    handle: async (ctx) => (await listOrganizations(ctx.db, listedFor(ctx))).map(render),
  }),
  route({
    operation: 'organizations.create',
    method: 'POST',
    path: '/organizations',
    permission: { scope: 'account', grant: 'organizations:write' },
    status: 201,
    body: CreateOrganizationBody,
    // The slug is random there, too; people go by the name.
    handle: ({ db, actor, audit }, { body }) =>
      db.transaction(async (tx) => {
        const row = await insertOrganization(tx, { id: createRef(), name: body.name })
        const user = userOf(actor)
        if (user !== null) await insertMember(tx, row.id, user.id, 'owner')
        audit.note({ organizationId: row.id, after: { name: row.name } })
        await audit.write(tx)
        return render(row)
      }),
  }),
  route({
    operation: 'organizations.get',
    method: 'GET',
    path: '/organizations/:slug',
    permission: { scope: 'organization', role: 'read_only', grant: 'organizations:read' },
    handle: async (ctx, { params }): Promise<OrganizationDetails> => {
      const row = await findOrganization(ctx.db, params.slug ?? '')
      if (row === null) throw controlErrors.organizationNotFound()
      return {
        id: row.id,
        name: row.name,
        plan: 'platform',
        opt_in_tags: [],
        allowed_release_channels: ['ga'],
      }
    },
  }),
  route({
    operation: 'organizations.update',
    method: 'PATCH',
    path: '/organizations/:slug',
    permission: { scope: 'organization', role: 'owner', grant: 'organizations:write' },
    body: UpdateOrganizationBody,
    handle: ({ db, audit }, { params, body }) =>
      db.transaction(async (tx) => {
        const before = await lockOrganization(tx, params.slug ?? '')
        const after = before && (await renameOrganization(tx, before.id, body.name))
        if (after === null) throw controlErrors.organizationNotFound()
        audit.note({ before: { name: before?.name }, after: { name: after.name } })
        await audit.write(tx)
        return render(after)
      }),
  }),
  route({
    operation: 'organizations.delete',
    method: 'DELETE',
    path: '/organizations/:slug',
    permission: { scope: 'organization', role: 'owner', grant: 'organizations:write' },
    handle: ({ db, audit }, { params }) =>
      db.transaction(async (tx) => {
        const row = await lockOrganization(tx, params.slug ?? '')
        if (row === null) throw controlErrors.organizationNotFound()
        const projects = await countProjectsOf(tx, row.id)
        if (projects > 0) throw controlErrors.organizationNotEmpty(projects)
        await deleteOrganization(tx, row.id)
        audit.note({ before: { name: row.name } })
        await audit.write(tx)
        return render(row)
      }),
  }),
  route({
    operation: 'profile.get',
    method: 'GET',
    path: '/profile',
    permission: { scope: 'account', grant: 'account:read' },
    handle: async ({ actor }): Promise<Profile> => {
      const user = userOf(actor)
      if (user !== null)
        return { gotrue_id: user.id, primary_email: user.email, username: user.email.split('@')[0] ?? '' }
      // The operator is nobody in particular; the client wants a name to greet.
      return {
        gotrue_id: actor.kind === 'token' ? actor.id : '00000000-0000-0000-0000-000000000000',
        primary_email: 'operator@favo.localhost',
        username: actor.kind === 'token' ? actor.name : 'operator',
      }
    },
  }),
]
