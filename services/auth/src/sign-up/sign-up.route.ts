import { parseChallenge } from '../flow-states/pkce.ts'
import { body, object, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { renderSession } from '../sessions/session-reply.ts'
import { renderUser } from '../users/render-user.ts'
import { signUpAnonymously } from './sign-up-anonymously.ts'
import { signUp } from './sign-up.ts'

export const signUpRoute = route({
  operation: 'auth.sign_up',
  method: 'POST',
  path: '/signup',
  access: 'public',
  captcha: true,
  body: body('SignupParams', {
    email: text(),
    phone: text(),
    channel: text(),
    password: text(),
    data: object(),
    code_challenge: text(),
    code_challenge_method: text(),
  }),
  handle: async (ctx, { body, redirectTo }) => {
    if (body.email === '' && body.phone === '') {
      if (ctx.settings.anonymousUsersEnabled) ctx.limits.take('anonymous')
      return renderSession(await signUpAnonymously(ctx, body.data))
    }
    ctx.limits.take('signup')
    const { email, phone, password, channel } = body
    const challenge = parseChallenge(body.code_challenge, body.code_challenge_method)
    const data = body.data ?? {}
    const result = await signUp(ctx, { email, phone, password, data, channel, challenge, redirectTo })
    return result.kind === 'signedIn'
      ? renderSession(result.session)
      : { status: 200, body: renderUser(result.user) }
  },
})
