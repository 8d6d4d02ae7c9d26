import { sql } from '@favo/postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { claimsOf, startAuth, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth()
})
afterAll(() => auth.close())

const password = 'correct-horse'

test('signing up signs in, with the claims that Supabase puts in a token', async () => {
  const reply = await auth.post('/signup', {
    email: 'First@Example.com',
    password,
    data: { full_name: 'Ann First' },
  })
  expect(reply.status).toBe(200)
  const { user, access_token, ...session } = reply.body
  expect(session).toMatchObject({
    token_type: 'bearer',
    expires_in: 3600,
    refresh_token: expect.stringMatching(/^[a-z0-9]{12}$/) as string,
  })
  expect(user).toMatchObject({
    aud: 'authenticated',
    role: 'authenticated',
    email: 'first@example.com',
    phone: '',
    app_metadata: { provider: 'email', providers: ['email'] },
    user_metadata: { full_name: 'Ann First', email: 'first@example.com', email_verified: true, sub: user.id },
    is_anonymous: false,
  })
  expect(user.email_confirmed_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  expect(user.identities).toMatchObject([
    { id: user.id, user_id: user.id, provider: 'email', email: 'first@example.com' },
  ])
  expect(claimsOf(access_token)).toMatchObject({
    iss: `http://${auth.project.ref}.favo.localhost:8000/auth/v1`,
    sub: user.id,
    aud: 'authenticated',
    role: 'authenticated',
    email: 'first@example.com',
    phone: '',
    aal: 'aal1',
    amr: [{ method: 'password' }],
    is_anonymous: false,
    app_metadata: { provider: 'email', providers: ['email'] },
    user_metadata: { full_name: 'Ann First' },
    exp: session.expires_at,
  })
  expect(reply.headers.get('cache-control')).toBe('no-store')
})

test('a taken address is refused, however it is written', async () => {
  const ann = await auth.ann()
  const reply = await auth.post('/signup', { email: ann.email.toUpperCase(), password })
  expect(reply.status).toBe(422)
  expect(reply.body).toEqual({ code: 422, error_code: 'user_already_exists', msg: 'User already registered' })
})

test('of ten sign-ups at once with one address one wins, and one account is made', async () => {
  const replies = await Promise.all(
    Array.from({ length: 10 }, () => auth.post('/signup', { email: 'race@example.com', password })),
  )
  expect(replies.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(9).fill(422)])
  const rows = await auth.admin.many(sql`
    select from auth.users u join auth.identities i on i.user_id = u.id where u.email = 'race@example.com'
  `)
  expect(rows).toHaveLength(1)
})

test('nobody chooses a role, app_metadata, an id or a confirmation at sign-up', async () => {
  const given = {
    email: 'mass@example.com',
    password,
    id: '11111111-1111-4111-8111-111111111111',
    role: 'service_role',
    aud: 'admin',
    app_metadata: { role: 'admin' },
    raw_app_meta_data: { role: 'admin' },
    is_super_admin: true,
    is_sso_user: true,
    data: { role: 'service_role', sub: 'someone-else', email: 'other@example.com', email_verified: true },
  }
  const { body } = await auth.post('/signup', given)
  expect(body.user.id).not.toBe(given.id)
  expect(body.user).toMatchObject({ role: 'authenticated', aud: 'authenticated' })
  expect(body.user.app_metadata).toEqual({ provider: 'email', providers: ['email'] })
  expect(body.user.user_metadata).toMatchObject({ sub: body.user.id, email: 'mass@example.com' })
  expect(claimsOf(body.access_token)).toMatchObject({ role: 'authenticated', sub: body.user.id })
  const row = await auth.admin.one(sql`
    select is_super_admin, is_sso_user from auth.users where id = ${body.user.id}
  `)
  expect(row).toEqual({ is_super_admin: null, is_sso_user: false })
})

test('signing up with a taken address costs the same hashing as with a new one', async () => {
  const ann = await auth.ann()
  const hashesOf = async (email: string) => {
    const before = auth.service.passwordWorkers.count
    await auth.post('/signup', { email, password })
    return auth.service.passwordWorkers.count - before
  }
  expect(await hashesOf('unknown-so-far@example.com')).toBe(1)
  expect(await hashesOf(ann.email)).toBe(1)
})

test('an account that was never confirmed is had only by who knows its password', async () => {
  const ann = await auth.ann()
  await auth.admin.run(sql`update auth.users set email_confirmed_at = null where id = ${ann.id}`)
  const stranger = await auth.post('/signup', { email: ann.email, password: 'another-password' })
  expect(stranger).toMatchObject({ status: 422, body: { error_code: 'user_already_exists' } })
  const owner = await auth.post('/signup', { email: ann.email, password: ann.password })
  expect(owner).toMatchObject({ status: 200, body: { user: { id: ann.id } } })
})

