import { randomUUID } from 'node:crypto'
import { sql } from '@favo/postgres'
import type { Project } from '@favo/projects'
import { createSigningKey, verifyJwt } from '@favo/tokens'
import { expect, test } from 'vitest'
import { createPkce, site } from '../../test/social.ts'
import { claimsOf, sessionIdOf, startAuth, type TestAuth } from '../../test/start-auth.ts'

const redirectUri = 'https://client.example.com/callback'

async function start(project: Partial<Project> = {}) {
  const auth = await startAuth({
    auth: {
      siteUrl: site,
      oauthServerEnabled: true,
      oauthServerAllowDynamicRegistration: true,
      oauthServerAuthorizationPath: '/oauth/consent',
    },
    project,
  })
  return { auth, ann: await auth.ann({ name: 'Ann', picture: 'p' }) }
}

interface Client {
  readonly client_id: string
  readonly client_secret?: string
}

async function register(auth: TestAuth, more: object = {}): Promise<Client> {
  const { status, body } = await auth.post('/oauth/clients/register', {
    client_name: 'Client',
    redirect_uris: [redirectUri],
    ...more,
  })
  if (status !== 201) throw new Error(JSON.stringify(body))
  return body as unknown as Client
}

async function visit(auth: TestAuth, query: Record<string, string>) {
  const url = `${auth.url}/oauth/authorize?${new URLSearchParams(query).toString()}`
  const reply = await fetch(url, { redirect: 'manual' })
  const location = reply.headers.get('location')
  return {
    status: reply.status,
    location: location === null ? null : new URL(location),
    body: location === null ? ((await reply.json()) as Record<string, unknown>) : {},
  }
}

/** From the client's link to the page that asks; its id of the authorization. */
async function ask(auth: TestAuth, client: Client, more: Record<string, string> = {}) {
  const { verifier, params } = createPkce()
  const { location } = await visit(auth, {
    client_id: client.client_id,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'email profile',
    state: 's-1',
    ...params,
    ...more,
  })
  return { id: location?.searchParams.get('authorization_id') ?? '', verifier, location }
}

async function approve(auth: TestAuth, token: string, id: string) {
  await auth.get(`/oauth/authorizations/${id}`, { token })
  const { body } = await auth.post(`/oauth/authorizations/${id}/consent`, { action: 'approve' }, { token })
  return new URL((body as unknown as { redirect_url: string }).redirect_url)
}

async function exchange(
  auth: TestAuth,
  client: Client,
  form: Record<string, string>,
  headers: Record<string, string> = {},
) {
  const basic = Buffer.from(`${client.client_id}:${client.client_secret ?? ''}`).toString('base64')
  const reply = await fetch(`${auth.url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}`, ...headers },
    body: new URLSearchParams(form),
  })
  return { status: reply.status, body: (await reply.json()) as Record<string, string> }
}

const code = (value: string | null, verifier: string) => ({
  grant_type: 'authorization_code',
  code: value ?? '',
  code_verifier: verifier,
  redirect_uri: redirectUri,
})

test('a client gets tokens of a user who agreed, and sees what its scopes allow', async () => {
  const { auth, ann } = await start()
  const client = await register(auth)
  const { id, verifier, location } = await ask(auth, client)
  expect(location === null ? '' : location.origin + location.pathname).toBe(`${site}/oauth/consent`)
  const details = await auth.get(`/oauth/authorizations/${id}`, { token: ann.token })
  expect(details.body).toEqual({
    authorization_id: id,
    redirect_uri: redirectUri,
    client: { id: client.client_id, name: 'Client' },
    user: { id: ann.id, email: ann.email },
    scope: 'email profile',
  })
  const back = await approve(auth, ann.token, id)
  expect(back.origin + back.pathname).toBe(redirectUri)
  expect(back.searchParams.get('state')).toBe('s-1')

  const tokens = await exchange(auth, client, code(back.searchParams.get('code'), verifier))
  expect(tokens.status).toBe(200)
  expect(Object.keys(tokens.body).sort()).toEqual([
    'access_token',
    'expires_in',
    'refresh_token',
    'token_type',
  ])
  const access = tokens.body.access_token ?? ''
  expect(claimsOf(access)).toMatchObject({
    sub: ann.id,
    client_id: client.client_id,
    amr: [{ method: 'oauth_provider/authorization_code' }],
  })
  const info = await auth.get('/oauth/userinfo', { token: access })
  expect(info.body).toMatchObject({
    sub: ann.id,
    email: ann.email,
    email_verified: true,
    name: 'Ann',
    picture: 'p',
  })
  expect((await auth.get('/oauth/userinfo', { token: ann.token })).body).toEqual({ sub: ann.id })

  const refreshed = await exchange(auth, client, {
    grant_type: 'refresh_token',
    refresh_token: tokens.body.refresh_token ?? '',
  })
  expect(claimsOf(refreshed.body.access_token ?? '')).toMatchObject({ client_id: client.client_id })
})

