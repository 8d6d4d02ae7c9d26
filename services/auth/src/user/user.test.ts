import { randomUUID } from 'node:crypto'
import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claimsOf, sessionIdOf, startAuth, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth()
})
afterAll(() => auth.close())

test('users see themselves, without anything secret', async () => {
  const ann = await auth.ann({ name: 'Ann' })
  const reply = await auth.get('/user', { token: ann.token })
  expect(reply).toMatchObject({ status: 200, body: { id: ann.id, user_metadata: { name: 'Ann' } } })
  expect(JSON.stringify(reply.body)).not.toMatch(/password|_token|\$2[aby]\$/)
})

test('metadata is merged member by member, and null takes a member away', async () => {
  const ann = await auth.ann({ name: 'Ann', town: 'Bonn' })
  const data = { town: null, colour: 'red', __proto__x: 1 }
  const { body } = await auth.put('/user', { data }, { token: ann.token })
  expect(body.user_metadata).toMatchObject({ name: 'Ann', colour: 'red' })
  expect(body.user_metadata).not.toHaveProperty('town')
})

test('nobody changes an own role or app_metadata', async () => {
  const ann = await auth.ann()
  const refused = await auth.put('/user', { app_metadata: { role: 'admin' } }, { token: ann.token })
  expect(refused).toMatchObject({
    status: 403,
    body: { error_code: 'not_admin', msg: 'Updating app_metadata requires admin privileges' },
  })
  const ignored = {
    role: 'service_role',
    aud: 'x',
    is_anonymous: true,
    banned_until: null,
    email_confirm: true,
  }
  const reply = await auth.put('/user', { ...ignored, data: {} }, { token: ann.token })
  expect(reply.body).toMatchObject({ role: 'authenticated', aud: 'authenticated', is_anonymous: false })
  const next = await auth.refresh(ann.refreshToken)
  expect(claimsOf(next.body.access_token).role).toBe('authenticated')
})

test('a new password ends all other sessions and every sign-in with the old one', async () => {
  const ann = await auth.ann()
  const other = await auth.signIn(ann.email, ann.password)
  const reply = await auth.put('/user', { password: 'new-password' }, { token: ann.token })
  expect(reply.status).toBe(200)

  expect((await auth.get('/user', { token: ann.token })).status).toBe(200)
  expect((await auth.refresh(ann.refreshToken)).status).toBe(200)
  expect((await auth.get('/user', { token: other.body.access_token })).body.error_code).toBe(
    'session_not_found',
  )
  expect((await auth.refresh(other.body.refresh_token)).status).toBe(400)
  expect((await auth.signIn(ann.email, ann.password)).status).toBe(400)
  expect((await auth.signIn(ann.email, 'new-password')).status).toBe(200)
})

test('a sign-in that races with a change of password does not outlive it', async () => {
  const ann = await auth.ann()
  await Promise.all([
    auth.put('/user', { password: 'new-password' }, { token: ann.token }),
    ...Array.from({ length: 8 }, () => auth.signIn(ann.email, ann.password)),
  ])
  const sessions = await auth.admin.many(sql`select id from auth.sessions where user_id = ${ann.id}`)
  expect(sessions).toEqual([{ id: sessionIdOf(ann.token) }])
})

test.each([
  [{ password: 'short' }, 422, 'weak_password', 'Password should be at least 6 characters.'],
  [{ email: 'nothing' }, 400, 'validation_failed', 'Unable to validate email address: invalid format'],
  [{ phone: 'call me' }, 400, 'validation_failed', 'Invalid phone number format (E.164 required)'],
])('the change %j is refused with %i %s', async (change, status, code, msg) => {
  const ann = await auth.ann()
  const reply = await auth.put('/user', change, { token: ann.token })
  expect(reply).toMatchObject({ status, body: { code: status, error_code: code, msg } })
})

test('the same password again and an address of somebody else are refused', async () => {
  const [ann, bob] = [await auth.ann(), await auth.ann()]
  const same = await auth.put('/user', { password: ann.password }, { token: ann.token })
  expect(same).toMatchObject({ status: 422, body: { error_code: 'same_password' } })
  const taken = await auth.put('/user', { email: bob.email }, { token: ann.token })
  expect(taken).toMatchObject({
    status: 422,
    body: { error_code: 'email_exists', msg: 'A user with this email address has already been registered' },
  })
})

test('who has a second factor must have used it to change the password', async () => {
  const ann = await auth.ann()
  await auth.admin.run(sql`
    insert into auth.mfa_factors (id, user_id, factor_type, status, created_at, updated_at)
    values (${randomUUID()}, ${ann.id}, 'totp', 'verified', now(), now())
  `)
  const low = await auth.put('/user', { password: 'new-password' }, { token: ann.token })
  expect(low).toMatchObject({ status: 401, body: { error_code: 'insufficient_aal' } })
  await auth.admin.run(sql`update auth.sessions set aal = 'aal2' where user_id = ${ann.id}`)
  expect((await auth.put('/user', { password: 'new-password' }, { token: ann.token })).status).toBe(200)
})

test('accounts of single sign-on are changed there, not here', async () => {
  const ann = await auth.ann()
  await auth.admin.run(sql`update auth.users set is_sso_user = true where id = ${ann.id}`)
  const reply = await auth.put('/user', { password: 'new-password' }, { token: ann.token })
  expect(reply).toMatchObject({ status: 422, body: { error_code: 'user_sso_managed' } })
})

test('where the project wants it, a new password needs the old one, unless it was forgotten', async () => {
  const at = await auth.with({ updatePasswordRequiresCurrent: true })
  const ann = await at.ann()
  const change = (current: object, token = ann.token) =>
    at.put('/user', { password: `new-${randomUUID()}`, ...current }, { token })
  const msg = 'Current password required when setting new password.'
  expect(await change({})).toMatchObject({
    status: 400,
    body: { error_code: 'current_password_required', msg },
  })
  expect(await change({ current_password: 'wrong' })).toMatchObject({
    status: 400,
    body: { error_code: 'current_password_invalid', msg },
  })
  expect((await change({ current_password: ann.password })).status).toBe(200)

  await at.post('/recover', { email: ann.email })
  const session = new URLSearchParams((await at.follow((await at.lastMail(ann.email)).link)).hash.slice(1))
  expect((await change({}, session.get('access_token') ?? '')).status).toBe(200)
})