describe('refusals', () => {
  const email = 'refused@example.com'
  test.each([
    [{ email }, 400, 'validation_failed', 'Signup requires a valid password'],
    [{ email, password: '12345' }, 422, 'weak_password', 'Password should be at least 6 characters.'],
    [
      { email, password: 'x'.repeat(73) },
      400,
      'validation_failed',
      'Password cannot be longer than 72 characters',
    ],
    [
      { email: 'nothing', password },
      400,
      'validation_failed',
      'Unable to validate email address: invalid format',
    ],
    [
      { email: `${'a'.repeat(250)}@example.com`, password },
      400,
      'validation_failed',
      'An email address is too long',
    ],
    [{ phone: '+4912345678', password }, 400, 'phone_provider_disabled', 'Phone signups are disabled'],
    [
      { email, phone: '+4912345678', password },
      400,
      'validation_failed',
      'Only an email address or phone number should be provided on signup.',
    ],
    [{}, 422, 'anonymous_provider_disabled', 'Anonymous sign-ins are disabled'],
    [
      { email: 7, password },
      400,
      'bad_json',
      'Could not parse request body as JSON: json: cannot unmarshal number into Go struct field SignupParams.email of type string',
    ],
    ['', 400, 'bad_json', 'Could not parse request body as JSON: unexpected end of JSON input'],
    [
      { email, password, data: { name: 'a\0b' } },
      400,
      'bad_json',
      'Could not parse request body as JSON: a text has a zero character or half of a surrogate pair',
    ],
  ])('%j is refused with %i %s', async (body, status, code, msg) => {
    const reply = await auth.post('/signup', body)
    expect(reply.body).toMatchObject({ code: status, error_code: code, msg })
    expect(reply.status).toBe(status)
    expect(reply.headers.get('x-sb-error-code')).toBe(code)
  })

  test('clients of 2024-01-01 get the code in "code" and the text in "message"', async () => {
    const headers = { 'x-supabase-api-version': '2024-01-01' }
    const reply = await auth.post('/signup', { email, password: '1' }, { headers })
    expect(reply.headers.get('x-supabase-api-version')).toBe('2024-01-01')
    expect(reply.body).toEqual({
      code: 'weak_password',
      message: 'Password should be at least 6 characters.',
      weak_password: { reasons: ['length'] },
    })
  })

  test('nobody signs up where that is switched off', async () => {
    const closed = await auth.with({ disableSignup: true })
    const reply = await closed.post('/signup', { email, password })
    expect(reply).toMatchObject({ status: 422, body: { error_code: 'signup_disabled' } })
  })

  test('more than a megabyte is refused', async () => {
    const reply = await auth.post('/signup', { email, password, data: { text: 'x'.repeat(1 << 20) } })
    expect(reply).toMatchObject({ status: 413, body: { error_code: 'request_entity_too_large' } })
  })
})

describe("the project's own triggers on auth.users", () => {
  test('run as the auth service’s role, never as a superuser, and what they write is in the token', async () => {
    const own = await startAuth()
    await own.owner(`
      create table public.seen (role text, superuser text, name text, event text);
      grant all on public.seen to supabase_auth_admin;
      create function public.note() returns trigger language plpgsql as $$ begin
        insert into public.seen values
          (current_user, current_setting('is_superuser'), new.raw_user_meta_data ->> 'full_name', tg_op);
        if tg_op = 'INSERT' then
          update auth.users set raw_app_meta_data = raw_app_meta_data || '{"tenant": "acme"}' where id = new.id;
        end if;
        return new;
      end $$;
      create trigger noted after insert on auth.users for each row execute function public.note();
      create trigger confirmed after update on auth.users for each row
        when (old.email_confirmed_at is null and new.email_confirmed_at is not null)
        execute function public.note();
    `)
    const { body } = await own.post('/signup', { email: 'a@b.co', password, data: { full_name: 'Ann' } })
    expect(claimsOf(body.access_token).app_metadata).toMatchObject({ tenant: 'acme', provider: 'email' })
    expect(await own.admin.many(sql`select * from public.seen`)).toEqual([
      { role: 'supabase_auth_admin', superuser: 'off', name: 'Ann', event: 'INSERT' },
      { role: 'supabase_auth_admin', superuser: 'off', name: 'Ann', event: 'UPDATE' },
    ])
  })

  test('that raise leave no user behind, and their words reach the client', async () => {
    const own = await startAuth()
    await own.owner(`
      create function public.refuse() returns trigger language plpgsql as $$ begin
        raise exception 'only for members' using hint = 'ask for an invitation';
      end $$;
      create trigger refused after insert on auth.users for each row execute function public.refuse();
    `)
    const reply = await own.post('/signup', { email: 'a@b.co', password })
    expect(reply.status).toBe(500)
    expect(reply.body).toEqual({
      code: 'P0001',
      message: 'only for members',
      hint: 'ask for an invitation',
    })
    const headers = { 'x-supabase-api-version': '2024-01-01' }
    const newer = await own.post('/signup', { email: 'a@b.co', password }, { headers })
    expect(newer.body).toEqual({ code: 'unexpected_failure', message: 'Database error saving new user' })
    expect(await own.admin.many(sql`select from auth.users`)).toHaveLength(0)
  })
})
