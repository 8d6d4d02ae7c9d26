import { DatabaseError } from '@favo/postgres'
import { administratorActor, recordAudit } from '../audit/audit.sql.ts'
import type { Administrator, AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { body, flag } from '../parse-body.ts'
import { route } from '../route.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import { renderUser } from '../users/render-user.ts'
import type { UserRow } from '../users/user.ts'
import { findUserById } from '../users/users.sql.ts'
import { deleteUser, eraseUser } from './admin-users.sql.ts'
import { changeUser } from './change-user.ts'
import { createUser } from './create-user.ts'
import { findUserPage } from './list-users.ts'
import { adminUserBody } from './user-params.ts'

export const listUsersRoute = route({
  operation: 'auth.admin_list_users',
  method: 'GET',
  path: '/admin/users',
  access: 'admin',
  handle: async (ctx, { query }) => {
    const { users, audience, headers } = await findUserPage(ctx, query)
    return { status: 200, headers, body: { users: users.map(renderUser), aud: audience } }
  },
})

export const createUserRoute = route({
  operation: 'auth.admin_create_user',
  method: 'POST',
  path: '/admin/users',
  access: 'admin',
  body: adminUserBody,
  handle: async (ctx, { caller, body }) => ({
    status: 200,
    body: renderUser(await createUser(ctx, caller, body)),
  }),
})

export const getAdminUserRoute = route({
  operation: 'auth.admin_get_user',
  method: 'GET',
  path: '/admin/users/:user_id',
  access: 'admin',
  handle: async (ctx, { params }) => ({ status: 200, body: renderUser(await loadUser(ctx, params.user_id)) }),
})

export const changeUserRoute = route({
  operation: 'auth.admin_update_user',
  method: 'PUT',
  path: '/admin/users/:user_id',
  access: 'admin',
  body: adminUserBody,
  handle: async (ctx, { caller, params, body }) => {
    const user = await loadUser(ctx, params.user_id)
    return { status: 200, body: renderUser(await changeUser(ctx, caller, user, body)) }
  },
})

export const deleteUserRoute = route({
  operation: 'auth.admin_delete_user',
  method: 'DELETE',
  path: '/admin/users/:user_id',
  access: 'admin',
  body: { ...body('adminUserDeleteParams', { should_soft_delete: flag() }), isOptional: true },
  handle: async (ctx, { caller, params, body }) => {
    const user = await loadUser(ctx, params.user_id)
    await removeUser(ctx, caller, user, body.should_soft_delete)
    return { status: 200, body: {} }
  },
})

async function loadUser(ctx: AuthContext, id: string | undefined): Promise<UserRow> {
  if (!isUuid(id)) throw authErrors.userIdNotUuid()
  const user = await findUserById(ctx.db, id)
  if (user === null) throw authErrors.userNotFound()
  return user
}

/** Removed for good, with everything that hangs on it; or only emptied, for rows elsewhere that point at it. */
async function removeUser(
  ctx: AuthContext,
  administrator: Administrator,
  user: UserRow,
  isSoft: boolean,
): Promise<void> {
  const traits = { user_id: user.id, user_email: user.email ?? '', user_phone: user.phone ?? '' }
  const remove = ctx.db.transaction(async (tx) => {
    await recordAudit(tx, 'user_deleted', administratorActor(administrator.role), traits)
    if (!isSoft) await deleteUser(tx, user.id)
    else if (user.deleted_at === null) await eraseUser(tx, user)
  })
  await remove.catch((error: unknown) => {
    if (error instanceof DatabaseError)
      throw authErrors.unexpectedFailure('Database error deleting user', error)
    throw error
  })
}
