import { randomUUID } from 'node:crypto'
import { sql } from '@favo/postgres'
import { expect, test } from 'vitest'
import { createPkce, fragmentOf, google, site, startSocial } from '../../test/social.ts'
import { claimsOf } from '../../test/start-auth.ts'

const somebody = (more: object = {}) => ({
  sub: randomUUID(),
  email: `Ann-${randomUUID()}@example.com`,
  email_verified: true,
  name: 'Ann Example',
  picture: 'https://img.example.com/ann.png',
  ...more,
})

test('who signs in elsewhere has an account, a session in the fragment and the provider’s tokens', async () => {
  const { auth, provider, signIn } = await startSocial()
  const user = somebody()
  provider.user = user

  const end = await signIn({ redirect_to: 'https://app.example.com/welcome?x=1' })

  expect(end.origin + end.pathname + end.search).toBe('https://app.example.com/welcome?x=1')
  const fragment = fragmentOf(end)
  expect([...fragment.keys()].sort()).toEqual([
    'access_token',
    'expires_at',
    'expires_in',
    'provider_refresh_token',
    'provider_token',
    'refresh_token',
    'sb',
    'token_type',
  ])
  const token = fragment.get('access_token') ?? ''
  expect(claimsOf(token)).toMatchObject({
    amr: [{ method: 'oauth' }],
    app_metadata: { provider: 'google', providers: ['google'] },
  })
  const { body } = await auth.get('/user', { token })
  expect(body).toMatchObject({
    email: user.email.toLowerCase(),
    user_metadata: {
      iss: google,
      sub: user.sub,
      name: user.name,
      full_name: user.name,
      avatar_url: user.picture,
      picture: user.picture,
      provider_id: user.sub,
      email: user.email.toLowerCase(),
      email_verified: true,
      phone_verified: false,
    },
    identities: [{ provider: 'google', id: user.sub }],
  })
  expect(body.email_confirmed_at).toBeTruthy()
  expect((await auth.refresh(fragment.get('refresh_token') ?? '')).status).toBe(200)
})

test('the next time it is the same account, with what the provider says now', async () => {
  const { auth, provider, signIn } = await startSocial()
  const user = somebody()
  provider.user = user
  const first = claimsOf(fragmentOf(await signIn()).get('access_token') ?? '')
  provider.user = { ...user, email: 'new@example.com', name: 'Ann Newname' }
  const token = fragmentOf(await signIn()).get('access_token') ?? ''
  const { body } = await auth.get('/user', { token })
  expect(body.id).toBe(first.sub)
  expect(body).toMatchObject({ email: user.email.toLowerCase(), user_metadata: { name: 'Ann Newname' } })
  expect(body.identities).toHaveLength(1)
})

test('with PKCE the browser gets a code, good once and only with the verifier', async () => {
  const { auth, provider, signIn } = await startSocial()
  provider.user = somebody()
  const { verifier, params } = createPkce()
  const end = await signIn(params)
  expect(end.hash).toBe('')
  const auth_code = end.searchParams.get('code')

  const exchange = (code_verifier: string) =>
    auth.post('/token?grant_type=pkce', { auth_code, code_verifier })
  expect(await exchange('x'.repeat(64))).toMatchObject({
    status: 400,
    body: { error_code: 'bad_code_verifier' },
  })
  const { status, body } = await exchange(verifier)
  expect(status).toBe(200)
  expect(body).toMatchObject({
    provider_token: expect.any(String) as string,
    provider_refresh_token: expect.any(String) as string,
  })
  expect(claimsOf(body.access_token).amr).toMatchObject([{ method: 'oauth' }])
  expect(await exchange(verifier)).toMatchObject({
    status: 404,
    body: { error_code: 'flow_state_not_found' },
  })
})

