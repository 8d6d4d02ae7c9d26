import { openSession, sql } from '@favo/postgres'
import type { TestProject } from '@favo/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { startPgGateway, type TestGateway } from '../../test/start-pg-gateway.ts'

let gateway: TestGateway
let first: TestProject
let second: TestProject
beforeAll(async () => {
  gateway = await startPgGateway()
  first = await gateway.newProject()
  second = await gateway.newProject()
})
afterAll(() => gateway.close())

/** A client on the transaction port, and what it was told of settings while it connected. */
async function connect(project: TestProject, config: Record<string, string> = {}) {
  const client = new Client({ ...gateway.credentials('transaction', project), ...config })
  const told: Record<string, string> = {}
  const { connection } = client as unknown as {
    connection: {
      on(name: string, listener: (message: { parameterName: string; parameterValue: string }) => void): void
    }
  }
  connection.on('parameterStatus', ({ parameterName, parameterValue }) => {
    told[parameterName] = parameterValue
  })
  client.on('error', () => {})
  await client.connect()
  return { client, told }
}

/** What Postgres itself tells a session that begins in the same way. */
async function askPostgres(project: TestProject, settings: Record<string, string> = {}) {
  const { socket, parameters } = await openSession({
    endpoint: inject('cluster').endpoint,
    user: `${project.database}_db`,
    password: decodeURIComponent(new URL(project.ownerUrl).password),
    database: project.database,
    settings: { client_encoding: 'UTF8', ...settings },
    timeoutMs: 5_000,
  })
  socket.destroy()
  return Object.fromEntries(parameters)
}

test('a client that does nothing costs no backend, also of a project that nobody has used yet', async () => {
  const one = await connect(first)
  const { backends } = gateway.gateway.stats()
  const other = await connect(second, { application_name: 'worker 7' })
  expect(gateway.gateway.stats().backends).toBe(backends)
  expect(one.told).toEqual(await askPostgres(first))
  expect(other.told).toEqual(await askPostgres(second, { application_name: 'worker 7' }))
  expect(JSON.stringify(other.told)).not.toContain(first.database)
  expect((await other.client.query(`select current_setting('application_name') as name`)).rows).toEqual([
    { name: 'worker 7' },
  ])
  await Promise.all([one.client.end(), other.client.end()])
})

test('a project with settings of its own is told those, and so is whoever asks for some', async () => {
  await connect(first).then(({ client }) => client.end())
  const session = await gateway.connect('session', second)
  await session.query(`alter role postgres set timezone = 'Asia/Tokyo'`)
  await session.end()
  const tokyo = await connect(second)
  expect(tokyo.told['TimeZone']).toBe('Asia/Tokyo')
  const berlin = await connect(first, { options: '-c timezone=Europe/Berlin' })
  expect(berlin.told['TimeZone']).toBe('Europe/Berlin')
  const named = await connect(first, { application_name: 'ä'.repeat(40) })
  expect(named.told).toEqual(await askPostgres(first, { application_name: 'ä'.repeat(40) }))
  await Promise.all([tokyo, berlin, named].map(({ client }) => client.end()))
})

test('what is set for a project’s database is told to its clients, and to no other project’s', async () => {
  const third = await gateway.newProject()
  await third.admin.run(sql`alter database ${sql.ident(third.database)} set timezone = 'Asia/Kathmandu'`)
  const own = await connect(third)
  const other = await connect(first)
  expect(own.told['TimeZone']).toBe((await askPostgres(third))['TimeZone'])
  expect(other.told).toEqual(await askPostgres(first))
  await Promise.all([own.client.end(), other.client.end()])
})
