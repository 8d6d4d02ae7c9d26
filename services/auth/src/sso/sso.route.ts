import type { AuthContext } from '../context.ts'
import { body, optionalFlag, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { errorParams, logFailure, redirect } from '../sign-in-elsewhere/redirects.ts'
import { consumeAssertion } from './consume-assertion.ts'
import { renderMetadata } from './service-provider.ts'
import { signInWithSso } from './sign-in-with-sso.ts'
import { ssoErrors } from './sso-errors.ts'

function checkEnabled({ settings }: AuthContext): void {
  if (!settings.samlEnabled) throw ssoErrors.disabled()
}

export const ssoRoute = route({
  operation: 'auth.sso',
  method: 'POST',
  path: '/sso',
  access: 'public',
  limit: 'sso',
  captcha: true,
  body: body('SingleSignOnParams', {
    provider_id: text(),
    domain: text(),
    redirect_to: text(),
    skip_http_redirect: optionalFlag(),
    code_challenge: text(),
    code_challenge_method: text(),
  }),
  handle: async (ctx, { body }) => {
    checkEnabled(ctx)
    const url = await signInWithSso(ctx, body)
    return body.skip_http_redirect === true ? { status: 200, body: { url } } : redirect(url, 303)
  },
})

export const samlMetadataRoute = route({
  operation: 'auth.saml_metadata',
  method: 'GET',
  path: '/sso/saml/metadata',
  access: 'open',
  handle: async (ctx, { query }) => {
    checkEnabled(ctx)
    const isDownload = query.get('download') === 'true'
    return {
      status: 200,
      headers: {
        'content-type': 'application/xml',
        'cache-control': 'public, max-age=600',
        ...(isDownload ? { 'content-disposition': 'attachment; filename="metadata.xml"' } : {}),
      },
      body: renderMetadata(ctx, isDownload),
    }
  },
})

/** Whatever is wrong with an assertion is told to the site, in the query. */
export const samlAcsRoute = route({
  operation: 'auth.saml_acs',
  method: 'POST',
  path: '/sso/saml/acs',
  access: 'open',
  limit: 'saml_assertion',
  handle: async (ctx, { form }) => {
    checkEnabled(ctx)
    try {
      return await consumeAssertion(ctx, form)
    } catch (error) {
      logFailure(ctx, error, 'single sign-on failed')
      const site = new URL(ctx.settings.siteUrl)
      for (const [name, value] of Object.entries(errorParams(error))) site.searchParams.set(name, value)
      return redirect(site.toString(), 303)
    }
  },
})
