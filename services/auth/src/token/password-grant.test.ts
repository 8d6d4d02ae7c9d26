import { hash } from '@node-rs/bcrypt'
import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claimsOf, sessionIdOf, startAuth, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth()
})
afterAll(() => auth.close())

const invalid = { code: 400, error_code: 'invalid_credentials', msg: 'Invalid login credentials' }

test('signing in begins a session of its own, and remembers when and from where', async () => {
  const ann = await auth.ann()
  const headers = { 'user-agent': 'tests' }
  const reply = await auth.post(
    '/token?grant_type=password',
    { email: ann.email.toUpperCase(), password: ann.password },
    { headers },
  )
  expect(reply.status).toBe(200)
  const id = sessionIdOf(reply.body.access_token)
  expect(id).not.toBe(sessionIdOf(ann.token))
  expect(claimsOf(reply.body.access_token).amr).toEqual([
    { method: 'password', timestamp: expect.any(Number) as number },
  ])
  const session = await auth.admin.one(sql`
    select user_id, aal::text as aal, user_agent, host(ip) as ip from auth.sessions where id = ${id}
  `)
  expect(session).toEqual({ user_id: ann.id, aal: 'aal1', user_agent: 'tests', ip: '127.0.0.1' })
  const [login] = await auth.admin.many(sql`
    select payload ->> 'actor_username' as email, payload -> 'traits' as traits from auth.audit_log_entries
    where payload ->> 'action' = 'login' and payload ->> 'actor_id' = ${ann.id} limit 1
  `)
  expect(login).toEqual({ email: ann.email, traits: { provider: 'email' } })
})

test('an unknown address, a wrong password and an account without one answer alike and cost the same work', async () => {
  const [ann, bob] = [await auth.ann(), await auth.ann()]
  await auth.admin.run(sql`update auth.users set encrypted_password = null where id = ${bob.id}`)
  const workOf = async (email: string) => {
    const [hashes, statements] = [auth.service.passwordWorkers.count, auth.statements()]
    const { status, body } = await auth.signIn(email, 'a-wrong-guess')
    return {
      status,
      body,
      hashes: auth.service.passwordWorkers.count - hashes,
      statements: auth.statements() - statements,
    }
  }
  const expected = { status: 400, body: invalid, hashes: 1, statements: 1 }
  expect(await workOf('nobody@example.com')).toEqual(expected)
  expect(await workOf(ann.email)).toEqual(expected)
  expect(await workOf(bob.email)).toEqual(expected)
})

test('that an account is banned or unconfirmed is told only to who knows its password', async () => {
  const [banned, unconfirmed] = [await auth.ann(), await auth.ann()]
  await auth.admin.run(
    sql`update auth.users set banned_until = now() + interval '1 hour' where id = ${banned.id}`,
  )
  await auth.admin.run(sql`update auth.users set email_confirmed_at = null where id = ${unconfirmed.id}`)

  expect((await auth.signIn(banned.email, 'wrong-guess')).body).toEqual(invalid)
  expect((await auth.signIn(unconfirmed.email, 'wrong-guess')).body).toEqual(invalid)
  expect((await auth.signIn(banned.email, banned.password)).body).toMatchObject({
    error_code: 'user_banned',
    msg: 'User is banned',
  })
  expect((await auth.signIn(unconfirmed.email, unconfirmed.password)).body).toMatchObject({
    error_code: 'email_not_confirmed',
    msg: 'Email not confirmed',
  })
})

test.each([
  [{ password: 'x' }, 400, 'validation_failed', 'missing email or phone'],
  [{ phone: '491234', password: 'x' }, 422, 'phone_provider_disabled', 'Phone logins are disabled'],
  [
    { email: 'a@b.co', phone: '491234', password: 'x' },
    400,
    'validation_failed',
    'Only an email address or phone number should be provided on login.',
  ],
  [{ email: "a' or 1=1 --", password: 'x' }, 400, 'invalid_credentials', 'Invalid login credentials'],
])('a sign-in with %j is refused with %i %s', async (body, status, code, msg) => {
  const reply = await auth.post('/token?grant_type=password', body)
  expect(reply).toMatchObject({ status, body: { code: status, error_code: code, msg } })
})

