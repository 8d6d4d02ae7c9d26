import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { shopSchema, startRest, type TestRest } from './start-rest.ts'

let rest: TestRest
beforeAll(async () => {
  rest = await startRest(shopSchema)
})
afterAll(() => rest.close())

const names = async (query: string) => {
  const { status, body, text } = await rest.get(`/people?select=name&order=id&${query}`)
  expect(status, text).toBe(200)
  return (body as { name: string }[]).map((row) => row.name).join()
}

test.each([
  ['id=eq.2', 'Bob'],
  ['id=neq.2', 'Ann,Cay'],
  ['id=gt.1&id=lt.3', 'Bob'],
  ['id=in.(1,3)', 'Ann,Cay'],
  ['id=in.()', ''],
  ['id=not.in.(1,3)', 'Bob'],
  ['name=like.*o*', 'Bob'],
  ['name=ilike(any).{a*,C*}', 'Ann,Cay'],
  ['name=match.^[AB]', 'Ann,Bob'],
  ['born=is.null', 'Cay'],
  ['born=not.is.null', 'Ann,Bob'],
  ['manager_id=isdistinct.1', 'Ann'],
  ['or=(id.eq.1,and(id.gt.1,name.not.eq.Bob))', 'Ann,Cay'],
  ['not.or=(id.eq.1,id.eq.2)', 'Cay'],
  ['data->langs=cs.["de"]', 'Ann'],
  ['data->size->>shoe=eq.38', 'Ann'],
  ['data->langs->>-1=eq.en', 'Ann'],
  ['name=fts.ann', 'Ann'],
  ['initials=eq.C', 'Cay'],
  ['name=eq.x%27%20or%20true--', ''],
])('the filter %s finds %s', async (query, expected) => {
  expect(await names(query)).toBe(expected)
})

test.each([
  ['/people?select=id,who:name,born::text&id=eq.2', [{ id: 2, who: 'Bob', born: '2010-07-02' }]],
  ['/people?select=data->langs->0,shoe:data->size->>shoe&id=eq.1', [{ langs: 'de', shoe: '38' }]],
  ['/people?select=id,initials&order=born.desc.nullslast&limit=1', [{ id: 2, initials: 'B' }]],
  ['/people?select=name&order=id.desc&offset=2', [{ name: 'Ann' }]],
  [
    '/people?select=name,addresses(city)&id=gt.1&order=id',
    [
      { name: 'Bob', addresses: { city: 'Bonn' } },
      { name: 'Cay', addresses: null },
    ],
  ],
  [
    '/people?select=name,addresses!inner(city)&addresses.city=eq.Ulm',
    [{ name: 'Ann', addresses: { city: 'Ulm' } }],
  ],
  [
    '/addresses?select=city,people(name)&order=people(name).desc',
    [
      { city: 'Bonn', people: { name: 'Bob' } },
      { city: 'Ulm', people: { name: 'Ann' } },
    ],
  ],
  [
    '/orders?select=id,tags(label)&order=id&tags.order=label.desc',
    [
      { id: 1, tags: [{ label: 'gift' }] },
      { id: 2, tags: [{ label: 'rush' }, { label: 'gift' }] },
      { id: 3, tags: [] },
    ],
  ],
  ['/orders?select=id,tags!inner()&tags.label=eq.rush', [{ id: 2 }]],
  [
    '/people?select=name,orders!orders_person_id_fkey(total)&id=eq.1&orders.limit=1&orders.order=total.desc',
    [{ name: 'Ann', orders: [{ total: 99.0 }] }],
  ],
  [
    '/people?select=name,reports:people!manager_id(name)&id=eq.1&reports.order=id',
    [{ name: 'Ann', reports: [{ name: 'Bob' }, { name: 'Cay' }] }],
  ],
  ['/people?select=name,manager_id(name)&id=eq.2', [{ name: 'Bob', manager_id: { name: 'Ann' } }]],
  ['/people?select=name,big_orders(id)&id=eq.1', [{ name: 'Ann', big_orders: [{ id: 2 }] }]],
  ['/people?select=name,addresses()&addresses=is.null', [{ name: 'Cay' }]],
  ['/people?select=name,...addresses(city)&id=eq.1', [{ name: 'Ann', city: 'Ulm' }]],
  ['/orders?select=id,...tags(label)&id=eq.2&tags.order=label', [{ id: 2, label: ['gift', 'rush'] }]],
  ['/adults?select=name,addresses(city)', [{ name: 'Ann', addresses: { city: 'Ulm' } }]],
  ['/order_totals?select=id,people(name)&id=eq.3', [{ id: 3, people: { name: 'Bob' } }]],
])('%s', async (path, expected) => {
  const { status, body, text } = await rest.get(path)
  expect(status, text).toBe(200)
  expect(body).toEqual(expected)
})

