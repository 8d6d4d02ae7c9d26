import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claimsOf, startAuth, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth({ auth: { anonymousUsersEnabled: true } })
})
afterAll(() => auth.close())

test('who gives no address gets a user without one, and a session that says so', async () => {
  const reply = await auth.post('/signup', { data: { colour: 'red' } })
  expect(reply).toMatchObject({
    status: 200,
    body: {
      user: {
        email: '',
        phone: '',
        role: 'authenticated',
        is_anonymous: true,
        app_metadata: {},
        user_metadata: { colour: 'red' },
        identities: [],
      },
    },
  })
  expect(claimsOf(reply.body.access_token)).toMatchObject({
    is_anonymous: true,
    role: 'authenticated',
    amr: [{ method: 'anonymous' }],
  })
  expect((await auth.refresh(reply.body.refresh_token)).status).toBe(200)
  expect((await auth.get('/settings')).body).toMatchObject({ external: { anonymous_users: true } })
})

test('anonymous users keep who they are when they get an address and a password', async () => {
  const { body: anonymous } = await auth.post('/signup', {})
  const token = anonymous.access_token
  const early = await auth.put('/user', { password: 'secret-of-ann' }, { token })
  expect(early).toMatchObject({
    status: 422,
    body: { msg: 'Updating password of an anonymous user without an email or phone is not allowed' },
  })
  const reply = await auth.put(
    '/user',
    { email: 'Was@Anonymous.example', password: 'secret-of-ann' },
    { token },
  )
  expect(reply).toMatchObject({
    status: 200,
    body: {
      id: anonymous.user.id,
      email: 'was@anonymous.example',
      is_anonymous: false,
      identities: [{ provider: 'email', identity_data: { email: 'was@anonymous.example' } }],
    },
  })
  const signedIn = await auth.signIn('was@anonymous.example', 'secret-of-ann')
  expect(signedIn).toMatchObject({ status: 200, body: { user: { id: anonymous.user.id } } })
})

test('of two anonymous users who take one address at once, one gets it', async () => {
  const users = await Promise.all([auth.post('/signup', {}), auth.post('/signup', {})])
  const replies = await Promise.all(
    users.map(({ body }) =>
      auth.put('/user', { email: 'race@anonymous.example' }, { token: body.access_token }),
    ),
  )
  expect(replies.map(({ status }) => status).sort()).toEqual([200, 422])
  expect(replies.find(({ status }) => status === 422)?.body.error_code).toBe('email_exists')
})

test('where sign-ups are off or addresses must be proved, anonymous users get neither', async () => {
  const { body } = await auth.post('/signup', {})
  const strict = await auth.with({ mailerAutoconfirm: false })
  const change = await strict.put('/user', { email: 'new@anonymous.example' }, { token: body.access_token })
  expect(change).toMatchObject({ status: 200, body: { email: '', is_anonymous: true } })

  const closed = await auth.with({ disableSignup: true })
  expect((await closed.post('/signup', {})).body.error_code).toBe('signup_disabled')
  const rows = await auth.admin.many(sql`select from auth.users where email = 'new@anonymous.example'`)
  expect(rows).toEqual([])
})
