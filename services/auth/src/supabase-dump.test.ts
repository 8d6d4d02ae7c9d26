import { readFile } from 'node:fs/promises'
import { sql } from '@favo/postgres'
import { Secret, TOTP } from 'otpauth'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claimsOf, startAuth, type TestAuth } from '../test/start-auth.ts'

let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth({
    auth: { mailerAutoconfirm: false, phoneProviderEnabled: true, samlEnabled: true },
  })
  await auth.owner(await readFile(new URL('../test/supabase-dump.sql', import.meta.url), 'utf8'))
})
afterAll(() => auth.close())

const ann = '11111111-1111-4111-8111-111111111111'

test('users of a Supabase project sign in with their passwords, by address and by phone', async () => {
  const signedIn = await auth.signIn('ann@example.com', 'secret of ann')
  expect(signedIn).toMatchObject({ status: 200, body: { user: { id: ann, user_metadata: { name: 'Ann' } } } })
  expect(signedIn.body.user.identities.map(({ provider }) => provider).toSorted()).toEqual([
    'email',
    'google',
  ])
  expect((await auth.signIn('ann@example.com', 'wrong')).status).toBe(400)
  expect((await auth.signIn('bob@example.com', 'secret of bob')).body.error_code).toBe('email_not_confirmed')
  const byPhone = { phone: '15551230001', password: 'secret of cat' }
  expect((await auth.post('/token?grant_type=password', byPhone)).status).toBe(200)
})

test('a session goes on: its refresh token is good, and the one before it is not', async () => {
  const refreshed = await auth.refresh('second4token')
  expect(refreshed.status).toBe(200)
  expect(claimsOf(refreshed.body.access_token)).toMatchObject({
    sub: ann,
    session_id: '88888888-8888-4888-8888-888888888888',
    amr: [{ method: 'password' }],
  })
  await auth.refresh(refreshed.body.refresh_token)
  expect((await auth.refresh('first4token0')).body.error_code).toBe('refresh_token_already_used')
})

test('a second factor is met with the code of the same authenticator', async () => {
  const { body } = await auth.post('/token?grant_type=password', {
    phone: '15551230001',
    password: 'secret of cat',
  })
  const ask = { token: body.access_token }
  const path = '/factors/99999999-9999-4999-8999-999999999992'
  const challenge = await auth.post(`${path}/challenge`, {}, ask)
  const code = new TOTP({ secret: Secret.fromBase32('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP') }).generate()
  const verified = await auth.post(`${path}/verify`, { challenge_id: challenge.body.id, code }, ask)
  expect(claimsOf(verified.body.access_token)).toMatchObject({ aal: 'aal2' })
})

test('who waited for a mail asks for another; single sign-on knows its domains; new rows get new numbers', async () => {
  expect((await auth.post('/resend', { type: 'signup', email: 'bob@example.com' })).status).toBe(200)
  const { otp } = await auth.lastMail('bob@example.com')
  const confirmed = await auth.post('/verify', { type: 'signup', email: 'bob@example.com', token: otp })
  expect(confirmed.status).toBe(200)
  const { body } = await auth.get('/admin/sso/providers', { token: auth.keys.service })
  expect(body).toMatchObject({ items: [{ domains: [{ domain: 'corp.example' }] }] })
  const { low } = await auth.admin.one<{ low: number }>(
    sql`select count(*)::int as low from auth.refresh_tokens where id <= 2`,
  )
  expect(low).toBe(2)
})
