import { afterAll, beforeAll, expect, test } from 'vitest'
import { shopSchema, startRest, type TestRest } from './start-rest.ts'

let rest: TestRest
beforeAll(async () => {
  rest = await startRest(shopSchema)
})
afterAll(() => rest.close())

const shown = { headers: { prefer: 'return=representation' } }
const ids = async (query: string) =>
  ((await rest.get(`/tags?select=id&order=id&${query}`)).body as { id: number }[]).map((row) => row.id)

test('an insert answers 201 with neither body nor type', async () => {
  const reply = await rest.post('/tags', { id: 10, label: 'ten' })
  expect([reply.status, reply.text]).toEqual([201, ''])
  expect(reply.headers.get('content-length')).toBe('0')
  expect(reply.headers.get('content-type')).toBeNull()
  expect(reply.headers.get('location')).toBeNull()
})

test('headers-only tells where the new row is', async () => {
  const reply = await rest.post(
    '/tags',
    { id: 11, label: 'el/even' },
    { headers: { prefer: 'return=headers-only' } },
  )
  expect(reply.headers.get('location')).toBe('/rest/v1/tags?id=eq.11')
  expect(reply.headers.get('preference-applied')).toBe('return=headers-only')
})

test('the representation is what was written, with embeds and computed columns', async () => {
  const path = '/orders?select=total,people!orders_person_id_fkey(name,initials)'
  const reply = await rest.post(path, { person_id: 1, total: 5 }, shown)
  expect(reply.status).toBe(201)
  expect(reply.body).toEqual([{ total: 5, people: { name: 'Ann', initials: 'A' } }])
})

test('many rows go in at once, all of them or none', async () => {
  const good = await rest.post('/tags', [
    { id: 20, label: 'a' },
    { id: 21, label: 'b' },
  ])
  expect(good.status).toBe(201)
  const bad = await rest.post('/tags', [
    { id: 22, label: 'c' },
    { id: 20, label: 'd' },
  ])
  expect(bad.status).toBe(409)
  expect(bad.body).toMatchObject({ code: '23505' })
  expect(await ids('id=gte.20&id=lt.30')).toEqual([20, 21])
})

test('rows must agree in their keys, unless columns are named', async () => {
  const rows = [{ id: 30, label: 'x' }, { id: 31 }]
  expect((await rest.post('/tags', rows)).body).toMatchObject({
    code: 'PGRST102',
    message: 'All object keys must match',
  })
  expect((await rest.post('/tags?columns=id', rows)).status).toBe(201)
})

test('missing=default puts in the default instead of null', async () => {
  const headers = { prefer: 'return=representation,missing=default' }
  const reply = await rest.post('/orders?columns=person_id,total&select=total', [{ person_id: 1 }], {
    headers,
  })
  expect(reply.body).toEqual([{ total: 0 }])
  expect(reply.headers.get('preference-applied')).toBe('missing=default, return=representation')
})

