import { expect, test } from 'vitest'
import { fragmentOf, startSocial } from '../../test/social.ts'

const issuer = 'https://id.example.com'
const secrets = { client_id: 'our-client', client_secret: 'our-secret' }

test('administrators make a provider, users sign in with it, and its secret is not shown', async () => {
  const { auth, provider, signIn } = await startSocial({ customOAuthEnabled: true }, { issuer })
  const ask = { token: auth.keys.service }
  const made = await auth.post(
    '/admin/custom-providers',
    { provider_type: 'oidc', identifier: 'custom:own', name: 'Own', issuer, scopes: ['email'], ...secrets },
    ask,
  )
  expect(made).toMatchObject({
    status: 201,
    body: { identifier: 'custom:own', scopes: ['openid', 'email'], discovery_document: { issuer } },
  })
  expect(JSON.stringify(made.body)).not.toContain('our-secret')
  provider.user = { sub: '7', email: 'ann@example.com', email_verified: true }
  expect(fragmentOf(await signIn({ provider: 'custom:own' })).get('access_token')).toBeTruthy()

  const path = '/admin/custom-providers/custom:own'
  expect((await auth.put(path, { enabled: false, name: 'New' }, ask)).body).toMatchObject({
    name: 'New',
    enabled: false,
  })
  expect((await auth.get('/authorize?provider=custom:own')).body.msg).toBe(
    'Unsupported provider: custom provider custom:own is disabled',
  )
  expect((await auth.get('/admin/custom-providers?type=oidc', ask)).body).toMatchObject({
    providers: [{ name: 'New' }],
  })
  expect((await auth.get('/admin/custom-providers?type=oauth2', ask)).body).toEqual({ providers: [] })
  expect((await auth.delete(path, undefined, ask)).status).toBe(204)
  expect(await auth.get(path, ask)).toMatchObject({
    status: 404,
    body: { error_code: 'custom_provider_not_found' },
  })
})

test('what does not fit is refused', async () => {
  const { auth } = await startSocial({ customOAuthEnabled: true }, { issuer })
  const ask = { token: auth.keys.service }
  const base = { provider_type: 'oidc', identifier: 'custom:own', name: 'Own', issuer, ...secrets }
  const table: [object, string][] = [
    [{ provider_type: 'saml' }, "provider_type must be either 'oauth2' or 'oidc'"],
    [{ identifier: 'own' }, "identifier must start with 'custom:' prefix, e.g. 'custom:own'"],
    [{ name: '' }, 'name is required'],
    [{ issuer: '' }, 'issuer is required for OIDC providers'],
    [{ provider_type: 'oauth2' }, 'authorization_url is required for OAuth2 providers'],
    [{ issuer: 'http://id.example.com' }, 'URL must use HTTPS'],
    [{ issuer: 'https://localhost' }, 'URL cannot point to localhost or loopback addresses'],
    [
      { issuer: 'https://169.254.169.254' },
      'OIDC discovery from "https://169.254.169.254/.well-known/openid-configuration" failed',
    ],
    [{ authorization_params: { state: 'x' } }, 'Cannot override reserved OAuth parameter: state'],
    [{ attribute_mapping: { role: 'x' } }, 'Cannot map to protected system field: role'],
  ]
  for (const [more, msg] of table)
    expect(await auth.post('/admin/custom-providers', { ...base, ...more }, ask)).toMatchObject({
      status: 400,
      body: { error_code: 'validation_failed', msg },
    })
  expect((await auth.post('/admin/custom-providers', base, ask)).status).toBe(201)
  expect((await auth.post('/admin/custom-providers', base, ask)).body.error_code).toBe('conflict')
  const ann = await auth.ann()
  expect((await auth.get('/admin/custom-providers', { token: ann.token })).status).toBe(403)
})
