import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRest, type TestRest } from './start-rest.ts'

let rest: TestRest
beforeAll(async () => {
  rest = await startRest(`
    create function fail(state text) returns void language plpgsql as
      $$ begin raise using errcode = state, message = 'told', hint = 'try'; end $$;
    create table parents (id int primary key check (id > 0), name text not null unique);
    create table children (id int primary key, parent_id int references parents);
    create view joined as select p.id, c.parent_id from parents p join children c on true;
    grant all on parents, children, joined to anon;
    insert into parents values (1, 'one')`)
})
afterAll(() => rest.close())

/** PostgREST 14's table (`Error.hs`), by classes and single codes. */
test.each([
  ['08006', 503],
  ['09000', 500],
  ['0L000', 403],
  ['0P000', 403],
  ['21000', 500],
  ['22012', 400],
  ['22P02', 400],
  ['23502', 400],
  ['23503', 409],
  ['23505', 409],
  ['23514', 400],
  ['25006', 405],
  ['25000', 500],
  ['28000', 403],
  ['2D000', 500],
  ['38000', 500],
  ['39000', 500],
  ['3B000', 500],
  ['40001', 500],
  ['40P01', 500],
  ['42501', 401],
  ['42883', 404],
  ['42P01', 404],
  ['42P17', 500],
  ['42601', 400],
  ['53100', 503],
  ['53400', 500],
  ['54000', 500],
  ['55000', 500],
  ['57014', 500],
  ['57P01', 503],
  ['58000', 500],
  ['F0000', 500],
  ['HV000', 500],
  ['P0001', 400],
  ['P0002', 500],
  ['XX000', 500],
  ['PT418', 418],
  ['ZZ999', 400],
])('SQLSTATE %s is %d', async (state, status) => {
  const reply = await rest.post('/rpc/fail', { state })
  expect([reply.status, reply.body]).toEqual([
    status,
    { code: state, message: 'told', details: null, hint: 'try' },
  ])
})

test.each([
  ['GET', '/parents?id=eq.x', undefined, 400, '22P02'],
  ['GET', '/parents?nothing=eq.1', undefined, 400, '42703'],
  ['GET', '/parents?select=nothing', undefined, 400, '42703'],
  ['GET', '/parents?id=eq', undefined, 400, 'PGRST100'],
  ['GET', '/parents?id=foo.1', undefined, 400, 'PGRST100'],
  ['GET', '/parents?select=strangers(id)', undefined, 400, 'PGRST200'],
  ['GET', '/parents?order=children(id)', undefined, 400, 'PGRST108'],
  ['GET', '/parents?select=id,children(id)&order=children(id)', undefined, 400, 'PGRST118'],
  ['GET', '/parents?limit=-1', undefined, 416, 'PGRST103'],
  ['GET', '/a/b', undefined, 404, 'PGRST125'],
  ['GET', '/nothing', undefined, 404, 'PGRST205'],
  ['GET', '/rpc/nothing', undefined, 404, 'PGRST202'],
  ['PATCH', '/rpc/fail', {}, 405, 'PGRST101'],
  ['POST', '/parents', { id: 1, name: 'again' }, 409, '23505'],
  ['POST', '/parents', { id: -1, name: 'x' }, 400, '23514'],
  ['POST', '/parents', { id: 2 }, 400, '23502'],
  ['POST', '/parents', { nothing: 2 }, 400, 'PGRST204'],
  ['POST', '/children', { id: 1, parent_id: 9 }, 409, '23503'],
  ['POST', '/joined', { id: 1 }, 500, '55000'],
  ['PUT', '/parents?id=eq.1&limit=1', { id: 1, name: 'x' }, 400, 'PGRST114'],
])('%s %s with %j is %d %s', async (method, path, body, status, code) => {
  const reply = await rest.ask(method, path, { body })
  expect([reply.status, (reply.body as { code: string }).code], reply.text).toEqual([status, code])
  expect(Object.keys(reply.body as object).sort()).toEqual(['code', 'details', 'hint', 'message'])
})
