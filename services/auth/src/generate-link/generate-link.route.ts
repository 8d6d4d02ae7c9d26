import { body, object, text } from '../parse-body.ts'
import { isAllowedRedirect } from '../redirects/redirect-url.ts'
import { route } from '../route.ts'
import { renderUser } from '../users/render-user.ts'
import { generateLink } from './generate-link.ts'

export const generateLinkRoute = route({
  operation: 'auth.admin_generate_link',
  method: 'POST',
  path: '/admin/generate_link',
  access: 'admin',
  body: body('GenerateLinkParams', {
    type: text(),
    email: text(),
    new_email: text(),
    password: text(),
    data: object(),
    redirect_to: text(),
  }),
  handle: async (ctx, { caller, body, ...input }) => {
    const redirectTo = isAllowedRedirect(ctx.settings, body.redirect_to) ? body.redirect_to : input.redirectTo
    const { user, link, otp, hash, type } = await generateLink(ctx, caller, { ...body, redirectTo })
    return {
      status: 200,
      body: {
        ...renderUser(user),
        action_link: link,
        email_otp: otp,
        hashed_token: hash,
        verification_type: type,
        redirect_to: redirectTo,
      },
    }
  },
})
