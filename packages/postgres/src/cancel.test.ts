import { createTestProject, type TestProject } from '@favo/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callerStep, openPools, step, texts, until } from '../test/project.ts'
import { sql } from './index.ts'

let project: TestProject
beforeAll(async () => {
  project = await createTestProject()
})
afterAll(() => project.close())

const anon = callerStep('anon')
const running = async (): Promise<number> => {
  const { count } = await project.admin.one<{ count: number }>(sql`
    select count(*) from pg_stat_activity
    where datname = ${project.database} and state = 'active' and query ~ 'pg_sleep' and pid <> pg_backend_pid()`)
  return count
}

test('an aborted request is answered at once and its statement is interrupted', async () => {
  const pools = openPools({ maxPerPool: 1 })
  const db = pools.forDatabase(project.database)
  const abort = new AbortController()
  const request = db.pipeline('api', {
    steps: [anon, step('select pg_sleep(30)')],
    isRead: true,
    signal: abort.signal,
  })
  request.catch(() => {})
  await until(async () => (await running()) === 1)
  const start = performance.now()
  abort.abort()
  await expect(request).rejects.toMatchObject({ name: 'ConnectionError', kind: 'cancelled' })
  expect(performance.now() - start).toBeLessThan(50)
  await until(async () => (await running()) === 0)
  // The same connection goes on.
  await db.pipeline('api', { steps: [anon, step('select 1')], isRead: true })
  expect(pools.stats().opened).toBe(1)
})

test('a deadline interrupts, whatever the statement did to its timeout', async () => {
  const db = openPools().forDatabase(project.database)
  const start = performance.now()
  const request = db.pipeline('api', {
    steps: [anon, step(`set statement_timeout = 0`), step('select pg_sleep(30)')],
    isRead: false,
    deadlineMs: 150,
  })
  await expect(request).rejects.toMatchObject({ kind: 'cancelled' })
  expect(performance.now() - start).toBeLessThan(1_000)
  await until(async () => (await running()) === 0)
})

test('a request that is aborted while it waits never reaches the database', async () => {
  const pools = openPools({ maxPerPool: 1 })
  const db = pools.forDatabase(project.database)
  await project.owner('create table marks (id int); grant all on marks to anon')
  const first = db.pipeline('api', { steps: [anon, step('select pg_sleep(0.2)')], isRead: true })
  const abort = new AbortController()
  const second = db.pipeline('api', {
    steps: [anon, step('insert into marks values (1)')],
    isRead: false,
    signal: abort.signal,
  })
  abort.abort()
  await expect(second).rejects.toMatchObject({ kind: 'cancelled' })
  await expect(
    db.pipeline('api', { steps: [anon], isRead: true, signal: AbortSignal.abort() }),
  ).rejects.toMatchObject({ kind: 'cancelled' })
  await first
  await db.pipeline('api', { steps: [anon, step('select 1')], isRead: false })
  expect(await project.admin.many(sql`select from public.marks`)).toEqual([])
})

test('a cancel hits no statement but its own', async () => {
  const pools = openPools({ maxPerPool: 3, maxConnections: 3 })
  const db = pools.forDatabase(project.database)
  let wrong: unknown = null
  const worker = async (n: number): Promise<void> => {
    for (let i = 0; i < 60; i++) {
      const isDoomed = (n + i) % 3 === 0
      const abort = new AbortController()
      const timer = isDoomed ? setTimeout(() => abort.abort(), (n * 7 + i) % 9) : null
      const text = isDoomed ? 'select pg_sleep(0.004)' : `select ${n}`
      const request = db.pipeline('api', {
        steps: [anon, step(text)],
        isRead: i % 2 === 0,
        ...(isDoomed && { signal: abort.signal }),
      })
      try {
        const results = await request
        if (!isDoomed && texts(results[1])[0]?.[0] !== String(n)) wrong = results
      } catch (error) {
        if (!isDoomed || (error as { kind?: string }).kind !== 'cancelled') wrong = error
      } finally {
        if (timer !== null) clearTimeout(timer)
      }
    }
  }
  await Promise.all(Array.from({ length: 12 }, (_, n) => worker(n)))
  expect(wrong).toBeNull()
  await until(() => pools.stats().idle === pools.stats().connections)
})

test('a cancel of a quick read hits none that comes while it is on its way', async () => {
  const pools = openPools({ maxPerPool: 1, maxConnections: 1 })
  const db = pools.forDatabase(project.database)
  const ask = (seconds: number, signal?: AbortSignal) => {
    const steps = [anon, step(`select pg_sleep(${seconds})`)]
    return db.pipeline('api', { steps, isRead: true, ...(signal && { signal }) })
  }
  // Both are known to be quick.
  for (let i = 0; i < 3; i++) await ask(0.003).then(() => ask(0.0005))
  for (let i = 0; i < 100; i++) {
    const abort = new AbortController()
    const left = ask(0.003, abort.signal)
    await new Promise((resolve) => setTimeout(resolve, 1))
    abort.abort()
    const others = [ask(0.0005), ask(0.0005)]
    await left.catch((error: unknown) => expect(error).toMatchObject({ kind: 'cancelled' }))
    await Promise.all(others)
  }
})
