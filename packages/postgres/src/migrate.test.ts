import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestProject, type TestProject } from '@favo/testkit'
import { superuser } from '@favo/cluster'
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { migrate, openDb, sql, type OwnDb } from './index.ts'

let project: TestProject
beforeAll(async () => {
  project = await createTestProject()
})
afterAll(() => project.close())

async function directoryWith(files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'favo-migrate-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return directory
}

function open(): OwnDb {
  const { endpoint, password } = inject('cluster')
  const db = openDb({ endpoint, user: superuser, password, database: project.database, max: 4 })
  onTestFinished(() => db.close())
  return db
}

test('files are applied in order, once, several statements each', async () => {
  const db = open()
  const directory = await directoryWith({
    '0002_more.sql': `insert into in_order.t values (2); insert into in_order.t values (3);`,
    '0001_first.sql': `create table in_order.t (id int); insert into in_order.t values (1);`,
    'README.md': 'not a migration',
  })
  const options = { component: 'a', directory, table: 'in_order.migrations' }
  expect(await migrate(db, options)).toEqual(['0001_first.sql', '0002_more.sql'])
  expect(await migrate(db, options)).toEqual([])
  expect(await db.many(sql`select id from in_order.t order by id`)).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])
  // Another component counts for itself.
  expect(await migrate(db, { ...options, component: 'b', directory: await directoryWith({}) })).toEqual([])
})

test('rivals apply every file once', async () => {
  const directory = await directoryWith(
    Object.fromEntries(
      Array.from({ length: 5 }, (_, i) => [
        `000${i + 1}_step.sql`,
        i === 0 ? 'create table rivals.t (id int)' : `insert into rivals.t values (${i})`,
      ]),
    ),
  )
  const options = { component: 'a', directory, table: 'rivals.migrations' }
  const applied = await Promise.all(Array.from({ length: 4 }, () => migrate(open(), options)))
  expect(applied.flat().toSorted()).toHaveLength(5)
  expect(await open().one(sql`select count(*) from rivals.t`)).toEqual({ count: 4 })
})

test('a file that fails changes nothing, and is tried again', async () => {
  const db = open()
  const directory = await directoryWith({ '0001_bad.sql': `create table failing.t (id int); select 1/0;` })
  const options = { component: 'a', directory, table: 'failing.migrations' }
  await expect(migrate(db, options)).rejects.toMatchObject({ code: '22012' })
  await writeFile(join(directory, '0001_bad.sql'), `create table failing.t (id int)`)
  expect(await migrate(db, options)).toEqual(['0001_bad.sql'])
})

test('history that was rewritten is refused', async () => {
  const db = open()
  const directory = await directoryWith({ '0001_a.sql': 'select 1', '0002_b.sql': 'select 2' })
  const options = { component: 'a', directory, table: 'rewritten.migrations' }
  await migrate(db, options)
  await writeFile(join(directory, '0001_a.sql'), 'select 3')
  await expect(migrate(db, options)).rejects.toThrow('0001_a.sql has changed')
  await writeFile(join(directory, '0001_a.sql'), 'select 1')
  await rm(join(directory, '0002_b.sql'))
  await expect(migrate(db, options)).rejects.toThrow('0002_b.sql was applied but is missing')
  await writeFile(join(directory, '0001_c.sql'), 'select 4')
  await expect(migrate(db, options)).rejects.toThrow('same number')
})
