import { randomUUID } from 'node:crypto'
import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuth, type Ann, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
let strict: TestAuth
beforeAll(async () => {
  auth = await startAuth({ auth: { mailMaxFrequencySeconds: 0 } })
  strict = await auth.with({ mailerAutoconfirm: false })
})
afterAll(() => auth.close())

const newEmail = () => `new-${randomUUID()}@example.com`
const ask = (on: TestAuth, ann: Ann, email: string) => on.put('/user', { email }, { token: ann.token })

test('an address changes when both the new and the old one have agreed', async () => {
  const [ann, next] = [await auth.ann(), newEmail()]
  const asked = await ask(strict, ann, next)
  expect(asked.body).toMatchObject({ email: ann.email, new_email: next })

  const [atNew, atOld] = [await strict.lastMail(next), await strict.lastMail(ann.email)]
  const first = await strict.post('/verify', { type: 'email_change', email: next, token: atNew.otp })
  expect(first.body).toEqual({
    msg: 'Confirmation link accepted. Please proceed to confirm link sent to the other email',
    code: '200',
  })
  expect((await strict.signIn(next, ann.password)).status).toBe(400)
  const again = await strict.post('/verify', { type: 'email_change', email: next, token: atNew.otp })
  expect(again.body.error_code).toBe('otp_expired')

  const led = await strict.follow(atOld.link)
  expect(led.hash).toContain('access_token=')
  expect((await strict.signIn(next, ann.password)).body.user).toMatchObject({
    id: ann.id,
    email: next,
    identities: [{ identity_data: { email: next, email_verified: true } }],
  })
  expect((await strict.signIn(ann.email, ann.password)).status).toBe(400)
})

test('where one is enough, the new address is asked alone', async () => {
  const loose = await strict.with({ mailerSecureEmailChangeEnabled: false, mailerAutoconfirm: false })
  const [ann, next] = [await auth.ann(), newEmail()]
  await ask(loose, ann, next)
  expect((await loose.mails(ann.email)).filter(({ kind }) => kind === 'email_change')).toEqual([])
  const { otp } = await loose.lastMail(next)
  const reply = await loose.post('/verify', { type: 'email_change', email: next, token: otp })
  expect(reply.body.user.email).toBe(next)
})

test('a stranger’s link cannot move an account to an address that was taken meanwhile', async () => {
  const loose = await strict.with({ mailerSecureEmailChangeEnabled: false, mailerAutoconfirm: false })
  const [ann, next] = [await auth.ann(), newEmail()]
  await ask(loose, ann, next)
  const { otp } = await loose.lastMail(next)
  await auth.post('/signup', { email: next, password: 'secret-of-bob' })
  const reply = await loose.post('/verify', { type: 'email_change', email: next, token: otp })
  expect(reply).toMatchObject({ status: 422, body: { error_code: 'email_exists' } })
  expect((await auth.signIn(ann.email, ann.password)).status).toBe(200)
})

test('a new password makes a change void that was asked for before', async () => {
  const [ann, next] = [await auth.ann(), newEmail()]
  await ask(strict, ann, next)
  const { otp } = await strict.lastMail(next)
  await strict.put('/user', { password: 'new-password' }, { token: ann.token })
  const reply = await strict.post('/verify', { type: 'email_change', email: next, token: otp })
  expect(reply.body.error_code).toBe('otp_expired')
})

test('a change is mailed again on demand, and never for strangers', async () => {
  const [ann, next] = [await auth.ann(), newEmail()]
  await ask(strict, ann, next)
  await strict.post('/resend', { type: 'email_change', email: ann.email })
  expect(await strict.mails(next)).toHaveLength(2)
  expect((await strict.post('/resend', { type: 'email_change', email: newEmail() })).body).toEqual({})
})

test('a new password in an old session needs a code that was mailed, where the project wants it', async () => {
  const careful = await auth.with({ updatePasswordRequiresReauthentication: true })
  const ann = await auth.ann()
  await auth.admin.run(sql`
    update auth.sessions set created_at = now() - interval '25 hours' where user_id = ${ann.id}
  `)
  const change = (nonce?: string) =>
    careful.put('/user', { password: 'new-password', nonce }, { token: ann.token })
  expect((await change()).body).toMatchObject({ code: 400, error_code: 'reauthentication_needed' })
  expect((await change('123456')).body).toMatchObject({
    code: 422,
    error_code: 'reauthentication_not_valid',
    msg: 'Nonce has expired or is invalid',
  })
  expect(await careful.get('/reauthenticate', { token: ann.token })).toMatchObject({ status: 200, body: {} })
  const { otp } = await careful.lastMail(ann.email)
  expect((await change(otp)).status).toBe(200)
})
