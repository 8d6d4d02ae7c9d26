import { administratorActor, recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { body, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import { parsePhone } from '../users/addresses.ts'
import type { FactorView, UserRow } from '../users/user.ts'
import { findUserById, getUserById } from '../users/users.sql.ts'
import { factorErrors } from './factor-errors.ts'
import { changeFactor, deleteFactor, findFactor } from './factors.sql.ts'

export const listFactorsRoute = route({
  operation: 'auth.admin_list_factors',
  method: 'GET',
  path: '/admin/users/:user_id/factors',
  access: 'admin',
  handle: async (ctx, { params }) => ({
    status: 200,
    body: (await loadUser(ctx, params.user_id)).factors,
  }),
})

export const changeFactorRoute = route({
  operation: 'auth.admin_update_factor',
  method: 'PUT',
  path: '/admin/users/:user_id/factors/:factor_id',
  access: 'admin',
  body: body('adminUserUpdateFactorParams', { friendly_name: text(), phone: text() }),
  handle: async (ctx, { caller, params, body }) => {
    const { user, view } = await loadBoth(ctx, params)
    const phone = view.factor_type === 'phone' && body.phone !== '' ? parsePhone(body.phone) : ''
    await ctx.db.transaction(async (tx) => {
      await changeFactor(tx, view.id, { friendlyName: body.friendly_name, phone })
      await recordAudit(tx, 'factor_updated', administratorActor(caller.role), {
        user_id: user.id,
        factor_id: view.id,
        factor_type: view.factor_type,
      })
    })
    const { factors } = await getUserById(ctx.db, user.id)
    return { status: 200, body: factors.find(({ id }) => id === view.id) ?? view }
  },
})

export const deleteFactorRoute = route({
  operation: 'auth.admin_delete_factor',
  method: 'DELETE',
  path: '/admin/users/:user_id/factors/:factor_id',
  access: 'admin',
  handle: async (ctx, { params }) => {
    const { user, view } = await loadBoth(ctx, params)
    const factor = await findFactor(ctx.db, user.id, view.id)
    if (factor === null) throw factorErrors.notFound()
    await ctx.db.transaction(async (tx) => {
      // In the user's name, as GoTrue writes it.
      await recordAudit(tx, 'factor_deleted', user, { user_id: user.id, factor_id: factor.id })
      await deleteFactor(tx, factor)
    })
    return { status: 200, body: view }
  },
})

async function loadUser(ctx: AuthContext, id: string | undefined): Promise<UserRow> {
  if (!isUuid(id)) throw authErrors.userIdNotUuid()
  const user = await findUserById(ctx.db, id)
  if (user === null) throw authErrors.userNotFound()
  return user
}

async function loadBoth(
  ctx: AuthContext,
  params: Readonly<Record<string, string>>,
): Promise<{ readonly user: UserRow; readonly view: FactorView }> {
  const user = await loadUser(ctx, params.user_id)
  const { factor_id: id } = params
  if (!isUuid(id)) throw factorErrors.idNotUuid()
  const view = user.factors.find((factor) => factor.id === id.toLowerCase())
  if (view === undefined) throw factorErrors.notFound()
  return { user, view }
}
