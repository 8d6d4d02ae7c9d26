import type { AuthContext } from '../context.ts'
import { signInErrors } from '../providers/sign-in-errors.ts'
import { route } from '../route.ts'
import { startSignIn } from './start-sign-in.ts'
import { unlinkIdentity } from './unlink-identity.ts'

/** One more way in for the user who is signed in: as a redirect, or its address where the client goes there itself. */
export const linkIdentityRoute = route({
  operation: 'auth.link_identity',
  method: 'GET',
  path: '/user/identities/authorize',
  access: 'user',
  handle: async (ctx, { caller, query, redirectTo }) => {
    checkManualLinking(ctx)
    const url = await startSignIn(ctx, query, redirectTo, caller.user)
    return query.get('skip_http_redirect') === 'true'
      ? { status: 200, body: { url } }
      : { status: 302, headers: { location: url } }
  },
})

export const unlinkIdentityRoute = route({
  operation: 'auth.unlink_identity',
  method: 'DELETE',
  path: '/user/identities/:identityId',
  access: 'user',
  handle: async (ctx, { caller, params }) => {
    checkManualLinking(ctx)
    await unlinkIdentity(ctx, caller, params.identityId ?? '')
    return { status: 200, body: {} }
  },
})

function checkManualLinking({ settings }: AuthContext): void {
  if (!settings.manualLinkingEnabled) throw signInErrors.manualLinkingDisabled()
}