test('what the client asks for is passed on, and what is ours it cannot choose', async () => {
  const { visit } = await startSocial()
  const evil = {
    redirect_uri: 'https://evil.test',
    state: 'mine',
    response_type: 'token',
    client_id: 'theirs',
  }
  const query = new URLSearchParams({
    provider: 'google',
    scopes: 'calendar,drive',
    prompt: 'consent',
    access_type: 'offline',
    nonce: 'n-1',
    CLIENT_SECRET: 's',
    apikey: 'k',
    ...evil,
  })
  const { location } = await visit(`/authorize?${query.toString()}`)
  const sent = Object.fromEntries(location?.searchParams ?? [])
  expect(sent).toEqual({
    client_id: 'our-client',
    redirect_uri: expect.stringMatching(
      /^http:\/\/[a-z]{20}\.favo\.localhost:8000\/auth\/v1\/callback$/,
    ) as string,
    response_type: 'code',
    scope: 'email profile calendar drive',
    state: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    prompt: 'consent',
    access_type: 'offline',
    nonce: 'n-1',
  })
})

test('providers that are unknown, off or not set up are refused with the reason', async () => {
  const { auth } = await startSocial({
    external: {
      github: { enabled: false },
      gitlab: { enabled: true },
      slack: { enabled: true, clientId: 'x' },
      keycloak: { enabled: true, clientId: 'x', secret: 'y' },
    },
  })
  const table = [
    ['unknown', 'Unsupported provider: Provider unknown could not be found'],
    ['', 'Unsupported provider: Provider  could not be found'],
    ['github', 'Unsupported provider: provider is not enabled'],
    ['gitlab', 'Unsupported provider: missing OAuth client ID'],
    ['slack', 'Unsupported provider: missing OAuth secret'],
    ['keycloak', 'Unsupported provider: unable to find URL for the Keycloak provider'],
    ['custom:mine', 'Unsupported provider: custom OAuth providers are disabled'],
  ]
  for (const [name, msg] of table)
    expect(await auth.get(`/authorize?provider=${name}`)).toMatchObject({
      status: 400,
      body: { code: 400, error_code: 'validation_failed', msg },
    })
})

test('half a PKCE request is refused', async () => {
  const { auth } = await startSocial()
  expect(await auth.get('/authorize?provider=google&code_challenge=abc')).toMatchObject({
    status: 400,
    body: { msg: 'PKCE flow requires code_challenge_method and code_challenge' },
  })
})

test('the refusal of the provider reaches the site in query and fragment', async () => {
  const { signIn } = await startSocial()
  const end = await signIn({ prompt: 'deny' })
  for (const told of [end.searchParams, fragmentOf(end)]) {
    expect(told.get('error')).toBe('access_denied')
    expect(told.get('error_description')).toBe('The user said no')
  }
  expect(fragmentOf(end).get('sb')).toBe('')
})

test('failures of the provider are told without its details', async () => {
  const { provider, signIn } = await startSocial()
  provider.user = somebody()
  provider.faults.set('/token', { status: 500 })
  const end = await signIn()
  expect(Object.fromEntries(end.searchParams)).toEqual({
    error: 'server_error',
    error_code: 'unexpected_failure',
    error_description: expect.stringMatching(/^Unable to exchange external code: .{4}$/) as string,
  })
})

test('a state that is missing, made up, of another project or too old signs nobody in', async () => {
  const [ours, theirs] = await Promise.all([startSocial(), startSocial()])
  const foreign = (await theirs.comeBack()).searchParams.get('state')
  const old = await ours.comeBack()
  await ours.auth.admin.run(sql`update auth.flow_state set created_at = now() - interval '301 seconds'`)
  const table = [
    ['', 'bad_oauth_callback', 'OAuth state parameter missing'],
    ['made-up', 'bad_oauth_state', 'OAuth state parameter is invalid'],
    [randomUUID(), 'bad_oauth_state', 'OAuth state not found or expired'],
    [foreign, 'bad_oauth_state', 'OAuth state not found or expired'],
    [old.searchParams.get('state'), 'bad_oauth_state', 'OAuth state has expired'],
  ]
  for (const [state, error_code, error_description] of table) {
    const { status, location } = await ours.visit(`/callback?code=x&state=${state}`)
    expect(status).toBe(303)
    expect(location?.origin).toBe(site)
    expect(Object.fromEntries(location?.searchParams ?? [])).toEqual({
      error: 'invalid_request',
      error_code,
      error_description,
    })
  }
})