test('a code is good once, for its client, with its verifier and address', async () => {
  const { auth, ann } = await start()
  const [client, thief] = [await register(auth), await register(auth)]
  const { id, verifier } = await ask(auth, client)
  const value = (await approve(auth, ann.token, id)).searchParams.get('code')
  const good = code(value, verifier)
  const refused = (error_description: string) => ({
    status: 400,
    body: { error: 'invalid_grant', error_description },
  })
  expect(await exchange(auth, thief, good)).toEqual(
    refused('Authorization code was not issued for this client'),
  )
  expect(await exchange(auth, client, { ...good, code_verifier: 'x'.repeat(64) })).toEqual(
    refused('PKCE verification failed: code challenge does not match previously saved code verifier'),
  )
  expect(await exchange(auth, client, { ...good, code_verifier: '' })).toEqual(
    refused('PKCE verification failed: code_verifier is required when PKCE challenge is present'),
  )
  expect(await exchange(auth, client, { ...good, redirect_uri: 'https://evil.test' })).toEqual(
    refused('Invalid redirect_uri'),
  )
  const both = await Promise.all([exchange(auth, client, good), exchange(auth, client, good)])
  expect(both.map(({ status }) => status).sort()).toEqual([200, 400])
  expect(await exchange(auth, client, good)).toEqual(refused('Invalid authorization code'))
})

test('a client that does not prove itself in its own way gets nothing', async () => {
  const { auth } = await start()
  const secret = await register(auth)
  const open = await register(auth, { token_endpoint_auth_method: 'none' })
  expect(open.client_secret).toBeUndefined()
  const form = { grant_type: 'authorization_code', code: 'x' }
  const send = async (body: Record<string, string>, headers: Record<string, string> = {}) => {
    const reply = await fetch(`${auth.url}/oauth/token`, {
      method: 'POST',
      headers,
      body: new URLSearchParams(body),
    })
    return (await reply.json()) as unknown
  }
  const refused = (msg: string) => ({ code: 400, error_code: 'invalid_credentials', msg })
  expect(await send(form)).toEqual(refused('Invalid client credentials: client_id is required'))
  expect(await send({ ...form, client_id: 'x' })).toEqual(refused('Invalid client_id format'))
  expect(await send({ ...form, client_id: randomUUID() })).toEqual(refused('Invalid client credentials'))
  expect(await send({ ...form, client_id: secret.client_id })).toEqual(
    refused(
      "invalid authentication method: client is registered for 'client_secret_basic' but 'none' was used",
    ),
  )
  expect((await exchange(auth, { ...secret, client_secret: 'guess' }, form)).body).toEqual(
    refused('invalid client credentials'),
  )
  expect((await exchange(auth, open, form)).body).toMatchObject({ error_code: 'invalid_credentials' })
  expect(await send({ ...form, client_id: open.client_id })).toEqual({
    error: 'invalid_grant',
    error_description: 'Invalid authorization code',
  })
  expect((await exchange(auth, secret, {})).body).toMatchObject({
    error_description: 'grant_type is required',
  })
  expect((await exchange(auth, secret, { grant_type: 'password' })).body).toMatchObject({
    error: 'unsupported_grant_type',
  })
})

