import { firstAudience } from '../sessions/verify-token.ts'
import { authErrors } from '../errors.ts'
import { parseChallenge } from '../flow-states/pkce.ts'
import { body, object, optionalText, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { renderUser } from '../users/render-user.ts'
import { updateUser } from './update-user.ts'

export const getUserRoute = route({
  operation: 'auth.get_user',
  method: 'GET',
  path: '/user',
  access: 'user',
  handle: async (ctx, { caller }) => {
    const audience = firstAudience(caller.claims)
    if (audience === null || audience !== (ctx.audienceHeader ?? audience))
      throw authErrors.validationFailed("Token audience doesn't match request audience")
    return { status: 200, body: renderUser(caller.user) }
  },
})

export const updateUserRoute = route({
  operation: 'auth.update_user',
  method: 'PUT',
  path: '/user',
  access: 'user',
  limit: 'user',
  body: body('UserUpdateParams', {
    email: text(),
    phone: text(),
    channel: text(),
    password: optionalText(),
    current_password: text(),
    data: object(),
    app_metadata: object(),
    nonce: text(),
    code_challenge: text(),
    code_challenge_method: text(),
  }),
  handle: async (ctx, { caller, body, redirectTo }) => {
    const challenge = parseChallenge(body.code_challenge, body.code_challenge_method)
    const user = await updateUser(ctx, caller, { ...body, challenge, redirectTo })
    return { status: 200, body: renderUser(user) }
  },
})
