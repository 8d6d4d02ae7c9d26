import { administratorActor, recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { route } from '../route.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import { findUserById } from '../users/users.sql.ts'
import { passkeyErrors } from './passkey-errors.ts'
import { renderPasskey, requireId } from './passkeys.route.ts'
import { deletePasskey, listPasskeys } from './passkeys.sql.ts'

export const adminPasskeyRoutes = [
  route({
    operation: 'auth.admin_list_passkeys',
    method: 'GET',
    path: '/admin/users/:user_id/passkeys',
    access: 'admin',
    handle: async (ctx, { params }) => {
      const userId = await requireUser(ctx, params.user_id)
      return { status: 200, body: (await listPasskeys(ctx.db, userId)).map(renderPasskey) }
    },
  }),
  route({
    operation: 'auth.admin_delete_passkey',
    method: 'DELETE',
    path: '/admin/users/:user_id/passkeys/:passkey_id',
    access: 'admin',
    handle: async (ctx, { caller, params }) => {
      const userId = await requireUser(ctx, params.user_id)
      const id = requireId(params.passkey_id)
      await ctx.db.transaction(async (tx) => {
        if (!(await deletePasskey(tx, userId, id))) throw passkeyErrors.notFound()
        await recordAudit(tx, 'passkey_deleted', administratorActor(caller.role), {
          user_id: userId,
          passkey_id: id,
        })
      })
      return { status: 204 }
    },
  }),
]

async function requireUser(ctx: AuthContext, id: string | undefined): Promise<string> {
  if (!isUuid(id)) throw authErrors.userIdNotUuid()
  if ((await findUserById(ctx.db, id)) === null) throw authErrors.userNotFound()
  return id
}
