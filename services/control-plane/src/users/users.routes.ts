import { UpdateUserBody, type PlatformUser } from '@favo/contracts'
import { controlErrors } from '../errors.ts'
import { route, type Route } from '../route.ts'
import {
  findUser,
  listUsers,
  setPlatformAdministrator,
  type UserOrganization,
  type UserRow,
} from './users.sql.ts'

/** People with an account. Accounts themselves are made, banned and deleted at the platform project's Auth. */
export const userRoutes: readonly Route[] = [
  route({
    operation: 'users.list',
    method: 'GET',
    path: '/users',
    permission: { scope: 'platform', grant: 'account:read' },
    handle: async (ctx) => (await listUsers(ctx.db)).map(render),
  }),
  route({
    operation: 'users.update',
    method: 'PATCH',
    path: '/users/:id',
    permission: { scope: 'platform', grant: 'account:write' },
    body: UpdateUserBody,
    handle: ({ db, audit }, { params, body }) =>
      db.transaction(async (tx) => {
        const before = await findUser(tx, params.id ?? '')
        if (before === null) throw controlErrors.userNotFound()
        await setPlatformAdministrator(tx, before.id, body.is_platform_administrator)
        const { is_platform_administrator } = before
        audit.note({
          target: before.email,
          before: { is_platform_administrator },
          after: { is_platform_administrator: body.is_platform_administrator },
        })
        await audit.write(tx)
        return render({ ...before, is_platform_administrator: body.is_platform_administrator })
      }),
  }),
]

const render = (row: UserRow): PlatformUser => ({
  id: row.id,
  email: row.email,
  is_confirmed: row.is_confirmed,
  is_active: row.is_active,
  is_platform_administrator: row.is_platform_administrator,
  organizations: JSON.parse(row.organizations) as UserOrganization[],
  created_at: row.created_at,
})
