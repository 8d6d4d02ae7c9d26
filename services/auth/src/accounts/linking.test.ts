import { randomUUID } from 'node:crypto'
import { sql } from '@favo/postgres'
import { expect, test } from 'vitest'
import { fragmentOf, settingsOf, startSocial } from '../../test/social.ts'
import { claimsOf } from '../../test/start-auth.ts'

const user = (email: string | undefined, email_verified: boolean) => ({
  sub: randomUUID(),
  email,
  email_verified,
})
const subOf = (end: URL) => String(claimsOf(fragmentOf(end).get('access_token') ?? '').sub)

test('a verified address leads to the account that has it', async () => {
  const { auth, provider, signIn } = await startSocial()
  const ann = await auth.ann()
  provider.user = user(ann.email, true)
  expect(subOf(await signIn())).toBe(ann.id)
  const { body } = await auth.get('/user', { token: ann.token })
  expect(body.app_metadata).toMatchObject({ provider: 'email', providers: ['email', 'google'] })
  // Nothing was proved that would make the password void.
  expect((await auth.signIn(ann.email, ann.password)).status).toBe(200)
})

test('an address that the provider did not verify gives nobody’s account away', async () => {
  for (const mailerAutoconfirm of [true, false]) {
    const { auth, provider, signIn } = await startSocial({ mailerAutoconfirm })
    const created = await auth.post(
      '/admin/users',
      { email: 'ann@example.com', password: 'secret-secret', email_confirm: true },
      { token: auth.keys.service },
    )
    provider.user = user('ann@example.com', false)
    const end = await signIn()
    if (mailerAutoconfirm) expect(subOf(end)).not.toBe(created.body.id)
    else expect(end.searchParams.get('error_code')).toBe('provider_email_needs_verification')
    const rows = await auth.admin.many<{ id: string }>(
      sql`select id from auth.users where email = 'ann@example.com'`,
    )
    expect(rows.map(({ id }) => id)).toEqual([created.body.id])
  }
})

test('an unverified address of its own gets a mail, and no session before it is followed', async () => {
  const { auth, provider, signIn } = await startSocial({ mailerAutoconfirm: false })
  provider.user = user('new@example.com', false)
  const end = await signIn()
  expect(Object.fromEntries(end.searchParams)).toEqual({
    error: 'access_denied',
    error_code: 'provider_email_needs_verification',
    error_description:
      'Unverified email with google. A confirmation email has been sent to your google email',
  })
  const { link } = await auth.lastMail('new@example.com')
  expect(fragmentOf(await auth.follow(link)).get('access_token')).toBeTruthy()
  expect(fragmentOf(await signIn()).get('access_token')).toBeTruthy()
})

test('who registered somebody’s address and waited is shut out when the owner comes', async () => {
  const { auth, provider, signIn } = await startSocial({ mailerAutoconfirm: false })
  const [email, password] = ['victim@example.com', 'attackers-secret']
  await auth.post('/signup', { email, password, data: { evil: true } })
  const attackers = await auth.lastMail(email)
  provider.user = user(email, true)
  const token = fragmentOf(await signIn()).get('access_token') ?? ''
  const { body } = await auth.get('/user', { token })
  expect(body.identities.map(({ provider: name }) => name)).toEqual(['google'])
  expect(body.user_metadata.evil).toBeUndefined()
  expect((await auth.signIn(email, password)).body.error_code).toBe('invalid_credentials')
  expect((await auth.follow(attackers.link)).hash).toContain('otp_expired')
})

test('without an address nobody comes in, unless the provider’s users need none', async () => {
  const { auth, provider, signIn } = await startSocial()
  provider.user = user(undefined, false)
  expect((await signIn()).searchParams.get('error_description')).toBe(
    'Error getting user email from external provider',
  )
  const google = { enabled: true, clientId: 'our-client', secret: 'our-secret', emailOptional: true }
  const lenient = await startSocial(settingsOf({ external: { google } }))
  lenient.provider.user = user(undefined, false)
  const token = fragmentOf(await lenient.signIn()).get('access_token') ?? ''
  expect((await lenient.auth.get('/user', { token })).body).toMatchObject({ email: '' })
  expect(auth.url).toBeTruthy()
})

