import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { shopSchema, startRest, type TestRest } from './start-rest.ts'

let rest: TestRest
beforeAll(async () => {
  rest = await startRest(`${shopSchema}
    create function echo(word text) returns text language sql immutable as $$ select word $$;
    create table canary (id int); insert into canary values (1); grant all on canary to anon`)
})
afterAll(() => rest.close())

const PAYLOADS = [
  `1'; drop table canary; --`,
  `1); delete from canary; --`,
  `" or "1"="1`,
  `\\'; select pg_sleep(5); --`,
  `$$; drop table canary; $$`,
  `x" from canary; --`,
  `'||(select 1)||'`,
  `a\0b`,
  `*/ or /*`,
  `\u202e\u0000\uffff😀`,
  `favo:PGRST116:7`,
  // What scanners try.
  `1 AND 1=1 UNION ALL SELECT NULL,version()--`,
  `1');SELECT PG_SLEEP(5)--`,
  `1' AND 7=(SELECT 7 FROM PG_SLEEP(5)) AND 'a'='a`,
  `'||(SELECT CASE WHEN 1=1 THEN pg_sleep(5)::text ELSE '' END)||'`,
  `1/**/OR/**/1=1#`,
  `CHR(65)||CHR(66)`,
  `") from canary; set role postgres; --`,
  `%27%20OR%201%3D1`,
  `{"$gt":""}`,
  `(select(0)from(select(pg_sleep(5)))v)`,
]

const quoted = (text: string) => encodeURIComponent(JSON.stringify(text))

const positions: readonly (readonly [
  string,
  (payload: string) => Promise<{ status: number; text: string }>,
])[] = [
  ['a value', (p) => rest.get(`/people?name=eq.${encodeURIComponent(p)}`)],
  ['a list', (p) => rest.get(`/people?name=in.("${encodeURIComponent(p)}")`)],
  ['a tree', (p) => rest.get(`/people?or=(name.eq.${encodeURIComponent(p)},id.eq.1)`)],
  ['a full-text language', (p) => rest.get(`/people?name=fts(${encodeURIComponent(p)}).x`)],
  ['a name of a filter', (p) => rest.get(`/people?${encodeURIComponent(p)}=eq.1`)],
  ['a quoted name of a filter', (p) => rest.get(`/people?${quoted(p)}=eq.1`)],
  ['a column', (p) => rest.get(`/people?select=${encodeURIComponent(p)}`)],
  ['a quoted column', (p) => rest.get(`/people?select=${quoted(p)}`)],
  ['an alias', (p) => rest.get(`/people?select=${quoted(p)}:id`)],
  ['a cast', (p) => rest.get(`/people?select=id::${encodeURIComponent(p)}`)],
  ['a JSON key', (p) => rest.get(`/people?select=data->>${quoted(p)}`)],
  ['an embed', (p) => rest.get(`/people?select=${quoted(p)}(id)`)],
  ['an order', (p) => rest.get(`/people?order=${encodeURIComponent(p)}`)],
  ['a JSON key of an order', (p) => rest.get(`/people?order=data->${quoted(p)}`)],
  ['a JSON key of a filter', (p) => rest.get(`/people?data->>${quoted(p)}=eq.1`)],
  ['a hint', (p) => rest.get(`/people?select=orders!${quoted(p)}(id)`)],
  ['a spread', (p) => rest.get(`/people?select=...addresses(${encodeURIComponent(p)})`)],
  ['a cast of an aggregate', (p) => rest.get(`/people?select=id.sum()::${encodeURIComponent(p)}`)],
  ['a level of a filter', (p) => rest.get(`/people?${quoted(p)}.id=eq.1`)],
  ['an operator', (p) => rest.get(`/people?id=${encodeURIComponent(p)}.1`)],
  ['a quantified list', (p) => rest.get(`/people?name=eq(any).{${quoted(p)}}`)],
  ['an is', (p) => rest.get(`/people?id=is.${encodeURIComponent(p)}`)],
  [
    'a limit of an embed',
    (p) => rest.get(`/people?select=addresses(city)&addresses.limit=${encodeURIComponent(p)}`),
  ],
  ['an offset', (p) => rest.get(`/people?offset=${encodeURIComponent(p)}`)],
  ['a limit', (p) => rest.get(`/people?limit=${encodeURIComponent(p)}`)],
  ['a table', (p) => rest.get(`/${encodeURIComponent(p)}`)],
  ['a function', (p) => rest.get(`/rpc/${encodeURIComponent(p)}`)],
  ['an argument', (p) => rest.get(`/rpc/echo?word=${encodeURIComponent(p)}`)],
  ['a key of the body', (p) => rest.post('/tags', { [p]: 1 })],
  ['a value of the body', (p) => rest.post('/tags', { id: p })],
  ['columns', (p) => rest.post(`/tags?columns=${quoted(p)}`, [{ id: 1 }])],
  [
    'on_conflict',
    (p) =>
      rest.post(
        `/tags?on_conflict=${quoted(p)}`,
        { id: 1 },
        { headers: { prefer: 'resolution=merge-duplicates' } },
      ),
  ],
  ['a preference', (p) => rest.get('/people', { headers: { prefer: `timezone=${header(p)}` } })],
  ['the profile of a write', (p) => rest.post('/tags', {}, { headers: { 'content-profile': header(p) } })],
  ['the type of the body', (p) => rest.post('/tags', '{}', { headers: { 'content-type': header(p) } })],
  ['a CSV header', (p) => csv(`${JSON.stringify(p)}\n1`)],
  ['a CSV value', (p) => csv(`label\n"${p.replaceAll('"', '""')}"`)],
  [
    'a form',
    (p) =>
      rest.post(
        '/rpc/echo',
        new URLSearchParams([
          ['word', p],
          [p, 'x'],
        ]).toString(),
        {
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        },
      ),
  ],
  ['a name of an argument', (p) => rest.post('/rpc/echo', { [p]: 1 })],
  [
    'the filter of an update',
    (p) => rest.ask('PATCH', `/tags?label=eq.${encodeURIComponent(p)}`, { body: { label: p } }),
  ],
  ['the filter of a delete', (p) => rest.ask('DELETE', `/tags?${quoted(p)}=eq.1`)],
  [
    'a plan’s options',
    (p) => rest.get('/people', { headers: { accept: `application/vnd.pgrst.plan; options=${header(p)}` } }),
  ],
  ['a header of its own', (p) => rest.get('/people', { headers: { 'x-agent': header(p) } })],
  ['the profile', (p) => rest.get('/people', { headers: { 'accept-profile': header(p) } })],
  ['the accepted type', (p) => rest.get('/people', { headers: { accept: header(p) } })],
  ['the range', (p) => rest.get('/people', { headers: { range: header(p) } })],
  ['a cookie', (p) => rest.get('/people', { headers: { cookie: `c=${header(p)}` } })],
]

