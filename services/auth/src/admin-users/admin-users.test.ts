import { randomUUID } from 'node:crypto'
import { hash } from '@node-rs/bcrypt'
import { sql } from '@favo/postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startAuth, type Reply, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth()
})
afterAll(() => auth.close())

const asService = () => ({ token: auth.keys.service })
const create = (user: object) => auth.post('/admin/users', user, asService())
const change = (id: string, user: object) => auth.put(`/admin/users/${id}`, user, asService())
const newEmail = () => `user-${randomUUID()}@example.com`

describe('creating', () => {
  test('a confirmed user with role, metadata and id of choice can sign in at once', async () => {
    const [id, email] = [randomUUID(), newEmail()]
    const reply = await create({
      id,
      email,
      password: 'secret-of-ann',
      email_confirm: true,
      role: 'editor',
      user_metadata: { name: 'Ann' },
      app_metadata: { plan: 'pro' },
    })
    expect(reply).toMatchObject({
      status: 200,
      body: {
        id,
        email,
        role: 'editor',
        user_metadata: { name: 'Ann', email_verified: true },
        app_metadata: { plan: 'pro', provider: 'email', providers: ['email'] },
        identities: [{ provider: 'email', identity_data: { email, sub: id } }],
      },
    })
    expect((await auth.signIn(email, 'secret-of-ann')).status).toBe(200)
  })

  test('a user who is not confirmed cannot sign in until that is done', async () => {
    const email = newEmail()
    const { body } = await create({ email, password: 'secret-of-ann' })
    expect(body.email_confirmed_at).toBeUndefined()
    expect((await auth.signIn(email, 'secret-of-ann')).body.error_code).toBe('email_not_confirmed')
    await change(body.id, { email_confirm: true })
    expect((await auth.signIn(email, 'secret-of-ann')).status).toBe(200)
  })

  test('a user by phone, and one with a hash from elsewhere', async () => {
    const phone = await create({ phone: '+49 170 1234567', phone_confirm: true })
    expect(phone.body).toMatchObject({
      phone: '491701234567',
      email: '',
      app_metadata: { provider: 'phone', providers: ['phone'] },
    })
    const email = newEmail()
    await create({ email, email_confirm: true, password_hash: await hash('imported', { cost: 5 }) })
    expect((await auth.signIn(email, 'imported')).status).toBe(200)
  })

  test.each([
    [{}, 400, 'validation_failed', 'Cannot create a user without either an email or phone'],
    [{ email: 'a@b.co', id: '7' }, 400, 'validation_failed', 'ID must conform to the uuid v4 format'],
    [
      { email: 'a@b.co', id: '00000000-0000-0000-0000-000000000000' },
      400,
      'validation_failed',
      'ID cannot be a nil uuid',
    ],
    [
      { email: 'a@b.co', password: 'x', password_hash: 'y' },
      400,
      'validation_failed',
      'Only a password or a password hash should be provided',
    ],
    [
      { email: 'a@b.co', ban_duration: 'a while' },
      400,
      'validation_failed',
      'invalid format for ban duration: time: invalid duration "a while"',
    ],
    [{ email: 'a@b.co', password_hash: 'no hash' }, 500, 'unexpected_failure', 'Error creating user'],
  ])('%j is refused with %i %s', async (user, status, code, msg) => {
    expect(await create(user)).toMatchObject({ status, body: { code: status, error_code: code, msg } })
  })

  test('of two at once with one address one is made; a taken phone or id is told too', async () => {
    const email = newEmail()
    const replies = await Promise.all([create({ email }), create({ email })])
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 422])
    await create({ phone: '491111111' })
    expect((await create({ phone: '491111111' })).body).toMatchObject({
      error_code: 'phone_exists',
      msg: 'Phone number already registered by another user',
    })
    const made = replies.find(({ status }) => status === 200)?.body.id
    expect((await create({ email: newEmail(), id: made })).body).toMatchObject({
      error_code: 'unexpected_failure',
      msg: 'Database error creating new user',
    })
  })
})

describe('changing', () => {
  test('what is not named stays, and null takes a member of metadata away', async () => {
    const email = newEmail()
    const { body } = await create({
      email,
      email_confirm: true,
      user_metadata: { a: 1, b: 2 },
      app_metadata: { plan: 'pro' },
    })
    const changed = await change(body.id, { user_metadata: { a: null, c: 3 }, role: 'editor' })
    expect(changed.body).toMatchObject({ email, role: 'editor', app_metadata: { plan: 'pro' } })
    expect(changed.body.user_metadata).toEqual({ b: 2, c: 3, email_verified: true })
  })

  test('a new address is a new identity’s, and the old one no longer signs in', async () => {
    const [old, next] = [newEmail(), newEmail()]
    const { body } = await create({ email: old, password: 'secret-of-ann', email_confirm: true })
    const changed = await change(body.id, { email: next, email_confirm: true })
    expect(changed.body.identities).toMatchObject([{ identity_data: { email: next, email_verified: true } }])
    expect((await auth.signIn(old, 'secret-of-ann')).status).toBe(400)
    expect((await auth.signIn(next, 'secret-of-ann')).status).toBe(200)
  })

  test('an address of somebody else is refused', async () => {
    const [ann, bob] = [await auth.ann(), await auth.ann()]
    expect((await change(bob.id, { email: ann.email })).body.error_code).toBe('email_exists')
  })

  test('a new password ends the user’s sessions', async () => {
    const ann = await auth.ann()
    await change(ann.id, { password: 'chosen-by-admin' })
    expect((await auth.get('/user', { token: ann.token })).body.error_code).toBe('session_not_found')
    expect((await auth.signIn(ann.email, 'chosen-by-admin')).status).toBe(200)
  })

  test('a ban lasts as long as it says, and "none" lifts it', async () => {
    const ann = await auth.ann()
    const { body } = await change(ann.id, { ban_duration: '1h30m' })
    const left = (Date.parse(body.banned_until ?? '') - Date.now()) / 60_000
    expect(left).toBeGreaterThan(89)
    expect(left).toBeLessThan(91)
    expect((await auth.signIn(ann.email, ann.password)).body.error_code).toBe('user_banned')
    expect((await change(ann.id, { ban_duration: 'none' })).body.banned_until).toBeUndefined()
    expect((await auth.signIn(ann.email, ann.password)).status).toBe(200)
  })
})

