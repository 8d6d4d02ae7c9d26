import { afterAll, beforeAll, expect, test } from 'vitest'
import { shopSchema, startRest, type TestRest } from './start-rest.ts'

let rest: TestRest
beforeAll(async () => {
  rest = await startRest(`${shopSchema}
    create function add(a int, b int default 1) returns int language sql immutable as $$ select a + b $$;
    create function joined(variadic words text[]) returns text language sql immutable as
      $$ select array_to_string(words, '-') $$;
    create function everybody() returns setof people language sql stable as $$ select * from people $$;
    create function nobody() returns void language sql volatile as $$ $$;
    create function sum_and_more(a int, out total int, out twice int) language sql immutable as
      $$ select a, a * 2 $$;
    create function whole(json) returns json language sql immutable as $$ select $1 $$;
    create function size_of(bytea) returns int language sql immutable as $$ select length($1) $$;
    create function add_tag(id int) returns setof tags language sql volatile as
      $$ insert into tags values ($1, 'f' || $1) returning * $$;
    create function who() returns json language sql stable as $$ select json_build_object(
      'role', current_user, 'sub', auth.uid(), 'method', current_setting('request.method'),
      'path', current_setting('request.path'), 'agent', current_setting('request.headers')::json->>'x-agent',
      'cookie', current_setting('request.cookies')::json->>'c') $$;
    create function teapot() returns void language plpgsql as $$ begin
      perform set_config('response.status', '418', true);
      perform set_config('response.headers', '[{"X-Tea":"1"},{"Set-Cookie":"a=1"},{"Set-Cookie":"b=2"}]', true);
    end $$;
    create function refuse() returns void language plpgsql as $$ begin
      raise sqlstate 'PGRST' using
        message = '{"code":"X1","message":"no","hint":"ask nicely"}',
        detail = '{"status":402,"status_text":"Pay","headers":{"X-Price":"3"}}';
    end $$;
    create function fail() returns void language plpgsql as $$ begin raise 'wrong' using hint = 'right'; end $$;
  `)
})
afterAll(() => rest.close())

test.each([
  ['GET', '/rpc/add?a=2', undefined, 3],
  ['GET', '/rpc/add?a=2&b=5', undefined, 7],
  ['POST', '/rpc/add', { a: 2, b: 5 }, 7],
  ['GET', '/rpc/joined?words=a&words=b', undefined, 'a-b'],
  ['POST', '/rpc/joined', { words: ['x', 'y'] }, 'x-y'],
  ['GET', '/rpc/everybody?select=name&id=lt.3&order=id.desc', undefined, [{ name: 'Bob' }, { name: 'Ann' }]],
  [
    'POST',
    '/rpc/everybody?select=name,addresses(city)&limit=1',
    {},
    [{ name: 'Ann', addresses: { city: 'Ulm' } }],
  ],
  ['GET', '/rpc/sum_and_more?a=4', undefined, { total: 4, twice: 8 }],
  ['POST', '/rpc/whole', { any: ['thing'] }, { any: ['thing'] }],
])('%s %s %j answers %j', async (method, path, body, expected) => {
  const reply = await rest.ask(method, path, { body })
  expect(reply.status, reply.text).toBe(200)
  expect(reply.body).toEqual(expected)
})

test('a body of bytes is an argument as it is', async () => {
  const reply = await fetch(`${rest.url}/rpc/size_of`, {
    method: 'POST',
    headers: { apikey: rest.keys.anon, 'content-type': 'application/octet-stream' },
    body: Buffer.from([0, 255, 10]),
  })
  expect(await reply.text()).toBe('3')
})

test('a void function answers 204, a scalar null is null', async () => {
  expect((await rest.post('/rpc/nobody', {})).status).toBe(204)
  expect((await rest.post('/rpc/add', { a: null })).text).toBe('null')
})

test('GET changes nothing, whatever the function tries', async () => {
  const reply = await rest.get('/rpc/add_tag?id=500')
  expect([reply.status, reply.body]).toMatchObject([405, { code: '25006' }])
  expect((await rest.post('/rpc/add_tag', { id: 500 })).body).toEqual([{ id: 500, label: 'f500' }])
})

test('a function that was to give one row and gave another number is undone', async () => {
  const headers = { accept: 'application/vnd.pgrst.object+json' }
  const reply = await rest.post('/rpc/add_tag?id=eq.0', { id: 501 }, { headers })
  expect([reply.status, reply.body]).toMatchObject([406, { code: 'PGRST116' }])
  expect((await rest.get('/tags?id=eq.501')).body).toEqual([])
})

test('the function sees who asks and how', async () => {
  const sub = '6f0b0e5e-1111-4222-8333-444455556666'
  const headers = { 'x-agent': 'tester', cookie: 'b=1; c=2' }
  const reply = await rest.get('/rpc/who', { token: rest.user(sub), headers })
  expect(reply.body).toEqual({
    role: 'authenticated',
    sub,
    method: 'GET',
    path: '/rpc/who',
    agent: 'tester',
    cookie: '2',
  })
})

test('the function may choose status and headers', async () => {
  const reply = await rest.post('/rpc/teapot', {})
  expect([reply.status, reply.headers.get('x-tea')]).toEqual([418, '1'])
  expect(reply.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
})

test('raise makes errors: the whole answer with PGRST, 400 without', async () => {
  const whole = await rest.post('/rpc/refuse', {})
  expect([whole.status, whole.headers.get('x-price'), whole.body]).toEqual([
    402,
    '3',
    { code: 'X1', message: 'no', details: null, hint: 'ask nicely' },
  ])
  const plain = await rest.post('/rpc/fail', {})
  expect([plain.status, plain.body]).toEqual([
    400,
    { code: 'P0001', message: 'wrong', details: null, hint: 'right' },
  ])
})

test('what cannot be called says why', async () => {
  expect((await rest.post('/rpc/ad', {})).body).toMatchObject({
    code: 'PGRST202',
    message: 'Could not find the function public.ad without parameters in the schema cache',
  })
  expect((await rest.post('/rpc/add', { a: 1, c: 2 })).body).toMatchObject({
    code: 'PGRST202',
    hint: 'Perhaps you meant to call the function public.add(a, b)',
  })
  expect((await rest.ask('DELETE', '/rpc/add')).body).toMatchObject({ code: 'PGRST101' })
})
