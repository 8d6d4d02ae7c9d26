import { authErrors } from '../errors.ts'
import { body, flag, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { renderSession } from '../sessions/session-reply.ts'
import { idTokenGrant } from './id-token-grant.ts'
import { passwordGrant } from './password-grant.ts'
import { pkceGrant } from './pkce-grant.ts'
import { refreshGrant } from './refresh-grant.ts'
import { checkWeb3, web3Grant } from './web3-grant.ts'

const grants = new Set(['password', 'refresh_token', 'id_token', 'pkce', 'web3'])
/** They continue what a captcha was solved for, or come from another provider. */
const grantsWithoutCaptcha = new Set(['pkce', 'refresh_token', 'id_token'])

/** All grants share one path and differ by query, so the body has the members of all; each grant reads its own. */
export const tokenRoute = route({
  operation: 'auth.token',
  method: 'POST',
  path: '/token',
  access: 'public',
  check: (ctx, query) => {
    const grant = query.get('grant_type') ?? ''
    if (grants.has(grant)) ctx.limits.take(grant === 'web3' ? 'web3' : 'token')
    if (grant === 'web3') checkWeb3(ctx)
  },
  captcha: (query) => !grantsWithoutCaptcha.has(query.get('grant_type') ?? ''),
  body: body('TokenParams', {
    email: text(),
    phone: text(),
    password: text(),
    refresh_token: text(),
    auth_code: text(),
    code_verifier: text(),
    id_token: text(),
    access_token: text(),
    nonce: text(),
    provider: text(),
    client_id: text(),
    issuer: text(),
    link_identity: flag(),
    chain: text(),
    message: text(),
    signature: text(),
  }),
  handle: async (ctx, { body, query, redirectTo, headers, authenticate }) => {
    switch (query.get('grant_type')) {
      case 'password': {
        const { weakness, ...session } = await passwordGrant(ctx, body)
        return renderSession(session, weakness === null ? {} : { weak_password: weakness })
      }
      case 'refresh_token':
        return renderSession(await refreshGrant(ctx, body.refresh_token))
      case 'pkce':
        return pkceGrant(ctx, body.auth_code, body.code_verifier)
      case 'id_token': {
        const linkingAs = (headers.authorization ?? '') === '' ? null : authenticate
        return renderSession(await idTokenGrant(ctx, body, redirectTo, linkingAs))
      }
      case 'web3':
        return renderSession(await web3Grant(ctx, body))
      default:
        throw authErrors.unsupportedGrant()
    }
  },
})
