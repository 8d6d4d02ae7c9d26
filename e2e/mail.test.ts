import { randomUUID } from 'node:crypto'
import { poll } from '@favo/cluster'
import type { ProjectConnection } from '@favo/contracts'
import { startPlatform, startSmtpCatcher, type SmtpCatcher, type TestPlatform } from '@favo/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'

let platform: TestPlatform
let smtp: SmtpCatcher
let slow: SmtpCatcher
beforeAll(async () => {
  smtp = await startSmtpCatcher()
  slow = await startSmtpCatcher()
  slow.behave({ kind: 'silence' })
  platform = await startPlatform({
    allowPrivateAddresses: true,
    pools: { maxConnections: 30, maxPerPool: 8, idleMs: 300, acquireTimeoutMs: 10_000 },
  })
})
afterAll(async () => {
  await platform.close()
  await smtp.close()
  await slow.close()
})

async function createMailing(server: SmtpCatcher): Promise<ProjectConnection> {
  const project = await platform.createProject()
  await platform.api('PATCH', `/v1/projects/${project.ref}/config/auth`, {
    mailer_autoconfirm: false,
    smtp_host: '127.0.0.1',
    smtp_port: server.port,
    smtp_admin_email: `hello@${project.ref}.example`,
  })
  return project
}

async function signUp(project: ProjectConnection): Promise<string> {
  const email = `new-${randomUUID()}@example.com`
  const reply = await fetch(`${project.path_url}/auth/v1/signup`, {
    method: 'POST',
    headers: { apikey: project.keys.anon, 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: 'secret-password' }),
  })
  if (!reply.ok) throw new Error(await reply.text())
  return email
}

const inboxOf = async (project: ProjectConnection, key = project.keys.service_role) => {
  const reply = await fetch(`${project.path_url}/auth/v1/admin/inbox`, { headers: { apikey: key } })
  return {
    status: reply.status,
    body: (await reply.json()) as { mails?: { recipient: string; state: string }[] },
  }
}

async function ask<Row extends object>(database: string, text: string, value: string): Promise<Row[]> {
  const client = new Client(platform.adminUrl(database))
  await client.connect()
  try {
    return (await client.query<Row>(text, [value])).rows
  } finally {
    await client.end()
  }
}

async function countConnections({ ref }: ProjectConnection): Promise<number> {
  const [project] = await ask<{ database: string }>(
    platform.platformDatabase,
    'select database from control.projects where ref = $1',
    ref,
  )
  const rows = await ask(
    'postgres',
    'select from pg_stat_activity where datname = $1',
    project?.database ?? '',
  )
  return rows.length
}

test('a project’s mail server that hangs does not hold up the mails of others', async () => {
  const [hung, fine] = [await createMailing(slow), await createMailing(smtp)]
  await signUp(hung)
  expect(await poll(async () => slow.connections() > 0, 10_000)).toBe(true)
  const email = await signUp(fine)
  const startedAt = performance.now()
  expect(await poll(async () => smtp.mails.some(({ envelope }) => envelope.to.includes(email)), 10_000)).toBe(
    true,
  )
  expect(performance.now() - startedAt).toBeLessThan(5_000)
  expect(smtp.mails.at(-1)?.from.address).toBe(`hello@${fine.ref}.example`)
})

test('mails of one project are nothing to another', async () => {
  const [ours, theirs] = [await createMailing(smtp), await createMailing(smtp)]
  const email = await signUp(ours)
  expect((await inboxOf(ours)).body.mails?.map(({ recipient }) => recipient)).toEqual([email])
  expect((await inboxOf(theirs)).body.mails).toEqual([])
  for (const key of [theirs.keys.service_role, theirs.keys.secret, ours.keys.anon, ours.keys.publishable])
    expect((await inboxOf(ours, key)).status).toBeGreaterThanOrEqual(401)
  const settings = await platform.api<Record<string, unknown>>(
    'GET',
    `/v1/projects/${theirs.ref}/config/auth`,
  )
  expect(settings.smtp_admin_email).toBe(`hello@${theirs.ref}.example`)
})

test('while a mail waits to be tried again, nobody holds the project’s database open', async () => {
  const project = await createMailing(slow)
  slow.behave({ kind: 'hangUp' })
  await signUp(project)
  expect(await countConnections(project)).toBeGreaterThan(0)
  await poll(async () => (await inboxOf(project)).body.mails?.[0]?.state === 'waiting', 5_000)
  expect(await poll(async () => (await countConnections(project)) === 0, 10_000)).toBe(true)
})
