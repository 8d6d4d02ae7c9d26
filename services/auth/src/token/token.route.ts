import { authErrors } from '../errors.ts'
import { body, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { renderSession } from '../sessions/session-reply.ts'
import { passwordGrant } from './password-grant.ts'
import { refreshGrant } from './refresh-grant.ts'

/** All grants share one path and differ by query, so the body has the members of all; each grant reads its own. */
export const tokenRoute = route({
  operation: 'auth.token',
  method: 'POST',
  path: '/token',
  access: 'public',
  body: body('TokenParams', { email: text(), phone: text(), password: text(), refresh_token: text() }),
  handle: async (ctx, { body, query }) => {
    switch (query.get('grant_type')) {
      case 'password': {
        const { weakness, ...session } = await passwordGrant(ctx, body)
        return renderSession(session, weakness === null ? {} : { weak_password: weakness })
      }
      case 'refresh_token':
        return renderSession(await refreshGrant(ctx, body.refresh_token))
      default:
        throw authErrors.unsupportedGrant()
    }
  },
})
