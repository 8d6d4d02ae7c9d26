import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claimsOf, startAuth, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth({ auth: { mailerAutoconfirm: false, mailMaxFrequencySeconds: 0 } })
})
afterAll(() => auth.close())

const password = 'secret-of-ann'
const signUp = (email: string, more: object = {}) => auth.post('/signup', { email, password, ...more })

test('a new address gets a mail and no session, and the link signs in', async () => {
  const email = 'link@example.com'
  const { status, body } = await signUp(email, { data: { name: 'Ann' } })
  expect(status).toBe(200)
  expect(body).toMatchObject({ email, role: 'authenticated', user_metadata: { name: 'Ann' } })
  expect(body).not.toHaveProperty('access_token')
  expect(body).not.toHaveProperty('email_confirmed_at')
  expect((await auth.signIn(email, password)).body.error_code).toBe('email_not_confirmed')

  const mail = await auth.lastMail(email)
  expect(mail).toMatchObject({ kind: 'signup', subject: 'Confirm Your Email' })
  expect(mail.link).toContain(`http://${auth.project.ref}.favo.localhost:8000/auth/v1/verify?token=`)
  const led = await auth.follow(mail.link)
  expect(led.origin).toBe(auth.project.auth.siteUrl)
  const fragment = new URLSearchParams(led.hash.slice(1))
  expect(fragment.get('type')).toBe('signup')
  expect(fragment.get('token_type')).toBe('bearer')
  const token = fragment.get('access_token') ?? ''
  expect(claimsOf(token)).toMatchObject({ sub: body.id, amr: [{ method: 'otp' }] })
  expect((await auth.get('/user', { token })).body).toMatchObject({
    user_metadata: { email_verified: true },
    identities: [{ identity_data: { email, email_verified: true } }],
  })
  expect((await auth.refresh(fragment.get('refresh_token') ?? '')).status).toBe(200)
})

test('the code of the mail does the same, once', async () => {
  const email = 'code@example.com'
  await signUp(email)
  const { otp } = await auth.lastMail(email)
  expect(otp).toMatch(/^\d{6}$/)
  const verify = () => auth.post('/verify', { type: 'signup', email, token: otp })
  const both = await Promise.all([verify(), verify()])
  expect(both.map(({ status }) => status).sort()).toEqual([200, 403])
  expect((await verify()).body).toEqual({
    code: 403,
    error_code: 'otp_expired',
    msg: 'Token has expired or is invalid',
  })
})

test('a taken address gets a look-alike reply and no mail', async () => {
  const email = 'taken@example.com'
  await signUp(email)
  await auth.post('/verify', { type: 'email', email, token: (await auth.lastMail(email)).otp })
  const before = await auth.mails(email)
  const reply = await auth.post('/signup', { email, password: 'of-somebody-else', data: { name: 'Eve' } })
  expect(reply).toMatchObject({
    status: 200,
    body: { email, user_metadata: { name: 'Eve' }, app_metadata: { provider: 'email' }, identities: [] },
  })
  const users = await auth.admin.many(sql`select id from auth.users where email = ${email}`)
  expect(users).not.toContainEqual({ id: reply.body.id })
  expect(await auth.mails(email)).toEqual(before)
  expect((await auth.signIn(email, 'of-somebody-else')).status).toBe(400)
})

test('signing up again before confirming sends another mail, and the first password stays', async () => {
  const email = 'again@example.com'
  await signUp(email)
  const first = await auth.lastMail(email)
  await auth.post('/signup', { email, password: 'another-password' })
  const second = await auth.lastMail(email)
  expect(second.otp).not.toBe(first.otp)
  const old = await auth.post('/verify', { type: 'signup', email, token: first.otp })
  expect(old.body.error_code).toBe('otp_expired')
  await auth.post('/verify', { type: 'signup', email, token: second.otp })
  expect((await auth.signIn(email, 'another-password')).status).toBe(400)
  expect((await auth.signIn(email, password)).status).toBe(200)
})

test('a mail that is late is worth nothing, and another can be had', async () => {
  const email = 'late@example.com'
  await signUp(email)
  const { link, otp } = await auth.lastMail(email)
  await auth.admin.run(sql`
    update auth.users set confirmation_sent_at = now() - interval '3601 s' where email = ${email}
  `)
  expect((await auth.post('/verify', { type: 'signup', email, token: otp })).body.error_code).toBe(
    'otp_expired',
  )
  const led = new URLSearchParams((await auth.follow(link)).hash.slice(1))
  expect(Object.fromEntries(led)).toEqual({
    error: 'access_denied',
    error_code: 'otp_expired',
    error_description: 'Email link is invalid or has expired',
    sb: '',
  })
  expect((await auth.post('/resend', { type: 'signup', email })).body).toEqual({})
  const again = await auth.lastMail(email)
  expect((await auth.post('/verify', { type: 'signup', email, token: again.otp })).status).toBe(200)
})

test('asking for another mail answers unknown, waiting and confirmed addresses alike, with the same statements', async () => {
  await signUp('waiting@example.com')
  await signUp('confirmed@example.com')
  await auth.admin.run(
    sql`update auth.users set email_confirmed_at = now() where email = 'confirmed@example.com'`,
  )
  const workOf = async (email: string) => {
    const before = auth.statements()
    const { status, body } = await auth.post('/resend', { type: 'signup', email })
    return { status, body, statements: auth.statements() - before }
  }
  const known = await workOf('waiting@example.com')
  expect(known).toMatchObject({ status: 200, body: {} })
  expect(await workOf('confirmed@example.com')).toEqual(known)
  expect(await workOf('unknown-to-us@example.com')).toEqual(known)
  expect(await auth.mails('waiting@example.com')).toHaveLength(2)
  expect(await auth.mails('confirmed@example.com')).toHaveLength(1)
})

test('a mail that fails with its sign-up is not in the inbox', async () => {
  const own = await startAuth({ auth: { mailerAutoconfirm: false } })
  await own.owner(`
    create function public.refuse() returns trigger language plpgsql as $$ begin
      if new.confirmation_token <> '' then raise exception 'no'; end if;
      return new;
    end $$;
    create trigger refused before update on auth.users for each row execute function public.refuse();
  `)
  expect((await own.post('/signup', { email: 'a@b.co', password })).status).toBe(500)
  expect(await own.mails('a@b.co')).toEqual([])
  expect(await own.admin.many(sql`select from auth.users`)).toEqual([])
})

test('asking twice in a moment is refused alike for known and unknown addresses', async () => {
  const strict = await auth.with({ mailMaxFrequencySeconds: 60 })
  const ask = (email: string) => strict.post('/signup', { email, password })
  await signUp('known@example.com')
  await auth.admin.run(
    sql`update auth.users set email_confirmed_at = now() where email = 'known@example.com'`,
  )
  for (const email of ['known@example.com', 'unknown@example.com']) {
    expect((await ask(email)).status).toBe(200)
    const again = await ask(email)
    expect(again.status).toBe(429)
    expect(again.body.error_code).toBe('over_email_send_rate_limit')
    expect(again.body.msg).toMatch(/^For security purposes, you can only request this after \d+ seconds\.$/)
  }
})
