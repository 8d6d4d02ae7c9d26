import {
  CreateOrganizationBody,
  type Organization,
  type OrganizationDetails,
  type Profile,
} from '@favo/contracts'
import { createRef } from '@favo/tokens'
import { controlErrors } from '../errors.ts'
import { route, type Route } from '../route.ts'
import {
  findOrganization,
  insertOrganization,
  listOrganizations,
  type OrganizationRow,
} from './organizations.sql.ts'

const render = (row: OrganizationRow): Organization => ({ id: row.id, slug: row.id, name: row.name })

export const organizationRoutes: readonly Route[] = [
  route({
    operation: 'organizations.list',
    method: 'GET',
    path: '/organizations',
    permission: { scope: 'account', grant: 'organizations:read' },
    handle: async (ctx) => (await listOrganizations(ctx.db)).map(render),
  }),
  route({
    operation: 'organizations.create',
    method: 'POST',
    path: '/organizations',
    permission: { scope: 'account', grant: 'organizations:write' },
    status: 201,
    body: CreateOrganizationBody,
    // The slug is random there, too; people go by the name.
    handle: async (ctx, { body }) =>
      render(await insertOrganization(ctx.db, { id: createRef(), name: body.name })),
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
    operation: 'profile.get',
    method: 'GET',
    path: '/profile',
    permission: { scope: 'account', grant: 'account:read' },
    // Tokens belong to the platform and not to a person yet; the client wants a name to greet.
    handle: async ({ actor }): Promise<Profile> => ({
      gotrue_id: actor.kind === 'token' ? actor.id : '00000000-0000-0000-0000-000000000000',
      primary_email: 'operator@favo.localhost',
      username: actor.kind === 'token' ? actor.name : 'operator',
    }),
  }),
]