describe('deleting', () => {
  test('for good takes the user with everything, and the address is free again', async () => {
    const ann = await auth.ann()
    expect(await auth.delete(`/admin/users/${ann.id}`, undefined, asService())).toMatchObject({
      status: 200,
      body: {},
    })
    expect((await auth.get(`/admin/users/${ann.id}`, asService())).body).toMatchObject({
      code: 404,
      error_code: 'user_not_found',
    })
    expect((await auth.get('/user', { token: ann.token })).body.error_code).toBe('user_not_found')
    expect((await auth.post('/signup', { email: ann.email, password: ann.password })).status).toBe(200)
  })

  test('softly keeps the row and nothing that says who it was', async () => {
    const ann = await auth.ann({ full_name: 'Ann Secret' })
    await auth.delete(`/admin/users/${ann.id}`, { should_soft_delete: true }, asService())
    const { body } = await auth.get(`/admin/users/${ann.id}`, asService())
    expect(body).toMatchObject({ id: ann.id, user_metadata: {}, app_metadata: {} })
    expect(JSON.stringify(body)).not.toMatch(/Ann Secret|@example\.com/)
    expect((await auth.refresh(ann.refreshToken)).status).toBe(400)
    expect((await auth.signIn(ann.email, ann.password)).status).toBe(400)
    expect((await auth.post('/signup', { email: ann.email, password: ann.password })).status).toBe(200)
  })

  test('is refused in the database’s words where a row of the project holds on to the user', async () => {
    const own = await startAuth()
    const ann = await own.ann()
    await own.owner(`
      create table public.orders (user_id uuid references auth.users);
      insert into public.orders values ('${ann.id}');
    `)
    const reply = await own.delete(`/admin/users/${ann.id}`, undefined, { token: own.keys.service })
    expect(reply).toMatchObject({ status: 500, body: { code: '23503' } })
    expect((await own.get('/user', { token: ann.token })).status).toBe(200)
  })
})

describe('listing', () => {
  let many: TestAuth
  beforeAll(async () => {
    many = await startAuth()
    await many.admin.run(sql`
      insert into auth.users (instance_id, id, aud, role, email, raw_user_meta_data, created_at)
      select '00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'authenticated', 'authenticated',
        'user' || n || '@example.com', jsonb_build_object('full_name', 'Number ' || n), now() + n * interval '1 s'
      from generate_series(1, 120) n
    `)
  })
  afterAll(() => many.close())

  const list = (query: string): Promise<Reply> =>
    many.get(`/admin/users${query}`, { token: many.keys.service })

  test('gives fifty, the youngest first, and says where the others are', async () => {
    const { body, headers } = await list('')
    expect(body.users.map(({ email }) => email).slice(0, 2)).toEqual([
      'user120@example.com',
      'user119@example.com',
    ])
    expect(body).toMatchObject({ aud: 'authenticated' })
    expect(body.users).toHaveLength(50)
    expect(headers.get('x-total-count')).toBe('120')
    expect(headers.get('link')).toBe('</admin/users?page=2>; rel="next", </admin/users?page=3>; rel="last"')
  })

  test('pages, sorts and filters', async () => {
    const page = await list('?page=3&per_page=50&sort=created_at%20asc')
    expect(page.body.users.map(({ email }) => email).at(-1)).toBe('user120@example.com')
    expect(page.body.users).toHaveLength(20)
    expect(page.headers.get('link')).not.toContain('next')
    const filtered = await list('?filter=number%2011')
    expect(filtered.headers.get('x-total-count')).toBe('11')
    expect((await list('?page=9')).body.users).toEqual([])
  })

  test.each(['?page=x', '?per_page=-1', '?sort=email', '?sort=created_at%20up'])(
    '%s is refused',
    async (query) => {
      expect((await list(query)).body).toMatchObject({ code: 400, error_code: 'validation_failed' })
    },
  )
})

test('an id that is none is told as GoTrue does it', async () => {
  expect((await auth.get('/admin/users/me', asService())).body).toMatchObject({
    code: 404,
    error_code: 'validation_failed',
    msg: 'user_id must be an UUID',
  })
})
