import { randomUUID } from 'node:crypto'
import { createInstallation, type Installation, type ServerProcess } from '@favo/testkit'
import { poll } from '@favo/cluster'
import type { ProjectConnection } from '@favo/contracts'
import pg from 'pg'
import { expect, test } from 'vitest'

const notes = `
  create table notes (id uuid primary key, body text not null);
  grant all on notes to anon;
`

async function query(favo: Installation, server: ServerProcess, ref: string, text: string): Promise<void> {
  const reply = await fetch(`${server.apiUrl}/v1/projects/${ref}/database/query`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await favo.token()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: text }),
  })
  if (!reply.ok) throw new Error(await reply.text())
}

const insert = (server: ServerProcess, project: ProjectConnection, id: string) =>
  fetch(`${server.apiUrl}/p/${project.ref}/rest/v1/notes`, {
    method: 'POST',
    headers: { apikey: project.keys.anon, 'content-type': 'application/json' },
    body: JSON.stringify({ id, body: 'x' }),
    // A hang would be the worst answer.
    signal: AbortSignal.timeout(20_000),
  })

async function readIds(server: ServerProcess, project: ProjectConnection): Promise<Set<string>> {
  const ids = new Set<string>()
  for (let offset = 0; ; offset += 1_000) {
    const reply = await fetch(
      `${server.apiUrl}/p/${project.ref}/rest/v1/notes?select=id&order=id&limit=1000&offset=${offset}`,
      { headers: { apikey: project.keys.anon } },
    )
    const rows = (await reply.json()) as { id: string }[]
    for (const row of rows) ids.add(row.id)
    if (rows.length < 1_000) return ids
  }
}

/** Inserts from eight clients until `stop` is called; remembers what was acknowledged and every status. */
function startWriters(server: ServerProcess, project: ProjectConnection) {
  const acknowledged: string[] = []
  const statuses = new Map<number | 'broken', number>()
  let isStopped = false
  const writer = async () => {
    while (!isStopped) {
      const id = randomUUID()
      const status = await insert(server, project, id).then(
        async (reply) => {
          await reply.arrayBuffer()
          return reply.status
        },
        (error: Error) => {
          if (error.name === 'TimeoutError') throw error
          return 'broken' as const
        },
      )
      if (status === 201) acknowledged.push(id)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (status === 'broken') return
    }
  }
  const done = Promise.all(Array.from({ length: 8 }, writer))
  return { acknowledged, statuses, stop: () => ((isStopped = true), done) }
}

test('Postgres killed under load: requests wait or get a clean 503, and nothing acknowledged is lost', async () => {
  const favo = await createInstallation({ isUsed: true })
  const server = await favo.start()
  const project = await favo.createProject(server, { name: 'load' })
  await query(favo, server, project.ref, notes)

  const writers = startWriters(server, project)
  for (let round = 0; round < 2; round++) {
    const before = writers.acknowledged.length
    expect(await poll(async () => writers.acknowledged.length > before + 50, 20_000)).toBe(true)
    process.kill(await server.postmasterPid(), 'SIGKILL')
  }
  const before = writers.acknowledged.length
  expect(await poll(async () => writers.acknowledged.length > before + 50, 20_000)).toBe(true)
  await writers.stop()

  expect([...writers.statuses.keys()].filter((status) => status !== 201 && status !== 503)).toEqual([])
  const stored = await readIds(server, project)
  expect(writers.acknowledged.filter((id) => !stored.has(id))).toEqual([])
}, 90_000)

test('the platform killed under load: the next start clears up, and nothing acknowledged is lost', async () => {
  const favo = await createInstallation({ isUsed: true })
  const first = await favo.start()
  const project = await favo.createProject(first, { name: 'load' })
  await query(favo, first, project.ref, notes)
  const writers = startWriters(first, project)
  expect(await poll(async () => writers.acknowledged.length > 50, 20_000)).toBe(true)
  await first.end('SIGKILL')
  await writers.stop()

  const second = await favo.start()
  const stored = await readIds(second, project)
  expect(writers.acknowledged.filter((id) => !stored.has(id))).toEqual([])
}, 90_000)

