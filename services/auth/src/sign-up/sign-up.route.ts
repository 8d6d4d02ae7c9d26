import { authErrors } from '../errors.ts'
import { body, object, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { renderSession } from '../sessions/session-reply.ts'
import { signUp } from './sign-up.ts'

export const signUpRoute = route({
  operation: 'auth.sign_up',
  method: 'POST',
  path: '/signup',
  access: 'public',
  body: body('SignupParams', { email: text(), phone: text(), password: text(), data: object() }),
  handle: async (ctx, { body }) => {
    if (body.email === '' && body.phone === '') throw authErrors.anonymousDisabled()
    return renderSession(await signUp(ctx, body))
  },
})
