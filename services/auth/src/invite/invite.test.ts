import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuth, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth({ auth: { mailMaxFrequencySeconds: 0 } })
})
afterAll(() => auth.close())

const asService = () => ({ token: auth.keys.service })
const newEmail = () => `user-${randomUUID()}@example.com`
const generate = (body: object) => auth.post('/admin/generate_link', body, asService())

test('an invited user accepts by the link and then sets a password', async () => {
  const email = newEmail()
  const invited = await auth.post('/invite', { email, data: { team: 'red' } }, asService())
  expect(invited).toMatchObject({
    status: 200,
    body: {
      email,
      user_metadata: { team: 'red' },
      identities: [{ email }],
      invited_at: expect.any(String) as string,
    },
  })
  const mail = await auth.lastMail(email)
  expect(mail.subject).toBe('You have been invited')
  const led = await auth.follow(mail.link)
  const token = new URLSearchParams(led.hash.slice(1)).get('access_token') ?? ''
  expect((await auth.put('/user', { password: 'chosen-later' }, { token })).status).toBe(200)
  expect((await auth.signIn(email, 'chosen-later')).status).toBe(200)

  const again = await auth.post('/invite', { email }, asService())
  expect(again).toMatchObject({ status: 422, body: { error_code: 'email_exists' } })
})

test('nobody takes an invited account by signing up with its address', async () => {
  const email = newEmail()
  await auth.post('/admin/users', { email, app_metadata: { role: 'boss' } }, asService())
  await auth.post('/invite', { email }, asService())
  const reply = await auth.post('/signup', { email, password: 'of-somebody-else' })
  expect(reply).toMatchObject({ status: 422, body: { error_code: 'user_already_exists' } })
})

test('only the service key invites, makes links and reads the inbox', async () => {
  const ann = await auth.ann()
  for (const path of ['/invite', '/admin/generate_link'])
    expect((await auth.post(path, { email: newEmail() }, { token: ann.token })).status).toBe(403)
  expect((await auth.get('/admin/inbox', { token: ann.token })).status).toBe(403)
})

test.each(['signup', 'invite', 'magiclink', 'recovery'])(
  'a link for %s does what it says, and no mail is sent',
  async (type) => {
    const isNew = type === 'signup' || type === 'invite'
    const email = isNew ? newEmail() : (await auth.ann()).email
    const { status, body } = await generate({ type, email, password: 'secret-of-ann', data: { a: 1 } })
    expect(status).toBe(200)
    if (isNew) expect(body.user_metadata).toEqual({ a: 1 })
    expect(body).toMatchObject({ email, verification_type: type, redirect_to: 'http://localhost:3000' })
    expect(body.action_link).toContain(body.hashed_token)
    expect(await auth.mails(email)).toEqual([])
    const verified = await auth.post('/verify', { type, email, token: body.email_otp })
    expect(verified).toMatchObject({ status: 200, body: { user: { email } } })
  },
)

test('links for a change of address, one for each end', async () => {
  const strict = await auth.with({ mailerAutoconfirm: false })
  const [ann, next] = [await auth.ann(), newEmail()]
  const link = (type: string) =>
    strict.post('/admin/generate_link', { type, email: ann.email, new_email: next }, asService())
  const [current, other] = [await link('email_change_current'), await link('email_change_new')]
  const verify = (token_hash: string) => strict.post('/verify', { type: 'email_change', token_hash })
  expect((await verify(current.body.hashed_token)).body.msg).toMatch(/^Confirmation link accepted/)
  expect((await verify(other.body.hashed_token)).body.user.email).toBe(next)
})

test.each([
  [
    { type: 'recovery', email: 'nobody@example.com' },
    404,
    'user_not_found',
    'User with this email not found',
  ],
  [
    { type: 'x', email: 'nobody@example.com' },
    400,
    'validation_failed',
    'Invalid email action link type requested: x',
  ],
  [
    { type: 'recovery', email: 'x' },
    400,
    'validation_failed',
    'Unable to validate email address: invalid format',
  ],
  [
    { type: 'signup', email: 'somebody@example.com' },
    400,
    'validation_failed',
    'Signup requires a valid password',
  ],
])('the link %j is refused with %i %s', async (body, status, code, msg) => {
  expect(await generate(body)).toMatchObject({ status, body: { code: status, error_code: code, msg } })
})

test('the inbox keeps the latest mails only', async () => {
  const own = await startAuth({ auth: { mailMaxFrequencySeconds: 0 } })
  const ann = await own.ann()
  await own.owner(`
    insert into auth.favo_mails (kind, recipient, subject, html)
    select 'old', 'old@example.com', '', '' from generate_series(1, 600)
  `)
  await own.post('/recover', { email: ann.email })
  const { body } = await own.get('/admin/inbox?limit=500', { token: own.keys.service })
  expect(body.mails).toHaveLength(500)
  expect(body.mails[0]).toMatchObject({ kind: 'recovery', recipient: ann.email })
})