test('without PKCE, with unknown scopes or another response the client is told so', async () => {
  const { auth } = await start()
  const client = await register(auth)
  const { params } = createPkce()
  const base = { client_id: client.client_id, redirect_uri: redirectUri, state: 's', ...params }
  const table: [Record<string, string>, string][] = [
    [{ code_challenge: '' }, 'PKCE flow requires both code_challenge and code_challenge_method'],
    [{ code_challenge_method: 'none' }, "code_challenge_method must be 'S256' or 'plain'"],
    [{ code_challenge: 'short' }, 'code_challenge must be between 43 and 128 characters'],
    [{ scope: 'email admin' }, 'unsupported scope: admin'],
    [{ response_type: 'token' }, 'only response_type=code is supported'],
    [{ resource: 'x' }, 'resource must be an absolute URI'],
    [{ resource: 'https://a.test/#x' }, 'resource must not include a fragment component'],
  ]
  for (const [more, error_description] of table) {
    const { status, location } = await visit(auth, { ...base, ...more })
    expect(status).toBe(302)
    expect(Object.fromEntries(location?.searchParams ?? [])).toEqual({
      error: 'invalid_request',
      error_description,
      state: 's',
    })
  }
})

test('browsers are sent to registered addresses only', async () => {
  const { auth } = await start()
  const client = await register(auth)
  const base = { client_id: client.client_id, redirect_uri: redirectUri, ...createPkce().params }
  for (const redirect_uri of [
    'https://evil.test',
    `${redirectUri}/x`,
    `${redirectUri}?x=1`,
    `${redirectUri}@evil.test`,
  ]) {
    const { status, body, location } = await visit(auth, { ...base, redirect_uri })
    expect([status, location]).toEqual([400, null])
    expect(body).toMatchObject({ error_code: 'validation_failed', msg: 'invalid redirect_uri' })
  }
  expect((await visit(auth, { ...base, client_id: randomUUID() })).body).toMatchObject({
    error_code: 'oauth_client_not_found',
    msg: 'invalid client_id',
  })
  expect((await visit(auth, { ...base, client_id: 'x' })).body).toMatchObject({
    msg: 'invalid client_id format',
  })
  expect((await visit(auth, {})).body).toMatchObject({ msg: 'client_id is required' })
})

test('only who was asked may answer, and once', async () => {
  const { auth, ann } = await start()
  const eve = await auth.ann()
  const client = await register(auth)
  const { id } = await ask(auth, client)
  const path = `/oauth/authorizations/${id}`
  await auth.get(path, { token: ann.token })
  const missing = { status: 404, body: { error_code: 'oauth_authorization_not_found' } }
  expect(await auth.get(path, { token: eve.token })).toMatchObject(missing)
  const answer = (action: string, token: string, headers = {}) =>
    auth.post(`${path}/consent`, { action }, { token, headers })
  expect(await answer('approve', eve.token)).toMatchObject(missing)
  expect((await answer('maybe', ann.token)).body.msg).toBe("action must be 'approve' or 'deny'")
  expect((await answer('approve', ann.token, { origin: 'https://evil.test' })).body.msg).toBe(
    'unauthorized request origin',
  )
  const { body } = await answer('deny', ann.token)
  const denied = new URL((body as unknown as { redirect_url: string }).redirect_url)
  expect(Object.fromEntries(denied.searchParams)).toEqual({
    error: 'access_denied',
    error_description: 'User denied the request',
    state: 's-1',
  })
  expect((await answer('approve', ann.token)).body.msg).toBe('authorization request is no longer pending')
  const late = await ask(auth, client)
  await auth.admin.run(sql`
    update auth.oauth_authorizations set created_at = now() - interval '1 hour', expires_at = now() - interval '1 minute'
    where authorization_id = ${late.id}`)
  expect(await auth.get(`/oauth/authorizations/${late.id}`, { token: ann.token })).toMatchObject(missing)
})

