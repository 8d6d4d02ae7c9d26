import { createTestProject, type TestProject } from '@favo/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callerStep, openPools, step, texts } from '../test/project.ts'
import { sql } from './index.ts'

let project: TestProject
beforeAll(async () => {
  project = await createTestProject()
  await project.owner(`
    create table notes (id int primary key, owner_id text not null, body text);
    alter table notes enable row level security;
    create policy "people read their notes" on notes for select to authenticated
      using (owner_id = current_setting('request.jwt.claims', true)::json ->> 'sub');
    insert into notes select n, case n % 2 when 0 then 'ann' else 'bob' end, 'note ' || n from generate_series(1, 10) n;
    create table parents (id int primary key);
    create table children (parent_id int references parents deferrable initially deferred);
    grant all on parents, children to anon;
    create table log (id int);
    grant all on log to anon;
  `)
})
afterAll(() => project.close())

const ann = callerStep('authenticated', { role: 'authenticated', sub: 'ann' })
const bob = callerStep('authenticated', { role: 'authenticated', sub: 'bob' })
const anon = callerStep('anon')

test('role and claims of the first step are in force for the second, and only in their own request', async () => {
  const db = openPools({ maxPerPool: 1 }).forDatabase(project.database)
  const read = step('select id, owner_id, current_user::text from notes order by id', [], 'authenticated')
  const ofAnn = await db.pipeline('api', { steps: [ann, read], isRead: true })
  const ofBob = await db.pipeline('api', { steps: [bob, read], isRead: true })
  const ofNobody = await db.pipeline('api', {
    steps: [step(`select current_setting('role'), current_setting('request.jwt.claims', true)`)],
    isRead: true,
  })
  expect(texts(ofAnn[1]).map(([, owner]) => owner)).toEqual(Array(5).fill('ann'))
  expect(texts(ofBob[1])[0]).toEqual(['1', 'bob', 'authenticated'])
  expect(texts(ofNobody[0])).toEqual([['none', '']])
})

test('requests on one connection at the same time do not see each other', async () => {
  const db = openPools({ maxPerPool: 1 }).forDatabase(project.database)
  const read = step('select distinct owner_id from notes', [], 'authenticated')
  const ask = (who: typeof ann) => db.pipeline('api', { steps: [who, read], isRead: true })
  await ask(ann)
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => ask(i % 2 === 0 ? ann : bob)))
  answers.forEach((answer, i) => expect(texts(answer[1])).toEqual([[i % 2 === 0 ? 'ann' : 'bob']]))
})

test('columns and command tags come with the rows; values arrive as bytes', async () => {
  const results = await project.db.pipeline('api', {
    steps: [
      anon,
      step('select $1::bytea as bytes, null::text as nothing, $2::text as text', [
        Buffer.from([0, 255]),
        'é',
      ]),
    ],
    isRead: true,
  })
  expect(results[1]).toEqual({
    fields: [
      { name: 'bytes', typeOid: 17 },
      { name: 'nothing', typeOid: 25 },
      { name: 'text', typeOid: 25 },
    ],
    rows: [[Buffer.from('\\x00ff'), null, Buffer.from('é')]],
    tag: 'SELECT 1',
  })
})

test('an answer of many megabytes is put together from its packets', async () => {
  const read = step(`select repeat('x', 5000000) || n from generate_series(1, 3) n`)
  const results = await project.db.pipeline('api', { steps: [anon, read], isRead: true })
  expect(results[1]?.rows.map(([cell]) => cell?.length)).toEqual([5_000_001, 5_000_001, 5_000_001])
  expect(results[1]?.rows[2]?.[0]?.subarray(-3).toString()).toBe('xx3')
})

test('an error names its step and undoes those before it', async () => {
  const writes = [anon, step('insert into log values (1)'), step('select 1 / $1::int', ['0'])]
  await expect(project.db.pipeline('api', { steps: writes, isRead: false })).rejects.toMatchObject({
    name: 'DatabaseError',
    code: '22012',
    step: 2,
  })
  expect(await project.admin.many(sql`select from public.log`)).toEqual([])
})

test('the connection is good after an error, a failed parse included', async () => {
  const db = openPools({ maxPerPool: 1 }).forDatabase(project.database)
  const ask = (text: string) => db.pipeline('api', { steps: [anon, step(text)], isRead: true })
  await expect(ask('selct 1')).rejects.toMatchObject({ code: '42601', position: 1, step: 1 })
  await expect(ask('selct 1')).rejects.toMatchObject({ code: '42601' })
  await expect(ask('select * from missing')).rejects.toMatchObject({ code: '42P01' })
  expect(texts((await ask('select 1'))[1])).toEqual([['1']])
})

test('a constraint that is checked at commit makes the request fail, after its rows have come', async () => {
  const steps = [anon, step('insert into children values (77) returning parent_id')]
  await expect(project.db.pipeline('api', { steps, isRead: false })).rejects.toMatchObject({
    code: '23503',
    constraint: 'children_parent_id_fkey',
    step: null,
  })
  const transaction = { end: 'commit' } as const
  await expect(project.db.pipeline('api', { steps, isRead: false, transaction })).rejects.toMatchObject({
    code: '23503',
    step: null,
  })
  expect(await project.admin.many(sql`select from public.children`)).toEqual([])
})

test('a transaction that is to be rolled back answers its rows and changes nothing', async () => {
  const steps = [anon, step('insert into parents values (1) returning id')]
  const rollback = { end: 'rollback' } as const
  const results = await project.db.pipeline('api', { steps, isRead: false, transaction: rollback })
  expect(results).toHaveLength(2)
  expect(texts(results[1])).toEqual([['1']])
  expect(await project.admin.many(sql`select from public.parents`)).toEqual([])
})

