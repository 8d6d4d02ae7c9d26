import { body, object, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { renderSession } from '../sessions/session-reply.ts'
import { signUpAnonymously } from './sign-up-anonymously.ts'
import { signUp } from './sign-up.ts'

export const signUpRoute = route({
  operation: 'auth.sign_up',
  method: 'POST',
  path: '/signup',
  access: 'public',
  body: body('SignupParams', { email: text(), phone: text(), password: text(), data: object() }),
  handle: async (ctx, { body }) => {
    const isAnonymous = body.email === '' && body.phone === ''
    return renderSession(isAnonymous ? await signUpAnonymously(ctx, body.data) : await signUp(ctx, body))
  },
})
