import { randomUUID } from 'node:crypto'
import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPkce } from '../test/social.ts'
import { startAuth, type TestAuth } from '../test/start-auth.ts'

// Attacks that go across features. Those on one feature stand beside it; docs/auth-conformance.md lists all.

let auth: TestAuth
let strict: TestAuth
beforeAll(async () => {
  auth = await startAuth({
    auth: { phoneProviderEnabled: true, mailMaxFrequencySeconds: 0, smsMaxFrequencySeconds: 0 },
  })
  strict = await auth.with({ mailerAutoconfirm: false })
})
afterAll(() => auth.close())

let count = 0
const newPhone = () => `1555222${String((count += 1)).padStart(4, '0')}`
const newEmail = () => `ann-${randomUUID()}@example.com`
const smsCode = async (phone: string) => /\d{6}/.exec((await auth.mails(phone))[0]?.html ?? '')?.[0] ?? ''
const exchange = (code: string, verifier: string) =>
  auth.post('/token?grant_type=pkce', { auth_code: code, code_verifier: verifier })

test.each([
  ['/recover', (email: string) => ({ email }), 'recovery'],
  ['/otp', (email: string) => ({ email }), 'magiclink'],
] as const)(
  'PKCE cannot be downgraded: a link of %s gives its session to nobody else',
  async (path, body, type) => {
    const { email } = await auth.ann()
    const { verifier, params } = createPkce()
    expect((await auth.post(path, { ...body(email), ...params })).status).toBe(200)
    const link = new URL((await auth.lastMail(email)).link)
    const token = link.searchParams.get('token') ?? ''
    expect(token).toMatch(/^pkce_/)
    const bare = token.slice('pkce_'.length)

    // Who reads the mail, but did not ask for it, tries the implicit flow.
    for (const hash of [bare, `PKCE_${bare}`, ` ${token}`]) {
      link.searchParams.set('token', hash)
      const end = await auth.follow(link.toString())
      expect(end.hash).toMatch(/error_code=otp_expired/)
      expect((await auth.post('/verify', { type, token_hash: hash })).status).toBe(403)
    }

    link.searchParams.set('token', token)
    const end = await auth.follow(link.toString())
    expect(end.hash).not.toContain('access_token')
    const code = end.searchParams.get('code') ?? ''
    // The challenge was in the open; neither it nor nothing is the verifier, and no other grant takes the code.
    for (const guess of ['', params.code_challenge, `${verifier}x`, verifier.toUpperCase()])
      expect((await exchange(code, guess)).status).toBe(400)
    expect((await auth.refresh(code)).status).toBe(400)
    expect((await exchange(code, verifier)).status).toBe(200)
    expect((await exchange(code, verifier)).status).toBe(404)
  },
)

test('a link belongs to who asked for it: when somebody else asks, the first is void and the second no use to the first', async () => {
  const { email } = await auth.ann()
  const [mine, theirs] = [createPkce(), createPkce()]
  await auth.post('/recover', { email, ...mine.params })
  const first = (await auth.lastMail(email)).link
  await auth.post('/recover', { email, ...theirs.params })
  const second = (await auth.lastMail(email)).link
  expect((await auth.follow(first)).searchParams.get('error_code')).toBe('otp_expired')
  const code = (await auth.follow(second)).searchParams.get('code') ?? ''
  expect((await exchange(code, mine.verifier)).status).toBe(400)
  expect((await exchange(code, theirs.verifier)).status).toBe(200)
})

test('guesses at a code that come all at once are bounded, by mail and by phone', async () => {
  const { email } = await auth.ann()
  await auth.post('/otp', { email })
  const { otp } = await auth.lastMail(email)
  const phone = newPhone()
  await auth.post('/otp', { phone })
  const code = await smsCode(phone)
  const wrong = Array.from({ length: 40 }, (_, n) => String(n).padStart(6, '9'))
  await Promise.all(
    wrong.flatMap((token) => [
      auth.post('/verify', { type: 'email', email, token }),
      auth.post('/verify', { type: 'sms', phone, token }),
    ]),
  )
  expect((await auth.post('/verify', { type: 'email', email, token: otp })).status).toBe(403)
  expect((await auth.post('/verify', { type: 'sms', phone, token: code })).status).toBe(403)
})

