/** How the budget is shared: between databases, between requests, and given back when nobody needs it. */
import { createTestProject, type TestProject } from '@favo/testkit'
import { superuser } from '@favo/cluster'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { callerStep, openPools, step, texts, until } from '../test/project.ts'
import { openDb, sql, type OwnDb, type PipelineResult, type Pools, type ProjectDb } from './index.ts'

let projects: TestProject[]
/** In the maintenance database: from a project's own one sees that project's sessions only. */
let maintenance: OwnDb
const databases = () => projects.map(({ database }) => database)
beforeAll(async () => {
  const { endpoint, password } = inject('cluster')
  maintenance = openDb({ endpoint, user: superuser, password, database: 'postgres', max: 1 })
  projects = await Promise.all([createTestProject(), createTestProject(), createTestProject()])
  for (const project of projects) await project.owner(`create table hits (id int); grant all on hits to anon`)
})
afterAll(async () => {
  await maintenance.close()
  for (const project of projects) await project.close()
})

const anon = callerStep('anon')
const ask = (db: ProjectDb | undefined, text: string, isRead = true): Promise<PipelineResult> => {
  if (db === undefined) throw new Error('no such database')
  return db.pipeline('api', { steps: [anon, step(text)], isRead })
}
const open = (pools: Pools) => databases().map((database) => pools.forDatabase(database))

/** Backends of these projects that Postgres knows, by database. */
async function backends(): Promise<Map<string, number>> {
  const rows = await maintenance.many<{ datname: string; count: number }>(sql`
    select datname, count(*) from pg_stat_activity
    where datname = any(${databases()}) and usename ~ '_(api|svc|own)$' group by datname`)
  return new Map(rows.map(({ datname, count }) => [datname, count]))
}

test('a storm in one project delays another by a turn, not by the storm', async () => {
  const pools = openPools({ maxConnections: 4, maxPerPool: 4, acquireTimeoutMs: 30_000 })
  const [loud, calm] = open(pools)
  const storm = Promise.all(Array.from({ length: 400 }, () => ask(loud, 'select pg_sleep(0.02)')))
  await until(() => pools.stats().connections === 4)
  const start = performance.now()
  await ask(calm, 'select 1')
  const firstMs = performance.now() - start
  const waiting = pools.stats().waiting
  await storm
  expect(waiting).toBeGreaterThan(200)
  expect(firstMs).toBeLessThan(1_000)
})

test('with fewer connections than busy projects all of them get on', async () => {
  const pools = openPools({ maxConnections: 1, maxPerPool: 4, acquireTimeoutMs: 30_000 })
  const finished: number[] = []
  await Promise.all(
    open(pools).map(async (db, i) => {
      await Promise.all(Array.from({ length: 40 }, () => ask(db, 'select pg_sleep(0.005)')))
      finished.push(i)
    }),
  )
  expect(finished.toSorted()).toEqual([0, 1, 2])
  expect(pools.stats().opened).toBeGreaterThanOrEqual(3)
})

test('the budget is never exceeded, as Postgres counts', async () => {
  const pools = openPools({ maxConnections: 3, maxPerPool: 3, acquireTimeoutMs: 30_000 })
  const dbs = open(pools)
  let isDone = false
  let most = 0
  const watch = (async () => {
    while (!isDone) {
      const counts = await backends()
      most = Math.max(
        most,
        [...counts.values()].reduce((sum, count) => sum + count, 0),
      )
    }
  })()
  await Promise.all(
    dbs.flatMap((db) => Array.from({ length: 60 }, (_, i) => ask(db, `select pg_sleep(0.00${i % 9})`))),
  )
  isDone = true
  await watch
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThanOrEqual(3)
})

test('one login of one database gets no more than its cap', async () => {
  const pools = openPools({ maxConnections: 10, maxPerPool: 2 })
  const [db] = open(pools)
  await Promise.all(Array.from({ length: 20 }, () => ask(db, 'select pg_sleep(0.01)')))
  expect(pools.stats().connections).toBe(2)
})

test('a database may have a lower cap for its own requests, which changes while it is used', async () => {
  const pools = openPools({ maxConnections: 8, maxPerPool: 8 })
  const [name = ''] = databases()
  const busy = async (max?: number | null) => {
    const db = pools.forDatabase(name, max)
    await Promise.all(Array.from({ length: 6 }, () => ask(db, 'select pg_sleep(0.05)', false)))
    return pools.stats().connections
  }
  expect(await busy(2)).toBe(2)
  expect(await busy()).toBe(2)
  expect(await busy(null)).toBe(6)
  await pools.close()
})

