import { randomUUID } from 'node:crypto'
import { createInstallation, startSmtpCatcher, type Installation, type ServerProcess } from '@favo/testkit'
import { poll } from '@favo/cluster'
import type { ProjectConnection } from '@favo/contracts'
import { expect, onTestFinished, test } from 'vitest'

const env = { FAVO_ALLOW_PRIVATE_ADDRESSES: 'true' }

async function mailThrough(favo: Installation, server: ServerProcess, ref: string, port: number) {
  const reply = await fetch(`${server.apiUrl}/v1/projects/${ref}/config/auth`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${await favo.token()}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      mailer_autoconfirm: false,
      rate_limit_email_sent: 1_000,
      smtp_host: '127.0.0.1',
      smtp_port: String(port),
      smtp_admin_email: 'hello@shop.example',
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

async function startMailing() {
  const smtp = await startSmtpCatcher()
  onTestFinished(() => smtp.close())
  const favo = await createInstallation({ isUsed: true })
  const server = await favo.start(env)
  const project = await favo.createProject(server, { name: 'mails' })
  await mailThrough(favo, server, project.ref, smtp.port)
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
