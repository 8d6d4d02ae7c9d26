import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRest, type TestRest } from './start-rest.ts'

let rest: TestRest
beforeAll(async () => {
  rest = await startRest(`
    create type place as (town text, at point);
    create table things (
      id int primary key, word text, tags text[], span int4range, day date, flag boolean, data jsonb, lives place);
    insert into things values
      (1, 'a,b', '{x,y}', '[1,5)', '2024-01-01', true, '{"n": 2, "deep": {"list": [10, 20]}}', '(Ulm,"(1,2)")'),
      (2, 'say "hi"', '{y}', '[5,10)', '2024-02-01', false, '{"n": 10, "deep": {"list": [30]}}', '(Bonn,"(3,4)")'),
      (3, 'dancing cats', '{}', '[10,20)', null, null, '{"n": 1}', null),
      (4, 'die Katzen tanzten', null, null, '2024-04-01', true, null, '(Aalen,"(5,6)")');
    create index on things using gin (to_tsvector('english', word));
    grant all on things to anon`)
})
afterAll(() => rest.close())

const ids = async (query: string) => {
  const { status, body, text } = await rest.get(`/things?select=id&${query}`)
  expect(status, text).toBe(200)
  return (body as { id: number }[]).map((row) => row.id).join()
}

test.each([
  ['tags=cs.{x}', '1'],
  ['tags=cd.{x,y,z}', '1,2,3'],
  ['tags=ov.{x,z}', '1'],
  ['tags=not.ov.{x,z}', '2,3'],
  ['tags=eq.{}', '3'],
  ['span=cs.[6,7)', '2'],
  ['span=sl.[5,9)', '1'],
  ['span=sr.[2,9]', '3'],
  ['span=nxr.[5,10)', '1,2'],
  ['span=nxl.[5,10)', '2,3'],
  ['span=adj.[20,21)', '3'],
  ['span=ov.[4,6)', '1,2'],
  ['day=gte.2024-02-01', '2,4'],
  ['flag=is.true', '1,4'],
  ['flag=is.not_null', '1,2,4'],
  ['flag=is.unknown', '3'],
  ['flag=not.is.false', '1,3,4'],
  ['day=isdistinct.2024-01-01', '2,3,4'],
  ['day=not.isdistinct.2024-01-01', '1'],
  ['word=eq.a,b', '1'],
  ['word=in.("a,b","say \\"hi\\"")', '1,2'],
  ['or=(word.eq."a,b",word.eq."say \\"hi\\"")', '1,2'],
  ['word=imatch.^DANC', '3'],
  ['word=match.cats$', '3'],
  ['word=like(all).{*a*,*c*}', '3'],
  ['word=like(any).{a*,d*}', '1,3,4'],
  ['id=gt(all).{1,2}', '3,4'],
  ['word=fts(english).dance', '3'],
  ['word=plfts(german).Katze', '4'],
  ['word=phfts(english).dancing cats', '3'],
  ['word=wfts(english).cats -dogs', '3'],
  ['word=not.fts(english).dance', '1,2,4'],
  ['data->n=gt.1', '1,2'],
  ['data->deep->list->>0=eq.10', '1'],
  ['data->>n=in.(1,2)', '1,3'],
  ['lives->>town=eq.Ulm', '1'],
  ['lives->>town=like.B*', '2'],
  ['and=(id.gt.1,or(id.lt.3,not.and(id.lt.4,flag.is.null)),id.lte.4)', '2,4'],
])('the filter %s finds %s', async (query, expected) => {
  const encoded = query.replace(/[ "\\]/g, encodeURIComponent)
  expect(await ids(`order=id&${encoded}`)).toBe(expected)
})

test.each([
  ['data->n.desc.nullslast', '2,1,3,4'],
  ['data->>n.asc.nullsfirst', '4,3,2,1'],
  ['lives->>town.nullslast', '4,2,1,3'],
  ['flag.desc.nullslast,id.desc', '4,1,2,3'],
])('the order %s is %s', async (order, expected) => {
  expect(await ids(`order=${order}`)).toBe(expected)
})

test('parts of JSON and composite values are selected under the name of the last step', async () => {
  const reply = await rest.get(
    '/things?select=data->deep->list->1,first:data->deep->list->>0,lives->>town,at:lives->at,n:data->>n::int&id=eq.1',
  )
  expect(reply.text).toBe('[{"list":20,"first":"10","town":"Ulm","at":"(1,2)","n":2}]')
})
