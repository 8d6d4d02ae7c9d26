import { expect, test } from 'vitest'
import { sizeQuery } from '../src/schema-cache/catalog.sql.ts'
import { startRest } from './start-rest.ts'

test('a table, a column and a function are there as soon as they are made', async () => {
  const rest = await startRest('create table first (id int); grant all on first to anon')
  expect((await rest.get('/first')).status).toBe(200)
  await rest.owner(`
    create table second (id int primary key);
    alter table first add second_id int references second;
    create function third() returns int language sql as 'select 3';
    grant all on second to anon`)
  expect((await rest.get('/first?select=id,second(id)')).status).toBe(200)
  expect((await rest.post('/second', { id: 1 })).status).toBe(201)
  expect((await rest.post('/rpc/third', {})).text).toBe('3')
})

test('what was dropped is gone', async () => {
  const rest = await startRest('create table gone (id int); grant all on gone to anon')
  expect((await rest.get('/gone')).status).toBe(200)
  await rest.owner('drop table gone')
  await expect.poll(async () => (await rest.get('/gone')).body).toMatchObject({ code: 'PGRST205' })
})

test('asking for what does not exist does not read the schema over and over', async () => {
  const rest = await startRest('create table there (id int); grant all on there to anon')
  const before = performance.now()
  for (let i = 0; i < 50; i++) expect((await rest.get(`/nothing_${i}`)).status).toBe(404)
  // 50 readings would take seconds; the few that are allowed and the answers take a fraction of one.
  expect(performance.now() - before).toBeLessThan(3_000)
})

test('a similar name is hinted at', async () => {
  const rest = await startRest('create table customers (id int); grant all on customers to anon')
  expect((await rest.get('/custmers')).body).toEqual({
    code: 'PGRST205',
    message: "Could not find the table 'public.custmers' in the schema cache",
    details: null,
    hint: "Perhaps you meant the table 'public.customers'",
  })
  expect((await rest.get('/pg_class')).body).toMatchObject({ code: 'PGRST205', hint: null })
})

test('statements prepared before a table changed still answer after', async () => {
  const rest = await startRest('create table shifting (id int, a text); grant all on shifting to anon')
  for (let i = 0; i < 4; i++) await rest.get('/shifting?select=*')
  await rest.owner(
    'alter table shifting drop column a; alter table shifting add b int default 2; insert into shifting values (1)',
  )
  await expect.poll(async () => (await rest.get('/shifting?select=*')).text).toBe('[{"id":1,"b":2}]')
})

test('a schema of more objects than can be kept is refused before it is read', async () => {
  const rest = await startRest('create table wide (a int, b int, c int)')
  const ask = (max: string) =>
    rest.db.pipeline('svc', {
      isRead: true,
      steps: [{ text: sizeQuery, values: ['{public}', max], plan: null }],
    })
  await expect(ask('2')).rejects.toThrow(/favo:PGRST002:\d+/)
  await expect(ask('300000')).resolves.toBeDefined()
})