const csv = (body: string) => rest.post('/tags', body, { headers: { 'content-type': 'text/csv' } })
const header = (text: string) => text.replace(/[^\x20-\x7e]/g, '?')

describe('SQL in every position stays a name or a value', () => {
  test.each(positions)('%s', async (_name, ask) => {
    for (const payload of PAYLOADS) {
      const before = performance.now()
      const reply = await ask(payload)
      expect(reply.status, `${payload}: ${reply.text}`).toBeLessThan(500)
      expect(performance.now() - before).toBeLessThan(4_000)
    }
    expect((await rest.get('/canary')).text).toBe('[{"id":1}]')
  })
})

test('no select can pass for a filter of another request', async () => {
  await rest.post('/tags', [{ id: 901 }, { id: 902 }])
  // Both requests were once told apart by a text in which their parts ran together.
  const filter = '{"kind":"compare","operator":"eq","quantifier":null,"value":0}'
  await rest.ask('DELETE', `/tags?select=${encodeURIComponent(`*&id=${filter}`)}&id=eq.900`)
  await rest.ask('DELETE', '/tags?id=eq.901')
  expect((await rest.get('/tags?id=gte.901&select=id')).text).toBe('[{"id":902}]')
})

test('plans are shared by shape, answers are not', async () => {
  const asked = Array.from({ length: 30 }, (_, i) => i % 4)
  const replies = await Promise.all(asked.map((id) => rest.get(`/people?id=eq.${id}&select=id`)))
  replies.forEach((reply, i) => expect(reply.body).toEqual(asked[i] === 0 ? [] : [{ id: asked[i] }]))
})

test.each([
  ['select', `select=${'people('.repeat(3_000)}`],
  ['a tree', `or=${'(and'.repeat(1_000)}`],
  ['a list', `id=in.(${'1,'.repeat(3_000)}1)`],
])('depth and length of %s are bounded by an error, not by the stack', async (_name, query) => {
  expect((await rest.get(`/people?${query}`)).status).toBeLessThan(500)
})

test.each([
  ['{"id":', 'Empty or invalid json'],
  ['', 'Empty or invalid json'],
  ['[1,2]', 'All object keys must match'],
])('the body %s is told to be wrong', async (body, message) => {
  const reply = await rest.ask('POST', '/tags', { body, headers: { 'content-type': 'application/json' } })
  expect([reply.status, reply.body]).toMatchObject([400, { code: 'PGRST102', message }])
})
