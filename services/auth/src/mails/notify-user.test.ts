import { randomUUID } from 'node:crypto'
import { poll } from '@favo/cluster'
import { notificationNames } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withTotp } from '../../test/factors.ts'
import { startHookServer } from '../../test/hook-server.ts'
import { startAuth, type TestAuth } from '../../test/start-auth.ts'

const all = Object.fromEntries(notificationNames.map((name) => [name, true]))

let quiet: TestAuth
let auth: TestAuth
beforeAll(async () => {
  quiet = await startAuth({
    auth: {
      mailMaxFrequencySeconds: 0,
      mailerSecureEmailChangeEnabled: false,
      manualLinkingEnabled: true,
      smsAutoconfirm: true,
      phoneProviderEnabled: true,
    },
  })
  auth = await quiet.with({ mailerNotifications: all })
})
afterAll(() => quiet.close())

const told = async (email: string, on = auth) =>
  (await on.mails(email)).filter(({ kind }) => kind.endsWith('_notification')).reverse()
const newPassword = (on: TestAuth, token: string) =>
  on.put('/user', { password: `new-${randomUUID()}` }, { token })

test('nobody is told anything where the project does not want it', async () => {
  const ann = await quiet.ann()
  await newPassword(quiet, ann.token)
  expect(await told(ann.email)).toEqual([])
})

test('a new password is told', async () => {
  const ann = await auth.ann()
  await newPassword(auth, ann.token)
  const [mail, ...others] = await told(ann.email)
  expect(others).toEqual([])
  expect(mail).toMatchObject({ kind: 'password_changed_notification', subject: 'Your password was changed' })
  expect(mail?.text).toContain(ann.email)
})

test('a new password that was refused is not told', async () => {
  const ann = await auth.ann()
  await auth.put('/user', { password: ann.password }, { token: ann.token })
  expect(await told(ann.email)).toEqual([])
})

test('a new address is told to the old one', async () => {
  const ann = await auth.ann()
  const next = `new-${randomUUID()}@example.com`
  await auth.put('/user', { email: next }, { token: ann.token })
  const { otp } = await auth.lastMail(next)
  expect((await auth.post('/verify', { type: 'email_change', email: next, token: otp })).status).toBe(200)
  const [mail] = await told(ann.email)
  expect(mail).toMatchObject({ kind: 'email_changed_notification' })
  expect(mail?.text).toContain(`from ${ann.email} to ${next}`)
  expect(await told(next)).toEqual([])
})

test('a phone, and the way in that comes with it, are told', async () => {
  const ann = await auth.ann()
  const phone = `1555${String(Date.now()).slice(-7)}`
  expect((await auth.put('/user', { phone }, { token: ann.token })).status).toBe(200)
  const mails = await told(ann.email)
  expect(mails.map(({ kind }) => kind)).toEqual([
    'phone_changed_notification',
    'identity_linked_notification',
  ])
  expect(mails[0]?.text).toContain(`was changed to ${phone}`)
  expect(mails[1]?.text).toContain('with phone too')
})

test('a way in that was taken away is told', async () => {
  const ann = await auth.ann()
  const { id } = await auth.admin.one<{ id: string }>(sql`
    insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
    values (${randomUUID()}, ${ann.id}, jsonb_build_object('sub', 'x', 'email', ${ann.email}::text), 'github', now(), now(), now())
    returning id::text as id
  `)
  expect((await auth.delete(`/user/identities/${id}`, undefined, { token: ann.token })).status).toBe(200)
  expect(await told(ann.email)).toMatchObject([{ kind: 'identity_unlinked_notification' }])
})

test('a second factor is told when it is verified, and when it is removed', async () => {
  const ann = await withTotp(auth)
  expect((await told(ann.email)).map(({ kind }) => kind)).toEqual(['mfa_factor_enrolled_notification'])
  await auth.delete(`/factors/${ann.factorId}`, undefined, { token: ann.token })
  const mails = await told(ann.email)
  expect(mails.map(({ kind }) => kind).at(-1)).toBe('mfa_factor_unenrolled_notification')
  expect(mails.at(-1)?.text).toContain('(totp)')
})

test('the project’s own words are used, with what was changed', async () => {
  const own = await auth.with({
    mailerNotifications: all,
    mailerTemplates: { email_changed_notification: '<p>{{ .OldEmail }} -> {{ .Email }}</p>' },
    mailerSubjects: { email_changed_notification: 'Moved, {{ .Data.name }}' },
  })
  const ann = await own.ann({ name: '<b>Ann' })
  const next = `new-${randomUUID()}@example.com`
  await own.put('/user', { email: next }, { token: ann.token })
  const { otp } = await own.lastMail(next)
  await own.post('/verify', { type: 'email_change', email: next, token: otp })
  expect(await told(ann.email)).toMatchObject([
    { subject: 'Moved, <b>Ann', html: `<p>${ann.email} -> ${next}</p>` },
  ])
})

test('a hook is told through the outbox, until it takes it; the change stands meanwhile', async () => {
  const hook = await startHookServer()
  let calls = 0
  hook.answer(() => ((calls += 1) === 1 ? { status: 500 } : { status: 204 }))
  const hooked = await startAuth({
    given: quiet,
    auth: {
      mailerNotifications: all,
      hooks: {
        sendEmail: { isEnabled: true, uri: hook.url, secrets: 'v1,whsec_c2VjcmV0LXNlY3JldA==' },
      },
    },
    outbound: { allowPrivate: true, hookBackoffMs: 10 },
    mails: { firstRetrySeconds: 0.05 },
  })
  const ann = await hooked.ann()
  expect((await newPassword(hooked, ann.token)).status).toBe(200)
  const isSent = await poll(async () => (await told(ann.email))[0]?.state === 'sent', 10_000)
  expect(isSent, JSON.stringify(await told(ann.email))).toBe(true)
  expect(hook.calls).toHaveLength(2)
  const sent = JSON.parse(hook.calls[1]?.body ?? '') as { user: { id: string }; email_data: object }
  expect(sent.user.id).toBe(ann.id)
  expect(sent.email_data).toMatchObject({ email_action_type: 'password_changed_notification', token: '' })
  await hook.close()
})