test.each([
  ['/signup', (phone: string) => ({ phone, password: 'a-good-password' })],
  ['/otp', (phone: string) => ({ phone })],
])('nobody chooses at %s what is not his to choose', async (path, body) => {
  const phone = newPhone()
  const id = randomUUID()
  const more = {
    id,
    role: 'service_role',
    aud: 'admin',
    app_metadata: { role: 'admin' },
    phone_confirmed_at: '2020-01-01T00:00:00Z',
    confirmed_at: '2020-01-01T00:00:00Z',
    is_anonymous: true,
    is_super_admin: true,
    is_sso_user: true,
    banned_until: '2999-01-01T00:00:00Z',
  }
  expect((await auth.post(path, { ...body(phone), ...more, data: more })).status).toBe(200)
  const [user] = await auth.admin.many<Record<string, unknown>>(
    sql`select id, role, aud, raw_app_meta_data, phone_confirmed_at, is_super_admin, is_sso_user, is_anonymous, banned_until
        from auth.users where phone = ${phone}`,
  )
  expect(user).toMatchObject({
    role: 'authenticated',
    aud: 'authenticated',
    raw_app_meta_data: { provider: 'phone', providers: ['phone'] },
    phone_confirmed_at: null,
    is_super_admin: null,
    is_sso_user: false,
    is_anonymous: false,
    banned_until: null,
  })
  expect(user?.id).not.toBe(id)
})

test('a phone without an account, without a password and with a wrong one cost the same work', async () => {
  const [known, bare] = [newPhone(), newPhone()]
  const sure = await auth.with({ smsAutoconfirm: true })
  await sure.post('/signup', { phone: known, password: 'a-good-password' })
  await sure.post('/otp', { phone: bare })
  const work = async (phone: string) => {
    const [hashes, statements] = [auth.service.passwordWorkers.count, auth.statements()]
    const { status, body } = await auth.post('/token?grant_type=password', { phone, password: 'wrong' })
    return {
      status,
      body,
      hashes: auth.service.passwordWorkers.count - hashes,
      statements: auth.statements() - statements,
    }
  }
  const expected = await work(known)
  expect(expected).toMatchObject({ status: 400, body: { error_code: 'invalid_credentials' }, hashes: 1 })
  for (const phone of [bare, newPhone(), "' or 1=1 --"]) expect(await work(phone)).toEqual(expected)

  const hashesOf = async (phone: string) => {
    const before = auth.service.passwordWorkers.count
    await auth.post('/signup', { phone, password: 'a-good-password' })
    return auth.service.passwordWorkers.count - before
  }
  expect(await hashesOf(known)).toBe(await hashesOf(newPhone()))
})

test('codes, test codes and limits of one project mean nothing in another', async () => {
  const phone = newPhone()
  const other = await startAuth({
    auth: { phoneProviderEnabled: true, smsTestOtp: `${phone}=123456`, smsMaxFrequencySeconds: 0 },
  })
  await other.post('/otp', { phone })
  await auth.post('/otp', { phone })
  const verify = (at: TestAuth, token: string) => at.post('/verify', { type: 'sms', phone, token })
  expect((await verify(auth, '123456')).status).toBe(403)
  const code = await smsCode(phone)
  expect((await verify(other, code)).status).toBe(403)
  const session = await verify(auth, code)
  expect(session.status).toBe(200)
  expect((await other.get('/user', { token: session.body.access_token })).status).toBe(403)
  expect((await other.refresh(session.body.refresh_token)).status).toBe(400)
})

test('no parameter leads a link or its errors to a place that the project does not know', async () => {
  const email = newEmail()
  const evil = 'https://evil.example/steal'
  await strict.post(`/signup?redirect_to=${encodeURIComponent(evil)}`, { email, password: 'a-good-password' })
  const link = new URL((await strict.lastMail(email)).link)
  for (const place of [
    evil,
    'https://localhost:3000@evil.example/',
    '//evil.example',
    'javascript:alert(1)',
    'http://localhost:3000.evil.example/',
    'http://localhost:3000\\@evil.example/',
  ]) {
    link.searchParams.set('redirect_to', place)
    const wrong = new URL(link)
    wrong.searchParams.set('token', 'x'.repeat(56))
    expect((await strict.follow(wrong.toString())).origin).toBe('http://localhost:3000')
  }
  expect((await strict.follow(link.toString())).origin).toBe('http://localhost:3000')
})
