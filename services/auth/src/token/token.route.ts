import { authErrors } from '../errors.ts'
import { body, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { renderSession } from '../sessions/session-reply.ts'
import { passwordGrant } from './password-grant.ts'
import { pkceGrant } from './pkce-grant.ts'
import { refreshGrant } from './refresh-grant.ts'

/** All grants share one path and differ by query, so the body has the members of all; each grant reads its own. */
export const tokenRoute = route({
  operation: 'auth.token',
  method: 'POST',
  path: '/token',
  access: 'public',
  body: body('TokenParams', {
    email: text(),
    phone: text(),
    password: text(),
    refresh_token: text(),
    auth_code: text(),
    code_verifier: text(),
  }),
  handle: async (ctx, { body, query }) => {
    switch (query.get('grant_type')) {
      case 'password': {
        const { weakness, ...session } = await passwordGrant(ctx, body)
        return renderSession(session, weakness === null ? {} : { weak_password: weakness })
      }
      case 'refresh_token':
        return renderSession(await refreshGrant(ctx, body.refresh_token))
      case 'pkce':
        return renderSession(await pkceGrant(ctx, body.auth_code, body.code_verifier))
      default:
        throw authErrors.unsupportedGrant()
    }
  },
})