test('who agreed before is not asked again, until the grant is revoked; then its sessions end', async () => {
  const { auth, ann } = await start()
  const client = await register(auth)
  const first = await ask(auth, client)
  const value = (await approve(auth, ann.token, first.id)).searchParams.get('code')
  const tokens = await exchange(auth, client, code(value, first.verifier))
  const again = await ask(auth, client, { scope: 'email' })
  const known = await auth.get(`/oauth/authorizations/${again.id}`, { token: ann.token })
  expect(known.body).toMatchObject({ redirect_url: expect.stringContaining('code=') as string })
  const more = await ask(auth, client, { scope: 'email phone' })
  const asked = await auth.get(`/oauth/authorizations/${more.id}`, { token: ann.token })
  expect(asked.body).toMatchObject({ scope: 'email phone' })

  const { body } = await auth.get('/user/oauth/grants', { token: ann.token })
  expect(body).toMatchObject([
    { client: { id: client.client_id, name: 'Client' }, scopes: ['email', 'profile'] },
  ])
  const path = `/user/oauth/grants?client_id=${client.client_id}`
  expect((await auth.delete(path, undefined, { token: ann.token })).status).toBe(204)
  expect(await auth.delete(path, undefined, { token: ann.token })).toMatchObject({
    status: 404,
    body: { error_code: 'oauth_consent_not_found' },
  })
  const access = tokens.body.access_token ?? ''
  expect((await auth.get('/user', { token: access })).body.error_code).toBe('session_not_found')
  expect((await auth.get('/user', { token: ann.token })).status).toBe(200)
})

test('refresh tokens of a client are good for that client only, and the project’s own for none', async () => {
  const { auth, ann } = await start()
  const [client, other] = [await register(auth), await register(auth)]
  const { id, verifier } = await ask(auth, client)
  const value = (await approve(auth, ann.token, id)).searchParams.get('code')
  const { body } = await exchange(auth, client, code(value, verifier))
  const refresh_token = body.refresh_token ?? ''
  const grant = { grant_type: 'refresh_token', refresh_token }
  expect((await exchange(auth, other, grant)).body).toEqual({
    error: 'invalid_client',
    error_description: "Client does not match the session's OAuth client",
  })
  expect((await auth.refresh(refresh_token)).body).toMatchObject({
    error: 'invalid_client',
    error_description: 'Client authentication required for OAuth session',
  })
  expect((await exchange(auth, client, { ...grant, refresh_token: ann.refreshToken })).body).toMatchObject({
    error_description: 'Client authentication not allowed for non-OAuth session',
  })
  expect((await exchange(auth, client, grant)).status).toBe(200)
  expect(sessionIdOf(body.access_token ?? '')).not.toBe(sessionIdOf(ann.token))
})

test('with openid there is an id token for the client, signed by a published key', async () => {
  const key = { ...(await createSigningKey('ES256')), status: 'in_use' as const }
  const { auth, ann } = await start({ signingKeys: [key] })
  const client = await register(auth)
  const { id, verifier } = await ask(auth, client, { scope: 'openid email profile', nonce: 'n-1' })
  const value = (await approve(auth, ann.token, id)).searchParams.get('code')
  const { body } = await exchange(auth, client, code(value, verifier))
  const verified = verifyJwt(body.id_token ?? '', { jwtSecret: 'none', signingKeys: [key] })
  expect(verified).toMatchObject({
    ok: true,
    claims: {
      sub: ann.id,
      aud: [client.client_id],
      nonce: 'n-1',
      email: ann.email,
      email_verified: true,
      name: 'Ann',
    },
  })
  // An id token is no access token.
  expect((await auth.get('/user', { token: body.id_token ?? '' })).status).toBe(403)

  const plain = await start()
  const second = await register(plain.auth)
  const asked = await ask(plain.auth, second, { scope: 'openid' })
  const back = await approve(plain.auth, plain.ann.token, asked.id)
  expect(
    await exchange(plain.auth, second, code(back.searchParams.get('code'), asked.verifier)),
  ).toMatchObject({
    status: 500,
    body: { msg: 'Error generating ID token' },
  })
})