test('isolation level and access mode hold, and do not stay behind', async () => {
  const db = openPools({ maxPerPool: 1 }).forDatabase(project.database)
  const show = step(
    `select current_setting('transaction_isolation'), current_setting('transaction_read_only')`,
  )
  for (const isolation of ['read committed', 'repeatable read', 'serializable'] as const) {
    for (const readOnly of [true, false]) {
      const transaction = { isolation, readOnly, end: 'commit' } as const
      const results = await db.pipeline('api', { steps: [anon, show], isRead: true, transaction })
      expect(texts(results[1])).toEqual([[isolation, readOnly ? 'on' : 'off']])
    }
  }
  const write = await db.pipeline('api', { steps: [anon, show], isRead: false })
  expect(texts(write[1])).toEqual([['read committed', 'off']])
})

test('a read cannot write, whatever its statements try', async () => {
  const read = (...statements: string[]) =>
    project.db.pipeline('api', { steps: [anon, ...statements.map((text) => step(text))], isRead: true })
  await expect(read('insert into log values (1)')).rejects.toMatchObject({ code: '25006', step: 1 })
  for (const attempt of ['set transaction read write', `set transaction_read_only = off`]) {
    await expect(read(attempt, 'insert into log values (1)')).rejects.toMatchObject({
      code: '25001',
      step: 1,
    })
  }
  await expect(
    read('set default_transaction_read_only = off', 'insert into log values (1)'),
  ).rejects.toMatchObject({
    code: '25006',
  })
})

test('settings are in force for the steps, have no result, and an error in them is said to be theirs', async () => {
  const settings = [
    ['role', 'authenticated'],
    ['request.jwt.claims', '{"sub":"ann"}'],
    ['search_path', 'public'],
  ] as const
  const read = step('select distinct owner_id, current_user::text from notes', [], 'authenticated')
  for (const transaction of [undefined, { isolation: 'serializable', end: 'commit' } as const]) {
    const request = { settings, steps: [read], isRead: true, ...(transaction && { transaction }) }
    const results = await project.db.pipeline('api', request)
    expect(results.map(texts)).toEqual([[['ann', 'authenticated']]])
  }
  const wrong = { settings: [['role', 'postgres']] as const, steps: [read], isRead: true }
  await expect(project.db.pipeline('api', wrong)).rejects.toMatchObject({ name: 'DatabaseError', step: -1 })
})

test('an error in an explicit transaction leaves no open transaction behind', async () => {
  const db = openPools({ maxPerPool: 1 }).forDatabase(project.database)
  const fail = { steps: [anon, step('select 1/0')], isRead: false, transaction: { end: 'commit' } as const }
  const requests = [
    db.pipeline('api', fail),
    db.pipeline('api', { steps: [anon, step('select 2')], isRead: false }),
  ]
  const [failed, after] = await Promise.allSettled(requests)
  expect(failed).toMatchObject({ status: 'rejected', reason: { code: '22012', step: 1 } })
  expect(after?.status).toBe('fulfilled')
})

test('a table that changes under a prepared statement is read as it is now', async () => {
  const db = openPools({ maxPerPool: 1 }).forDatabase(project.database)
  await project.owner(
    'create table shapes (a int); grant select on shapes to anon; insert into shapes values (1)',
  )
  const read = { steps: [anon, step('select * from shapes')], isRead: true }
  const inTransaction = { ...read, transaction: { end: 'commit' } as const }
  expect(texts((await db.pipeline('api', read))[1])).toEqual([['1']])
  await project.owner(`alter table shapes add column b text default 'two'`)
  expect(texts((await db.pipeline('api', read))[1])).toEqual([['1', 'two']])
  await project.owner('alter table shapes drop column a')
  expect((await db.pipeline('api', inTransaction))[1]).toMatchObject({ fields: [{ name: 'b' }] })
})

test('more different statements than a connection keeps all get their answers', async () => {
  const db = openPools({ maxPerPool: 1 }).forDatabase(project.database)
  for (let round = 0; round < 2; round++) {
    const numbers = Array.from({ length: 700 }, (_, i) => i)
    const answers = await Promise.all(
      numbers.map((i) => db.pipeline('api', { steps: [anon, step(`select ${i}`)], isRead: true })),
    )
    expect(answers.map((answer) => texts(answer[1])[0]?.[0])).toEqual(numbers.map(String))
  }
  const [kept] = await db.pipeline('api', { steps: [step('select 1')], isRead: true })
  expect(kept?.tag).toBe('SELECT 1')
})

test('COPY from the client is refused instead of hanging', async () => {
  const copy = { steps: [step('copy public.log from stdin', [], null)], isRead: false }
  await expect(project.db.pipeline('own', copy)).rejects.toMatchObject({ code: '0A000', step: 0 })
  const inside = { ...copy, transaction: { end: 'commit' } as const }
  await expect(project.db.pipeline('own', inside)).rejects.toMatchObject({ code: '0A000', step: 0 })
  expect(await project.db.pipeline('own', { steps: [step('', [], null)], isRead: true })).toHaveLength(1)
})

test('a value that cannot be sent fails its own request only', async () => {
  const db = openPools({ maxPerPool: 1 }).forDatabase(project.database)
  const bad = { steps: [anon, step('select $1', [42 as unknown as string])], isRead: true }
  const results = await Promise.allSettled([
    db.pipeline('api', { steps: [anon, step('select 1')], isRead: true }),
    db.pipeline('api', bad),
    db.pipeline('api', { steps: [anon, step('select 1')], isRead: true }),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})
