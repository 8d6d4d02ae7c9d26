/** Many quick reads underway on one connection, and what may befall them there. */
import { superuser } from '@favo/cluster'
import { createTestProject, type TestProject } from '@favo/testkit'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { callerStep, openPools, step, texts, until } from '../test/project.ts'
import { openDb, sql, type OwnDb, type ProjectDb } from './index.ts'

let project: TestProject
let maintenance: OwnDb
beforeAll(async () => {
  const { endpoint, password } = inject('cluster')
  maintenance = openDb({ endpoint, user: superuser, password, database: 'postgres', max: 1 })
  project = await createTestProject()
  await project.owner(`create table numbers (n int); insert into numbers select generate_series(1, 1000);
    create table held (n int); insert into held values (1); create table hits (n int);
    grant all on numbers, held, hits to anon`)
})
afterAll(async () => {
  await maintenance.close()
  await project.close()
})

const anon = callerStep('anon')
const read = 'select * from numbers where n = $1::int'

async function ask(db: ProjectDb, text: string, values: string[] = [], isRead = true, signal?: AbortSignal) {
  const result = await db.pipeline('api', { steps: [anon, step(text, values)], isRead, signal })
  return texts(result[1])[0]?.[0]
}

/** As many at once as make one line, each asking for a number of its own. */
const line = (db: ProjectDb, count = 200) =>
  Promise.all(Array.from({ length: count }, (_, i) => ask(db, read, [String(i + 1)])))
const numbers = (count = 200) => Array.from({ length: count }, (_, i) => String(i + 1))

/** A database with so many connections, on which the read is known to be quick. */
async function open(max: number, cores?: number): Promise<{ db: ProjectDb; stats: () => number }> {
  const pools = openPools({ maxConnections: max, maxPerPool: max, cores })
  const db = pools.forDatabase(project.database)
  for (let i = 0; i < 30; i++) await ask(db, read, ['1'])
  return { db, stats: () => pools.stats().connections }
}

test('each in a long line gets its own answer', async () => {
  const { db, stats } = await open(3)
  for (let round = 0; round < 5; round++) expect(await line(db)).toEqual(numbers())
  expect(stats()).toBeLessThanOrEqual(3)
})

test('while cores are free, more than one connection is used, however short the line', async () => {
  const { db, stats } = await open(4, 3)
  for (let round = 0; round < 20; round++) await line(db, 30)
  expect(stats()).toBeGreaterThanOrEqual(3)
})

test('a backend that is terminated with a line underway loses no read of it', async () => {
  const { db } = await open(2)
  let isDone = false
  const answers = Array.from({ length: 200 }, () => 0)
  const readers = Promise.all(
    answers.map(async (_, i) => {
      while (!isDone) {
        expect(await ask(db, read, [String(i + 1)])).toBe(String(i + 1))
        answers[i] = (answers[i] ?? 0) + 1
      }
    }),
  )
  for (let i = 0; i < 3; i++) {
    const killed = await maintenance.many(sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = ${project.database} and usename = ${`${project.database}_api`}`)
    expect(killed.length).toBeGreaterThan(0)
    // A read is repeated once. The first answer may be one from before, the second read the one that was lost.
    answers.fill(0)
    await until(() => answers.every((count) => count >= 3))
  }
  isDone = true
  await readers
})

test('a table that changes while a line reads it is read as it was or as it is', async () => {
  const { db } = await open(2)
  const width = async (n: number) => {
    const result = await db.pipeline('api', {
      steps: [anon, step('select * from numbers where n = $1::int', [String(n)])],
      isRead: true,
    })
    expect(texts(result[1])[0]?.[0]).toBe(String(n))
    return texts(result[1])[0]?.length
  }
  let isDone = false
  const seen = new Set<number | undefined>()
  const readers = Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      while (!isDone) seen.add(await width(i + 1))
    }),
  )
  for (let i = 0; i < 3; i++) {
    await project.owner(`alter table numbers add column extra text default 'x'`)
    await until(() => seen.has(2))
    await project.owner('alter table numbers drop column extra')
    seen.clear()
    await until(() => seen.has(1))
  }
  isDone = true
  await readers
})

test('those behind a read that is given up are answered', async () => {
  const { db } = await open(3)
  const slow = 'select count(*)::text from held'
  for (let i = 0; i < 20; i++) await ask(db, slow)
  await project.admin.transaction(async (tx) => {
    await tx.run(sql`lock table public.held in access exclusive mode`)
    const leaving = new AbortController()
    const left = ask(db, slow, [], true, leaving.signal)
    const behind = line(db)
    setTimeout(() => leaving.abort(), 20)
    await expect(left).rejects.toMatchObject({ kind: 'cancelled' })
    expect(await behind).toEqual(numbers())
  })
  expect(await line(db)).toEqual(numbers())
})

test('writes get their turn while lines are never empty', async () => {
  const { db } = await open(1)
  let isDone = false
  const readers = Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      while (!isDone) await ask(db, read, [String(i + 1)])
    }),
  )
  const start = performance.now()
  for (let i = 0; i < 10; i++) await ask(db, `insert into hits values ($1::int)`, [String(i)], false)
  const perWriteMs = (performance.now() - start) / 10
  isDone = true
  await readers
  expect(perWriteMs).toBeLessThan(300)
  expect(await ask(db, 'select count(*)::text from hits')).toBe('10')
})