test('two browsers of one newcomer make one account', async () => {
  const { auth, provider, comeBack, visit } = await startSocial()
  provider.user = user('twice@example.com', true)
  const backs = await Promise.all([comeBack(), comeBack(), comeBack()])
  const ends = await Promise.all(backs.map((back) => visit(back)))
  expect(new Set(ends.map(({ location }) => (location === null ? '' : subOf(location)))).size).toBe(1)
  const [row] = await auth.admin.many<{ users: number }>(sql`select count(*)::int as users from auth.users`)
  expect(row?.users).toBe(1)
})

test('a user may link one more identity, and the last one stays', async () => {
  const { auth, provider, visit } = await startSocial({ manualLinkingEnabled: true })
  const ann = await auth.ann()
  const link = async () => {
    const { body } = await auth.get('/user/identities/authorize?provider=google&skip_http_redirect=true', {
      token: ann.token,
    })
    const { pathname, search } = new URL((body as unknown as { url: string }).url)
    const reply = await fetch(provider.url + pathname + search, { redirect: 'manual' })
    return (await visit(reply.headers.get('location') ?? '')).location ?? new URL('http://nowhere')
  }
  // Another address: only the user's own wish links it.
  provider.user = user('other@example.com', true)
  expect(subOf(await link())).toBe(ann.id)
  expect((await link()).searchParams.get('error_code')).toBe('identity_already_exists')

  const { body } = await auth.get('/user', { token: ann.token })
  const [first, second] = body.identities
  const unlink = (id: unknown) =>
    auth.delete(`/user/identities/${String(id)}`, undefined, { token: ann.token })
  expect(await unlink('nonsense')).toMatchObject({ status: 404, body: { error_code: 'validation_failed' } })
  expect(await unlink(randomUUID())).toMatchObject({
    status: 422,
    body: { error_code: 'identity_not_found' },
  })
  expect(await unlink(first?.identity_id)).toMatchObject({ status: 200, body: {} })
  const after = await auth.get('/user', { token: ann.token })
  expect(after.body).toMatchObject({ email: 'other@example.com', app_metadata: { providers: ['google'] } })
  expect(await unlink(second?.identity_id)).toMatchObject({
    status: 422,
    body: { error_code: 'single_identity_not_deletable' },
  })
})

test('somebody else’s identity cannot be linked', async () => {
  const { auth, provider, signIn, visit } = await startSocial({ manualLinkingEnabled: true })
  provider.user = user('owner@example.com', true)
  await signIn()
  const ann = await auth.ann()
  const path = '/user/identities/authorize?provider=google'
  const started = await visit(path, { headers: { authorization: `Bearer ${ann.token}` } })
  expect(started.status).toBe(302)
  const { pathname = '', search = '' } = started.location ?? {}
  const reply = await fetch(provider.url + pathname + search, { redirect: 'manual' })
  const { location } = await visit(reply.headers.get('location') ?? '')
  expect(Object.fromEntries(location?.searchParams ?? [])).toMatchObject({
    error_code: 'identity_already_exists',
    error_description: 'Identity is already linked to another user',
  })
})

test('an anonymous user who links a verified identity becomes a lasting one', async () => {
  const { auth, provider, visit } = await startSocial({
    manualLinkingEnabled: true,
    anonymousUsersEnabled: true,
  })
  const { body } = await auth.post('/signup', {})
  const headers = { authorization: `Bearer ${body.access_token}` }
  const started = await visit('/user/identities/authorize?provider=google', { headers })
  provider.user = user('lasting@example.com', true)
  const { pathname = '', search = '' } = started.location ?? {}
  const reply = await fetch(provider.url + pathname + search, { redirect: 'manual' })
  const { location } = await visit(reply.headers.get('location') ?? '')
  const token = fragmentOf(location ?? new URL('http://nowhere')).get('access_token') ?? ''
  expect((await auth.get('/user', { token })).body).toMatchObject({
    id: body.user.id,
    is_anonymous: false,
    email: 'lasting@example.com',
  })
})

test('linking is off unless the project turns it on', async () => {
  const { auth } = await startSocial()
  const ann = await auth.ann()
  const off = { status: 404, body: { error_code: 'manual_linking_disabled' } }
  expect(await auth.get('/user/identities/authorize?provider=google', { token: ann.token })).toMatchObject(
    off,
  )
  expect(
    await auth.delete(`/user/identities/${randomUUID()}`, undefined, { token: ann.token }),
  ).toMatchObject(off)
})
