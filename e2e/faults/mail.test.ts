import { randomUUID } from 'node:crypto'
import { createInstallation, startSmtpCatcher, type Installation, type ServerProcess } from '@favo/testkit'
import { poll } from '@favo/cluster'
import type { ProjectConnection } from '@favo/contracts'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { startSmsHook } from '../support/sms-hook.ts'

const env = { FAVO_ALLOW_PRIVATE_ADDRESSES: 'true' }

async function mailThrough(
  favo: Installation,
  server: ServerProcess,
  ref: string,
  port: number,
  more: object = {},
) {
  const reply = await fetch(`${server.apiUrl}/v1/projects/${ref}/config/auth`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${await favo.token()}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      mailer_autoconfirm: false,
      rate_limit_email_sent: 1_000,
      smtp_host: '127.0.0.1',
      smtp_port: String(port),
      smtp_admin_email: 'hello@shop.example',
      ...more,
    }),
  })
  if (!reply.ok) throw new Error(await reply.text())
}

const signUp = (server: ServerProcess, project: ProjectConnection, email: string) =>
  fetch(`${server.apiUrl}/p/${project.ref}/auth/v1/signup`, {
    method: 'POST',
    headers: { apikey: project.keys.anon, 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: 'secret-password' }),
    signal: AbortSignal.timeout(20_000),
  })

async function startMailing(more: object = {}) {
  const smtp = await startSmtpCatcher()
  onTestFinished(() => smtp.close())
  const favo = await createInstallation({ isUsed: true })
  const server = await favo.start(env)
  const project = await favo.createProject(server, { name: 'mails' })
  await mailThrough(favo, server, project.ref, smtp.port, more)
  return { smtp, favo, server, project }
}

test('the platform killed while a mail server keeps it waiting: the next start delivers the mail, once', async () => {
  const { smtp, favo, server, project } = await startMailing()
  smtp.behave({ kind: 'silence' })
  const emails = Array.from({ length: 3 }, () => `new-${randomUUID()}@example.com`)
  for (const email of emails) expect((await signUp(server, project, email)).status).toBe(200)
  expect(await poll(async () => smtp.connections() > 0, 10_000)).toBe(true)
  await server.end('SIGKILL')
  expect(smtp.mails).toEqual([])

  smtp.behave({ kind: 'accept' })
  await favo.start(env)
  // Nobody asks the project for anything: the mark that it left brings its mails back.
  await poll(async () => smtp.mails.length >= emails.length, 40_000)
  expect(smtp.mails.flatMap(({ envelope }) => envelope.to).toSorted()).toEqual(emails.toSorted())
}, 90_000)

test('the platform killed while it sends: every acknowledged sign-up has its mail, and what came twice says so', async () => {
  const { smtp, favo, server, project } = await startMailing()
  smtp.behave({ kind: 'delay', ms: 15 })
  const acknowledged: string[] = []
  let isStopped = false
  const client = async () => {
    while (!isStopped) {
      const email = `new-${randomUUID()}@example.com`
      const status = await signUp(server, project, email).then(
        ({ status }) => status,
        () => null,
      )
      if (status === 200) acknowledged.push(email)
      if (status === null) return
    }
  }
  const clients = [client(), client()]
  expect(await poll(async () => smtp.mails.length > 5, 30_000)).toBe(true)
  await server.end('SIGKILL')
  isStopped = true
  await Promise.all(clients)

  await favo.start(env)
  const missing = () => {
    const reached = new Set(smtp.mails.flatMap(({ envelope }) => envelope.to))
    return acknowledged.filter((email) => !reached.has(email))
  }
  await poll(async () => missing().length === 0, 40_000)
  expect(missing()).toEqual([])
  // Between a server's word and our note of it there is a moment: such a mail comes again, and is the same one.
  const ids = new Map(smtp.mails.map(({ messageId, envelope }) => [messageId, envelope.to[0]]))
  expect(new Set(ids.values()).size).toBe(ids.size)
  expect(smtp.mails.length - ids.size).toBeLessThanOrEqual(1)
}, 90_000)

/** Sees to it that a mail which is being sent can't be noted as sent: tells when that is tried, and how to let go. */
async function blockNote(favo: Installation, email: string) {
  const url = new URL(await favo.adminUrl())
  const open = async (database: string) => {
    url.pathname = database
    const client = new pg.Client(url.href)
    client.on('error', () => undefined)
    await client.connect()
    onTestFinished(() => client.end().catch(() => undefined))
    return client
  }
  const admin = await open('postgres')
  const { rows } = await admin.query<{ datname: string }>(
    `select datname from pg_database where datname ~ '^p_'`,
  )
  for (const { datname } of rows) {
    const client = await open(datname)
    await client.query('begin')
    const isTaken = async () => {
      const text = 'select from auth.favo_mails where recipient = $1 and tries = 1 for update'
      return (await client.query(text, [email])).rowCount === 1
    }
    const isOther =
      (await client.query('select from auth.favo_mails where recipient = $1', [email])).rowCount === 0
    if (isOther) continue
    expect(await poll(isTaken, 10_000, 5)).toBe(true)
    const waiting = `from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'`
    return {
      isAwaited: async () => (await admin.query(`select ${waiting}`, [datname])).rowCount !== 0,
      // A backend would otherwise do what it was told, though nobody waits for its answer any more.
      letGo: async () => {
        await admin.query(`select pg_terminate_backend(pid, 5000) ${waiting}`, [datname])
        await client.end().catch(() => undefined)
      },
    }
  }
  throw new Error('the mail is in no database')
}

test('the platform killed between a server’s word and the note of it: the mail comes again as the same one, and so does a message', async () => {
  const hook = await startSmsHook()
  const { smtp, favo, server, project } = await startMailing({
    external_phone_enabled: true,
    hook_send_sms_enabled: true,
    hook_send_sms_uri: hook.url,
    hook_send_sms_secrets: 'v1,whsec_c2VjcmV0',
  })
  const post = ({ apiUrl }: ServerProcess, path: string, body: object) =>
    fetch(`${apiUrl}/p/${project.ref}/auth/v1/${path}`, {
      method: 'POST',
      headers: { apikey: project.keys.anon, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  smtp.behave({ kind: 'delay', ms: 2_000 })
  const email = `new-${randomUUID()}@example.com`
  expect((await signUp(server, project, email)).status).toBe(200)
  const block = await blockNote(favo, email)
  expect(await poll(async () => smtp.mails.length === 1 && (await block.isAwaited()), 10_000)).toBe(true)

  const phone = '15551230001'
  const asked = post(server, 'otp', { phone }).catch(() => null)
  expect(await poll(async () => hook.calls.length === 1, 10_000)).toBe(true)
  await server.end('SIGKILL')
  expect(await asked).toBeNull()
  await block.letGo()

  smtp.behave({ kind: 'accept' })
  hook.answer()
  const second = await favo.start(env)
  await poll(async () => smtp.mails.length === 2 && hook.calls.length === 2, 40_000)
  expect(smtp.mails.map(({ envelope }) => envelope.to)).toEqual([[email], [email]])
  expect(new Set(smtp.mails.map(({ messageId }) => messageId)).size).toBe(1)
  expect(hook.calls[0]).toEqual(hook.calls[1])
  const verified = await post(second, 'verify', { type: 'sms', phone, token: hook.calls[1]?.code })
  expect(verified.status).toBe(200)
}, 90_000)
