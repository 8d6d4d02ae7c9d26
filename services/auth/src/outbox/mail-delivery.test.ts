import { randomUUID } from 'node:crypto'
import { sql } from '@favo/postgres'
import { startSmtpCatcher, type SmtpCatcher } from '@favo/testkit'
import { poll } from '@favo/cluster'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createMemoryMarks, startAuth, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
let smtp: SmtpCatcher
let marks: ReturnType<typeof createMemoryMarks>
beforeAll(async () => {
  smtp = await startSmtpCatcher()
  marks = createMemoryMarks()
  auth = await startAuth({
    auth: {
      mailerAutoconfirm: false,
      mailMaxFrequencySeconds: 0,
      rateLimitEmailSent: 10_000,
      smtpHost: '127.0.0.1',
      smtpPort: smtp.port,
      smtpAdminEmail: 'hello@shop.example',
      smtpSenderName: 'Ann, "the" shop',
    },
    outbound: { allowPrivate: true },
    mails: { firstRetrySeconds: 0.05, longestRetrySeconds: 0.1, sendTimeoutMs: 10_000 },
    marks,
  })
})
afterEach(() => smtp.behave({ kind: 'accept' }))
afterAll(async () => {
  await auth.close()
  await smtp.close()
})

const newEmail = () => `new-${randomUUID()}@example.com`
const signUp = (on: TestAuth, email: string, data: object = {}) =>
  on.post('/signup', { email, password: 'secret-password', data })
const sentTo = (email: string) => smtp.mails.filter(({ envelope }) => envelope.to.includes(email))
const untilState = async (email: string, state: string, on = auth) => {
  const isThere = await poll(async () => (await on.mails(email))[0]?.state === state, 15_000)
  if (!isThere) throw new Error(JSON.stringify(await on.mails(email)))
  return on.lastMail(email)
}

test('a mail leaves through the project’s server once, whole, and says from whom', async () => {
  const email = newEmail()
  expect((await signUp(auth, email)).status).toBe(200)
  const told = await untilState(email, 'sent')
  expect(told).toMatchObject({ tries: 1, error: null, html: '', text: '', subject: 'Confirm Your Email' })

  const [mail, ...others] = sentTo(email)
  expect(others).toEqual([])
  expect(mail).toMatchObject({
    envelope: { from: 'hello@shop.example', to: [email] },
    from: { name: 'Ann, "the" shop', address: 'hello@shop.example' },
    subject: 'Confirm Your Email',
  })
  expect(mail?.messageId).toMatch(/^<[0-9a-f-]{36}@shop\.example>$/)
  expect(mail?.headerNames).toContain('auto-submitted')
  const link = (/href="([^"]+)"/.exec(mail?.html ?? '')?.[1] ?? '').replaceAll('&amp;', '&')
  expect(mail?.text).toContain(link)
  expect((await auth.follow(link)).hash).toContain('access_token=')
})

test('without a mail server the inbox holds mails, and a server that comes later does not get them', async () => {
  const held = await auth.with({ smtpHost: '' })
  const email = newEmail()
  await signUp(held, email)
  expect(await held.lastMail(email)).toMatchObject({ state: 'local' })
  const other = newEmail()
  await signUp(auth, other)
  await untilState(other, 'sent')
  expect(sentTo(email)).toEqual([])
})

test('a mail that the server does not take now is tried again, under the same Message-ID', async () => {
  const email = newEmail()
  smtp.behave({ kind: 'refuseMessage', code: 451 })
  await signUp(auth, email)
  await poll(async () => ((await auth.mails(email))[0]?.tries ?? 0) >= 2, 10_000)
  expect(await auth.lastMail(email)).toMatchObject({
    state: 'waiting',
    error: expect.stringContaining('451') as string,
  })
  smtp.behave({ kind: 'accept' })
  await untilState(email, 'sent')
  expect(sentTo(email)).toHaveLength(1)
})

test('a recipient that does not exist is given up at once, and can be tried again by hand', async () => {
  const email = newEmail()
  smtp.behave({ kind: 'refuseRecipient', code: 550 })
  await signUp(auth, email)
  const dead = await untilState(email, 'dead')
  expect(dead).toMatchObject({ tries: 1, error: expect.stringContaining('550') as string })
  smtp.behave({ kind: 'accept' })
  const retry = (id: string, token = auth.keys.service) =>
    auth.post(`/admin/inbox/${id}/retry`, {}, { token })
  expect((await retry(dead.id, auth.keys.anon)).status).toBe(403)
  expect((await retry(dead.id)).status).toBe(200)
  await untilState(email, 'sent')
  for (const id of [dead.id, '99999999999', 'x', '1;select'])
    expect(await retry(id), id).toMatchObject({ status: 404, body: { error_code: 'mail_not_found' } })
})

test('a mail is given up after ten tries, and listed among the dead', async () => {
  const email = newEmail()
  smtp.behave({ kind: 'refuseRecipient', code: 450 })
  await signUp(auth, email)
  expect(await untilState(email, 'dead')).toMatchObject({ tries: 10 })
  const { body } = await auth.get('/admin/inbox?state=dead', { token: auth.keys.service })
  expect(body.mails.map(({ recipient }) => recipient)).toContain(email)
})