describe('ranges and counts', () => {
  test.each([
    ['/people', {}, 200, '0-2/*'],
    ['/people', { prefer: 'count=exact' }, 200, '0-2/3'],
    ['/people?limit=1', { prefer: 'count=exact' }, 206, '0-0/3'],
    ['/people?limit=0', { prefer: 'count=exact' }, 206, '*/3'],
    ['/people', { range: '1-1', prefer: 'count=exact' }, 206, '1-1/3'],
    ['/people', { range: '9-20', prefer: 'count=exact' }, 416, '*/3'],
    ['/people?offset=9', {}, 200, '*/*'],
    ['/people?select=id,addresses!inner(city)&limit=1', { prefer: 'count=exact' }, 206, '0-0/2'],
  ])('%s with %o answers %d and says %s', async (path, headers, status, range) => {
    const reply = await rest.get(path, { headers: headers })
    expect(reply.status).toBe(status)
    expect(reply.headers.get('content-range')).toBe(range)
  })

  test('HEAD answers the headers of a GET and no body', async () => {
    const reply = await rest.ask('HEAD', '/people?limit=2', { headers: { prefer: 'count=exact' } })
    expect([reply.status, reply.text, reply.headers.get('content-range')]).toEqual([206, '', '0-1/3'])
    expect(reply.headers.get('content-length')).toBeNull()
  })
})

describe('what the body is', () => {
  test('one object where exactly one row was found, else 406', async () => {
    const headers = { accept: 'application/vnd.pgrst.object+json' }
    const one = await rest.get('/people?id=eq.1&select=name', { headers })
    expect([one.status, one.text, one.headers.get('content-type')]).toEqual([
      200,
      '{"name":"Ann"}',
      'application/vnd.pgrst.object+json; charset=utf-8',
    ])
    const many = await rest.get('/people', { headers })
    expect(many.status).toBe(406)
    expect(many.body).toEqual({
      code: 'PGRST116',
      message: 'Cannot coerce the result to a single JSON object',
      details: 'The result contains 3 rows',
      hint: null,
    })
  })

  test('CSV, with the selected names in its first line', async () => {
    const reply = await rest.get('/people?select=id,name&order=id&limit=2', {
      headers: { accept: 'text/csv' },
    })
    expect(reply.text).toBe('id,name\n1,Ann\n2,Bob')
  })

  test('values as Postgres writes them, numerics and timestamps included', async () => {
    const reply = await rest.get('/orders?select=total,placed_at&id=eq.1')
    expect(reply.text).toBe('[{"total":12.50,"placed_at":"2026-01-02T03:04:05+00:00"}]')
  })

  test('null columns are left out when that is asked for', async () => {
    const headers = { accept: 'application/vnd.pgrst.array+json;nulls=stripped' }
    const reply = await rest.get('/people?select=id,born&id=eq.3', { headers })
    expect(reply.body).toEqual([{ id: 3 }])
  })

  test('a description of the schema at the root, of what the caller may use', async () => {
    const reply = await rest.get('/')
    expect(reply.headers.get('content-type')).toBe('application/openapi+json; charset=utf-8')
    expect(Object.keys((reply.body as { definitions: object }).definitions)).toContain('people')
  })
})

test('OPTIONS tells what a relation allows', async () => {
  const table = await rest.ask('OPTIONS', '/people')
  expect(table.headers.get('allow')).toBe('OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE')
})