test('the platform killed while it creates projects: half-made ones are rolled back, told, and can be made again', async () => {
  const favo = await createInstallation({ isUsed: true })
  const first = await favo.start()
  const creations = Array.from({ length: 6 }, (_, i) =>
    favo.createProject(first, { name: `half-${i}`, ref: 'abcdef'[i]!.repeat(20) }).catch(() => null),
  )
  // Kill when some of the rows are there and surely not all of the databases.
  await poll(async () => (await countRows(favo, first)) >= 2, 10_000, 1)
  await first.end('SIGKILL')
  const acknowledged = (await Promise.all(creations)).filter((made) => made !== null)

  const second = await favo.start()
  const projects = await list(favo, second)
  expect(projects.filter(({ status }) => !['ACTIVE_HEALTHY', 'INIT_FAILED'].includes(status))).toEqual([])
  for (const made of acknowledged)
    expect(projects.find(({ ref }) => ref === made.ref)?.status).toBe('ACTIVE_HEALTHY')
  const failed = projects.filter(({ status }) => status === 'INIT_FAILED')
  expect(failed.length).toBeGreaterThan(0)
  expect(failed.every(({ error }) => /interrupted/.test(String(error)))).toBe(true)

  const admin = new pg.Client(await favo.adminUrl())
  await admin.connect()
  const { rows } = await admin.query<{ count: number }>(
    `select count(*)::int as count from pg_database where datname ~ '^p_'`,
  )
  await admin.end()
  // The platform project's own, and one for each project that stands.
  expect(rows[0]?.count).toBe(1 + projects.length - failed.length)

  const again = await favo.createProject(second, { name: 'again', ref: failed[0]!.ref })
  expect(again.status).toBe('ACTIVE_HEALTHY')
}, 90_000)

interface Listed {
  readonly ref: string
  readonly status: string
  readonly error: string | null
}

async function list(favo: Installation, server: ServerProcess): Promise<Listed[]> {
  const reply = await fetch(`${server.apiUrl}/v1/projects`, {
    headers: { authorization: `Bearer ${await favo.token()}` },
  })
  return (await reply.json()) as Listed[]
}

const countRows = async (favo: Installation, server: ServerProcess) => (await list(favo, server)).length

test('the platform killed during a migration: none of the file is there, and pushing again completes it', async () => {
  const favo = await createInstallation({ isUsed: true })
  const first = await favo.start()
  const project = await favo.createProject(first, { name: 'migrated' })
  const migration = {
    version: '1',
    name: 'slow',
    query: 'create table half (id int); select pg_sleep(60); create table whole (id int);',
  }
  const token = await favo.token()
  const apply = (server: ServerProcess, query: string) =>
    fetch(`${server.apiUrl}/v1/projects/${project.ref}/database/migrations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...migration, query }),
    })
  const cut = apply(first, migration.query).catch(() => null)
  const admin = new pg.Client(await favo.adminUrl())
  admin.on('error', () => undefined)
  await admin.connect()
  const isSleeping = async () => {
    const { rowCount } = await admin.query(
      `select from pg_stat_activity where query ~ 'pg_sleep\\(60\\)' and state = 'active' and pid <> pg_backend_pid()`,
    )
    return (rowCount ?? 0) > 0
  }
  expect(await poll(isSleeping, 10_000)).toBe(true)
  await first.end('SIGKILL')
  await cut
  await admin.end().catch(() => undefined)

  const second = await favo.start()
  const tables = async () => {
    const reply = await fetch(`${second.apiUrl}/v1/projects/${project.ref}/database/query`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        query: `select relname from pg_class where relname in ('half', 'whole') and relnamespace = 'public'::regnamespace order by 1`,
      }),
    })
    return ((await reply.json()) as { relname: string }[]).map(({ relname }) => relname)
  }
  expect(await tables()).toEqual([])
  const again = await apply(second, migration.query.replace('pg_sleep(60)', '1'))
  expect(again.status).toBe(200)
  expect(await tables()).toEqual(['half', 'whole'])
}, 60_000)
