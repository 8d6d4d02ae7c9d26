import { recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext } from '../context.ts'
import { body, object, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import { renderSession } from '../sessions/session-reply.ts'
import { passkeyErrors } from './passkey-errors.ts'
import { deletePasskey, listPasskeys, renamePasskey, type PasskeyView } from './passkeys.sql.ts'
import { offerRegistration, registerPasskey, requireLevel } from './register-passkey.ts'
import { offerAuthentication, signInWithPasskey } from './sign-in-with-passkey.ts'

const NAME_BYTES_MAX = 120
const answerBody = (struct: string) => body(struct, { challenge_id: text(), credential: object() })

export const passkeyRoutes = [
  route({
    operation: 'auth.passkey_sign_in_options',
    method: 'POST',
    path: '/passkeys/authentication/options',
    access: 'public',
    limit: 'passkey',
    captcha: true,
    handle: async (ctx) => {
      requireEnabled(ctx)
      return { status: 200, body: await offerAuthentication(ctx) }
    },
  }),
  route({
    operation: 'auth.passkey_sign_in',
    method: 'POST',
    path: '/passkeys/authentication/verify',
    access: 'public',
    body: answerBody('PasskeyAuthenticationVerifyParams'),
    handle: async (ctx, { body }) => {
      requireEnabled(ctx)
      return renderSession(await signInWithPasskey(ctx, body))
    },
  }),
  route({
    operation: 'auth.passkey_register_options',
    method: 'POST',
    path: '/passkeys/registration/options',
    access: 'user',
    handle: async (ctx, { caller }) => {
      requireEnabled(ctx)
      return { status: 200, body: await offerRegistration(ctx, caller) }
    },
  }),
  route({
    operation: 'auth.passkey_register',
    method: 'POST',
    path: '/passkeys/registration/verify',
    access: 'user',
    body: answerBody('PasskeyRegistrationVerifyParams'),
    handle: async (ctx, { caller, body }) => {
      requireEnabled(ctx)
      return { status: 200, body: await registerPasskey(ctx, caller, body) }
    },
  }),
  route({
    operation: 'auth.list_passkeys',
    method: 'GET',
    path: '/passkeys',
    access: 'user',
    handle: async (ctx, { caller }) => {
      requireEnabled(ctx)
      return { status: 200, body: (await listPasskeys(ctx.db, caller.user.id)).map(renderPasskey) }
    },
  }),
  route({
    operation: 'auth.update_passkey',
    method: 'PATCH',
    path: '/passkeys/:passkey_id',
    access: 'user',
    body: body('PasskeyUpdateParams', { friendly_name: text() }),
    handle: async (ctx, { caller, params, body }) => {
      requireEnabled(ctx)
      const id = requireId(params.passkey_id)
      const { friendly_name: name } = body
      if (name === '') throw passkeyErrors.nameNeeded()
      if (Buffer.byteLength(name) > NAME_BYTES_MAX) throw passkeyErrors.nameTooLong()
      const renamed = await ctx.db.transaction(async (tx) => {
        const passkey = await renamePasskey(tx, caller.user.id, id, name)
        if (passkey !== null) await recordAudit(tx, 'passkey_updated', caller.user, { passkey_id: id })
        return passkey
      })
      if (renamed === null) throw passkeyErrors.notFound()
      return { status: 200, body: renderPasskey(renamed) }
    },
  }),
  route({
    operation: 'auth.delete_passkey',
    method: 'DELETE',
    path: '/passkeys/:passkey_id',
    access: 'user',
    handle: async (ctx, { caller, params }) => {
      requireEnabled(ctx)
      requireLevel(caller)
      const id = requireId(params.passkey_id)
      await ctx.db.transaction(async (tx) => {
        if (!(await deletePasskey(tx, caller.user.id, id))) throw passkeyErrors.notFound()
        await recordAudit(tx, 'passkey_deleted', caller.user, { passkey_id: id })
      })
      return { status: 204 }
    },
  }),
]

function requireEnabled({ settings }: AuthContext): void {
  if (!settings.passkeyEnabled) throw passkeyErrors.disabled()
}

export function requireId(id: string | undefined): string {
  if (!isUuid(id)) throw passkeyErrors.notFound()
  return id
}

/** Without what says nothing, as GoTrue. */
export const renderPasskey = ({ id, friendly_name, created_at, last_used_at }: PasskeyView) => ({
  id,
  ...(friendly_name === '' ? {} : { friendly_name }),
  created_at,
  ...(last_used_at === null ? {} : { last_used_at }),
})