test('a grant that is not known is refused', async () => {
  const reply = await auth.post('/token?grant_type=implicit', {})
  expect(reply.body).toEqual({ code: 400, error_code: 'invalid_credentials', msg: 'unsupported_grant_type' })
})

test('a password that would be refused today signs in, and is told to be weak', async () => {
  const ann = await auth.ann()
  const strict = await auth.with({ passwordMinLength: 60 })
  const reply = await strict.signIn(ann.email, ann.password)
  expect(reply.status).toBe(200)
  expect(reply.body.weak_password).toMatchObject({ reasons: ['length'] })
})

test('users imported with the hashes of other bcrypts sign in; a hash too dear to compute is no password', async () => {
  const [php, dear] = [await auth.ann(), await auth.ann()]
  const imported = await hash('imported-secret', { cost: 4, version: '2y' })
  await auth.admin.run(sql`update auth.users set encrypted_password = ${imported} where id = ${php.id}`)
  const costly = imported.replace('$04$', '$31$')
  await auth.admin.run(sql`update auth.users set encrypted_password = ${costly} where id = ${dear.id}`)

  expect((await auth.signIn(php.email, 'imported-secret')).status).toBe(200)
  expect((await auth.signIn(dear.email, 'imported-secret')).body).toEqual(invalid)
})

test('new hashes are as dear as GoTrue makes them', async () => {
  const usual = await startAuth({ passwords: { cost: undefined } })
  const ann = await usual.ann()
  const row = await usual.admin.one<{ hash: string }>(sql`
    select encrypted_password as hash from auth.users where id = ${ann.id}
  `)
  expect(row.hash).toMatch(/^\$2a\$10\$/)
  expect((await usual.signIn(ann.email, ann.password)).status).toBe(200)
})

test('a hundred sign-ins at once are all served, and other requests meanwhile', async () => {
  const ann = await auth.ann()
  const signIns = Promise.all(Array.from({ length: 100 }, () => auth.signIn(ann.email, ann.password)))
  const seen = await auth.get('/user', { token: ann.token })
  expect(seen.status).toBe(200)
  const replies = await signIns
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]))
  expect(new Set(replies.map(({ body }) => body.refresh_token)).size).toBe(100)
})

test('more sign-ins than may wait are refused at once with 429, and the others served', async () => {
  const small = await startAuth({ passwords: { threadsMax: 1, waitingPerProjectMax: 3, cost: 8 } })
  const ann = await small.ann()
  const replies = await Promise.all(Array.from({ length: 12 }, () => small.signIn(ann.email, ann.password)))
  const statuses = replies.map(({ status }) => status)
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(4)
  const refused = replies.find(({ status }) => status === 429)
  expect(refused?.body).toEqual({
    code: 429,
    error_code: 'over_request_rate_limit',
    msg: 'Request rate limit reached',
  })
})

test('a sign-in that waits too long for its turn is told to come again', async () => {
  const small = await startAuth({ passwords: { threadsMax: 1, waitMsMax: 1, cost: 9 } })
  const ann = await small.ann()
  const replies = await Promise.all(Array.from({ length: 4 }, () => small.signIn(ann.email, ann.password)))
  const late = replies.find(({ status }) => status === 504)
  expect(late?.body).toMatchObject({ code: 504, error_code: 'request_timeout' })
})

test('two projects with one address are strangers', async () => {
  const other = await startAuth()
  const email = 'both@example.com'
  const here = await auth.post('/signup', { email, password: 'password-here' })
  const there = await other.post('/signup', { email, password: 'password-there' })
  expect(there.status).toBe(200)
  expect(there.body.user.id).not.toBe(here.body.user.id)

  expect((await auth.signIn(email, 'password-there')).body).toEqual(invalid)
  expect((await other.signIn(email, 'password-there')).status).toBe(200)
  const refreshed = await other.refresh(here.body.refresh_token)
  expect(refreshed.body).toMatchObject({ error_code: 'refresh_token_not_found' })
  expect((await other.get('/user', { token: here.body.access_token })).status).toBe(403)
})