test('an idle connection makes room for a project that has none', async () => {
  const pools = openPools({ maxConnections: 2, maxPerPool: 2 })
  const [first, second, third] = open(pools)
  await ask(first, 'select 1')
  await ask(second, 'select 1')
  await ask(third, 'select 1')
  expect(pools.stats()).toMatchObject({ connections: 2, evicted: 1 })
  const open3 = await until(async () => {
    const counts = await backends()
    return counts.size === 2 ? counts : null
  })
  // The one that had been idle longest went.
  expect([...open3.keys()].toSorted()).toEqual(databases().slice(1).toSorted())
})

test('an unused database costs no connection', async () => {
  const pools = openPools({ idleMs: 60 })
  const dbs = open(pools)
  expect(pools.stats().connections).toBe(0)
  await Promise.all(dbs.map((db) => ask(db, 'select 1')))
  expect(pools.stats().connections).toBe(3)
  await until(() => pools.stats().connections === 0)
  expect((await backends()).size).toBe(0)
  expect(pools.stats().databases).toBe(0)
})

test('who waits too long is told that it is busy', async () => {
  const pools = openPools({ maxConnections: 1, acquireTimeoutMs: 100 })
  const [db, other] = open(pools)
  const long = ask(db, 'select pg_sleep(0.6)')
  await until(() => pools.stats().connections === 1)
  const start = performance.now()
  await expect(ask(db, 'select 1')).rejects.toMatchObject({ name: 'ConnectionError', kind: 'busy' })
  await expect(ask(other, 'select 1')).rejects.toMatchObject({ kind: 'busy' })
  expect(performance.now() - start).toBeLessThan(500)
  await long
})

test('quick reads share connections, and a write among them waits no longer than they do', async () => {
  const pools = openPools({ maxConnections: 2, maxPerPool: 2 })
  const [db] = open(pools)
  await ask(db, 'select 1')
  let isDone = false
  let reads = 0
  const readers = Array.from({ length: 32 }, async () => {
    while (!isDone) {
      await ask(db, 'select 1')
      reads++
    }
  })
  await until(() => reads > 200)
  const start = performance.now()
  for (let i = 0; i < 20; i++) await ask(db, `insert into hits values (${i})`, false)
  const perWriteMs = (performance.now() - start) / 20
  isDone = true
  await Promise.all(readers)
  expect(perWriteMs).toBeLessThan(100)
})

test('a read that stands behind one that is suddenly slow goes elsewhere', async () => {
  const pools = openPools({ maxConnections: 3, maxPerPool: 3 })
  const [db] = open(pools)
  const admin = projects[0]?.admin
  await projects[0]?.owner(`create table busy (id int); grant select on busy to anon`)
  const read = 'select count(*) from busy'
  for (const text of [read, 'select 0', 'select 1']) await ask(db, text)

  const blocked: Promise<unknown>[] = []
  await admin?.transaction(async (tx) => {
    await tx.run(sql`lock table public.busy in access exclusive mode`)
    // Waits for the lock; the others have come to share its connection.
    blocked.push(ask(db, read))
    const start = performance.now()
    const quick = await Promise.all(Array.from({ length: 6 }, (_, i) => ask(db, `select ${i % 2}`)))
    expect(quick).toHaveLength(6)
    expect(performance.now() - start).toBeLessThan(2_000)
  })
  await Promise.all(blocked)
})

test('a closed database ends its connections and fails those that wait', async () => {
  const pools = openPools({ maxConnections: 1 })
  const [db] = open(pools)
  const running = ask(db, 'select pg_sleep(0.2)')
  await until(() => pools.stats().opened === 1)
  const waiting = ask(db, 'select 1')
  const closing = pools.closeDatabase(databases()[0] ?? '')
  await expect(waiting).rejects.toMatchObject({ kind: 'unavailable' })
  expect(texts((await running)[1])).toEqual([['']])
  await closing
  expect(pools.stats().connections).toBe(0)
  expect(texts((await ask(db, 'select 1'))[1])).toEqual([['1']])
})