test('what clients may register', async () => {
  const { auth } = await start()
  const msgOf = async (more: object) =>
    (await auth.post('/oauth/clients/register', { redirect_uris: [redirectUri], ...more })).body.msg
  const table: [object, string][] = [
    [{ redirect_uris: [] }, '400: redirect_uris is required'],
    [
      { redirect_uris: ['http://evil.test/x'] },
      "400: invalid redirect_uri 'http://evil.test/x': HTTP scheme only allowed for localhost",
    ],
    [
      { redirect_uris: ['https://a.test/#x'] },
      "400: invalid redirect_uri 'https://a.test/#x': fragment not allowed in redirect URI",
    ],
    [
      { redirect_uris: ['javascript://a/%0aalert(1)'] },
      "400: invalid redirect_uri 'javascript://a/%0aalert(1)': scheme 'javascript' is not allowed for security reasons",
    ],
    [{ redirect_uris: ['/relative'] }, "400: invalid redirect_uri '/relative': must have scheme and host"],
    [
      { grant_types: ['password'] },
      "400: grant_types must only contain 'authorization_code' and/or 'refresh_token'",
    ],
    [{ client_type: 'x' }, "400: client_type must be 'public' or 'confidential'"],
    [
      { token_endpoint_auth_method: 'x' },
      '400: token_endpoint_auth_method must be one of: [none client_secret_basic client_secret_post]',
    ],
    [{ client_uri: 'x' }, '400: client_uri must be a valid URL'],
  ]
  for (const [more, msg] of table) expect(await msgOf(more)).toBe(msg)
  const closed = await auth.with({ oauthServerAllowDynamicRegistration: false })
  expect(await closed.post('/oauth/clients/register', {})).toMatchObject({
    status: 403,
    body: { error_code: 'oauth_dynamic_client_registration_disabled' },
  })
  const off = await auth.with({ oauthServerEnabled: false })
  expect(await off.post('/oauth/clients/register', {})).toMatchObject({
    status: 404,
    body: { error_code: 'feature_disabled' },
  })
  expect((await off.get('/.well-known/oauth-authorization-server')).status).toBe(404)
  expect((await off.get('/.well-known/openid-configuration')).body).not.toHaveProperty(
    'registration_endpoint',
  )
})

test('administrators manage clients, and a deleted one is out', async () => {
  const { auth, ann } = await start()
  const ask = { token: auth.keys.service }
  expect((await auth.get('/admin/oauth/clients', { token: ann.token })).status).toBe(403)
  expect((await auth.get('/admin/oauth/clients', ask)).body).toEqual({})
  const made = await auth.post(
    '/admin/oauth/clients',
    { client_name: 'A', redirect_uris: [redirectUri] },
    ask,
  )
  const client = made.body as unknown as Client
  expect(made).toMatchObject({
    status: 201,
    body: { registration_type: 'manual', client_type: 'confidential', response_types: ['code'] },
  })
  const path = `/admin/oauth/clients/${client.client_id}`
  const { body: shown } = await auth.get(path, ask)
  expect(shown).not.toHaveProperty('client_secret')
  expect((await auth.put(path, { client_name: 'B' }, ask)).body).toMatchObject({
    client_name: 'B',
    redirect_uris: [redirectUri],
  })
  expect((await auth.put(path, {}, ask)).body.msg).toBe('No fields provided for update')
  const renewed = (await auth.post(`${path}/regenerate_secret`, undefined, ask)).body as unknown as Client
  expect(renewed.client_secret).not.toBe(client.client_secret)
  expect((await exchange(auth, client, {})).body).toMatchObject({ msg: 'invalid client credentials' })
  expect((await exchange(auth, { ...client, ...renewed }, {})).body).toMatchObject({
    error: 'invalid_request',
  })
  expect((await auth.delete(path, undefined, ask)).status).toBe(204)
  expect(await auth.get(path, ask)).toMatchObject({
    status: 404,
    body: { error_code: 'oauth_client_not_found' },
  })
  expect((await exchange(auth, { ...client, ...renewed }, {})).body).toMatchObject({
    msg: 'Invalid client credentials',
  })
})