test.each(['silence', 'trickle', 'flood', 'hangUp'] as const)(
  'a hostile server (%s) holds nobody up: it gets its time, and the mail waits',
  async (kind) => {
    const email = newEmail()
    smtp.behave({ kind })
    const quick = await startAuth({
      given: auth,
      auth: auth.project.auth,
      outbound: { allowPrivate: true },
      mails: { firstRetrySeconds: 0.05, longestRetrySeconds: 0.1, sendTimeoutMs: 800 },
      marks,
    })
    const startedAt = performance.now()
    expect((await signUp(quick, email)).status).toBe(200)
    expect(performance.now() - startedAt).toBeLessThan(1_500)
    const failed = await poll(async () => (await auth.mails(email))[0]?.error !== null, 10_000)
    expect(failed).toBe(true)
    smtp.behave({ kind: 'accept' })
    await untilState(email, 'sent')
    expect(sentTo(email)).toHaveLength(1)
  },
)

test.each(['127.0.0.1', 'localhost', '127.1', '2130706433', '0.0.0.0', '::1', '::ffff:127.0.0.1'])(
  'a mail server on the platform’s own network (%s) is not called',
  async (smtpHost) => {
    const guarded = await startAuth({
      given: auth,
      auth: {
        mailerAutoconfirm: false,
        smtpHost,
        smtpPort: smtp.port,
        smtpAdminEmail: 'hello@shop.example',
      },
      mails: { firstRetrySeconds: 60 },
    })
    const before = smtp.connections()
    const email = newEmail()
    await signUp(guarded, email)
    await poll(async () => (await guarded.mails(email))[0]?.error !== null, 10_000)
    expect((await guarded.lastMail(email)).error).toMatch(/private network|ENOTFOUND|EADDRNOTAVAIL/)
    expect(smtp.connections()).toBe(before)
    await auth.admin.run(
      sql`update auth.favo_mails set state = 'local', due_at = null where recipient = ${email}`,
    )
  },
)

test('mails of a process that died in the middle are sent by the next, found by their mark', async () => {
  const email = newEmail()
  const asleep = await startAuth({
    given: auth,
    auth: { mailerAutoconfirm: false, smtpHost: '192.0.2.1', smtpAdminEmail: 'hello@shop.example' },
    mails: { claimSeconds: 1 },
    marks,
  })
  marks.refs.clear()
  await signUp(asleep, email)
  expect([...marks.refs]).toEqual([asleep.project.ref])
  // As a process leaves it that is killed while it sends.
  await auth.admin.run(sql`
    update auth.favo_mails set tries = 1, due_at = now() + interval '1 second', error = null where recipient = ${email}
  `)
  await asleep.close()
  const next = await auth.with({})
  next.service.startMails()
  await untilState(email, 'sent')
  expect(sentTo(email)).toHaveLength(1)
})

test('two processes that look at the same time send a mail once', async () => {
  const others = await Promise.all([auth.with({}), auth.with({}), auth.with({})])
  const emails = Array.from({ length: 12 }, newEmail)
  smtp.behave({ kind: 'delay', ms: 20 })
  await Promise.all(emails.map((email, index) => signUp(others[index % 3] ?? auth, email)))
  for (const email of emails) await untilState(email, 'sent')
  expect(emails.map((email) => sentTo(email).length)).toEqual(emails.map(() => 1))
})

test('a mail of a change that was rolled back does not leave', async () => {
  await auth.admin.run(sql`
    create function public.no_users() returns trigger language plpgsql as $$ begin raise 'no'; end $$
  `)
  await auth.admin.run(sql`
    create constraint trigger no_users after insert on auth.users deferrable initially deferred
    for each row when (new.email like 'rolled-back%') execute function public.no_users()
  `)
  const email = `rolled-back-${randomUUID()}@example.com`
  expect((await signUp(auth, email)).status).toBe(500)
  expect(await auth.mails(email)).toEqual([])
  expect(sentTo(email)).toEqual([])
})

test('what a project writes into the outbox itself cannot reach others’ headers or recipients', async () => {
  const evil = [
    'a@b.example, c@d.example',
    'a@b.example\r\nRCPT TO:<c@d.example>',
    '<a@b.example>',
    'no address',
    '',
  ]
  for (const recipient of evil)
    await auth.admin.run(sql`
      insert into auth.favo_mails (kind, recipient, subject, html, state, due_at)
      values ('signup', ${recipient}, ${'x\r\nBcc: eve@example.com'}, 'x', 'waiting', now())
    `)
  const good = newEmail()
  await auth.admin.run(sql`
    insert into auth.favo_mails (kind, recipient, subject, html, state, due_at)
    values ('signup', ${good}, ${'x\r\nBcc: eve@example.com'}, 'x', 'waiting', now()),
      ('signup', ${`long-${good}`}, 'x', repeat('x', 3000000), 'waiting', now())
  `)
  const before = smtp.mails.length
  await signUp(auth, newEmail())
  const errorsOf = () =>
    auth.admin.many<{ error: string }>(sql`
      select error from auth.favo_mails where recipient = any(${evil}::text[]) and state = 'dead'
    `)
  expect(await poll(async () => (await errorsOf()).length === evil.length, 10_000)).toBe(true)
  for (const { error } of await errorsOf()) expect(error).toMatch(/not an address/)
  expect((await untilState(`long-${good}`, 'dead')).error).toMatch(/too long/)
  await untilState(good, 'sent')
  expect(await poll(async () => smtp.mails.length === before + 2, 10_000)).toBe(true)
  const [mail] = sentTo(good)
  expect(mail?.headerNames).not.toContain('bcc')
  expect(mail?.subject).toBe('x Bcc: eve@example.com')
})