test('a state is good once, also when two browsers bring it at the same time', async () => {
  const { provider, comeBack, visit } = await startSocial()
  provider.user = somebody()
  for (const params of [{}, createPkce().params]) {
    const back = await comeBack(params)
    const ends = await Promise.all([visit(back), visit(back)])
    const again = await visit(back)
    const signedIn = ends.filter(
      ({ location }) => location?.hash.includes('access_token') || location?.searchParams.has('code'),
    )
    expect(signedIn).toHaveLength(1)
    expect(again.location?.searchParams.get('error')).toBe('invalid_request')
  }
})

test('a link of a mail cannot be used as a state', async () => {
  const { auth, visit } = await startSocial({ mailerAutoconfirm: false })
  await auth.post('/signup', { email: 'x@example.com', password: 'secret-secret', ...createPkce().params })
  const flow = await auth.admin.one<{ id: string }>(sql`select id from auth.flow_state`)
  const { location } = await visit(`/callback?code=x&state=${flow.id}`)
  expect(location?.searchParams.get('error_code')).toBe('bad_oauth_state')
})

test('nobody is led to a site that the project does not know', async () => {
  const { provider, signIn } = await startSocial()
  provider.user = somebody()
  const strangers = [
    'https://evil.test/',
    '//evil.test',
    'https://app.example.com.evil.test/',
    'https://app.example.com@evil.test/',
    'https://evil.test\\@app.example.com/',
    'javascript:alert(1)',
  ]
  for (const redirect_to of strangers) expect((await signIn({ redirect_to })).origin).toBe(site)
})

test('the address that providers send back to does not follow the Host header', async () => {
  const { visit } = await startSocial()
  const headers = { host: 'evil.test', 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https' }
  const { location } = await visit('/authorize?provider=google', { headers })
  expect(location?.searchParams.get('redirect_uri')).not.toContain('evil')
})

test('Apple posts, and its name is taken the first time', async () => {
  const { auth, provider, visit, comeBack } = await startSocial(
    { external: { apple: { enabled: true, clientId: 'our-client', secret: 'our-secret' } } },
    { issuer: 'https://appleid.apple.com' },
  )
  provider.user = somebody({ is_private_email: 'true', name: undefined })
  const started = await visit('/authorize?provider=apple&prompt=x')
  expect(started.location?.searchParams.get('response_mode')).toBe('form_post')
  const back = await comeBack({ provider: 'apple' })
  const form = new URLSearchParams(back.search)
  form.set('user', JSON.stringify({ name: { firstName: 'Ann', lastName: 'Apple' } }))
  const { location } = await visit('/callback', { method: 'POST', body: form })
  const token = fragmentOf(location ?? new URL(site)).get('access_token') ?? ''
  const { body } = await auth.get('/user', { token })
  expect(body.user_metadata).toMatchObject({
    name: 'Ann Apple',
    full_name: 'Ann Apple',
    custom_claims: { is_private_email: true },
  })
})

test('sign-ups that are off are off here too, and a ban holds', async () => {
  const { auth, provider, signIn } = await startSocial({ disableSignup: true })
  provider.user = somebody()
  expect(Object.fromEntries((await signIn()).searchParams)).toMatchObject({
    error: 'access_denied',
    error_code: 'signup_disabled',
  })
  const open = await startSocial({})
  open.provider.user = somebody()
  const { sub } = claimsOf(fragmentOf(await open.signIn()).get('access_token') ?? '')
  await open.auth.put(
    `/admin/users/${String(sub)}`,
    { ban_duration: '1h' },
    { token: open.auth.keys.service },
  )
  expect(Object.fromEntries((await open.signIn()).searchParams)).toMatchObject({
    error: 'access_denied',
    error_code: 'user_banned',
  })
  expect(auth.url).toBeTruthy()
})

test('/settings tells which providers are on', async () => {
  const { auth } = await startSocial()
  const { body } = await auth.get('/settings')
  expect(body).toMatchObject({ external: { google: true, github: false, email: true } })
})