test('CSV and forms are bodies too', async () => {
  const csv = await rest.post('/tags', 'id,label\n40,"quo""ted, yes"\n41,NULL\n', {
    headers: { 'content-type': 'text/csv' },
  })
  expect(csv.status).toBe(201)
  expect((await rest.get('/tags?id=in.(40,41)&order=id&select=label')).body).toEqual([
    { label: 'quo"ted, yes' },
    { label: null },
  ])
  const form = await rest.post('/tags', 'id=42&label=by+form', {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  expect(form.status).toBe(201)
})

test('an upsert merges or ignores what is there, and says which', async () => {
  await rest.post('/tags', { id: 50, label: 'old' })
  const merged = await rest.post(
    '/tags',
    { id: 50, label: 'new' },
    {
      headers: { prefer: 'resolution=merge-duplicates,return=representation' },
    },
  )
  expect([merged.status, merged.body]).toEqual([200, [{ id: 50, label: 'new' }]])
  expect(merged.headers.get('preference-applied')).toBe('resolution=merge-duplicates, return=representation')
  const ignored = await rest.post(
    '/tags?on_conflict=label',
    { id: 51, label: 'new' },
    {
      headers: { prefer: 'resolution=ignore-duplicates,return=representation' },
    },
  )
  expect([ignored.status, ignored.body]).toEqual([201, []])
})

test('PUT writes one row at its key and refuses another', async () => {
  const put = (path: string, body: object) => rest.ask('PUT', path, { body, ...shown })
  expect((await put('/tags?id=eq.60', { id: 60, label: 'put' })).status).toBe(201)
  expect((await put('/tags?id=eq.60', { id: 60, label: 'again' })).status).toBe(200)
  expect((await put('/tags?id=eq.60', { id: 61, label: 'other' })).body).toMatchObject({ code: 'PGRST115' })
  expect((await put('/tags?label=eq.put', { id: 62 })).body).toMatchObject({ code: 'PGRST105' })
  expect(await ids('id=gte.60&id=lt.70')).toEqual([60])
})

test('an update changes what the filter finds', async () => {
  const reply = await rest.ask('PATCH', '/people?id=eq.3&select=name', { body: { name: 'Cy' }, ...shown })
  expect([reply.status, reply.body, reply.headers.get('content-range')]).toEqual([
    200,
    [{ name: 'Cy' }],
    '0-0/*',
  ])
  const silent = await rest.ask('PATCH', '/people?id=eq.3', { body: { name: 'Cay' } })
  expect([silent.status, silent.headers.get('content-type')]).toEqual([204, null])
  expect((await rest.ask('PATCH', '/people?id=eq.3', { body: {} })).status).toBe(204)
})

test('a delete answers the rows that went', async () => {
  await rest.post('/tags', [{ id: 70 }, { id: 71 }])
  const reply = await rest.ask('DELETE', '/tags?id=gte.70&id=lt.80&select=id', shown)
  expect([reply.status, reply.body]).toEqual([200, [{ id: 70 }, { id: 71 }]])
})

test('a write that was to touch one row and touched more is undone', async () => {
  await rest.post('/tags', [{ id: 80 }, { id: 81 }])
  const accept = 'application/vnd.pgrst.object+json'
  const many = await rest.ask('DELETE', '/tags?id=gte.80&id=lt.90', {
    headers: { accept, prefer: 'return=representation' },
  })
  expect([many.status, many.body]).toEqual([
    406,
    {
      code: 'PGRST116',
      message: 'Cannot coerce the result to a single JSON object',
      details: 'The result contains 2 rows',
      hint: null,
    },
  ])
  expect(await ids('id=gte.80&id=lt.90')).toEqual([80, 81])
})

test('max-affected bounds a write, and undoes one that goes beyond', async () => {
  await rest.post('/tags', [{ id: 90 }, { id: 91 }])
  const limited = (n: number) =>
    rest.ask('DELETE', '/tags?id=gte.90&id=lt.100', {
      headers: { prefer: `handling=strict,max-affected=${n}` },
    })
  expect((await limited(1)).body).toMatchObject({ code: 'PGRST124', details: 'The query affects 2 rows' })
  expect(await ids('id=gte.90&id=lt.100')).toEqual([90, 91])
  expect((await limited(2)).status).toBe(204)
})

test('a deferred constraint that fails at commit is an error, not a success', async () => {
  await rest.owner(`
    create table pairs (id int primary key, other int references pairs deferrable initially deferred);
    grant all on pairs to anon`)
  const reply = await rest.post('/pairs', { id: 1, other: 2 }, shown)
  expect([reply.status, reply.body]).toMatchObject([409, { code: '23503' }])
  expect(
    (
      await rest.post('/pairs', [
        { id: 1, other: 2 },
        { id: 2, other: 1 },
      ])
    ).status,
  ).toBe(201)
})
