import type { ErrorBody } from '@favo/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTeam, type Person } from '../../test/people.ts'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

/** Who may only read is let in to the query endpoint: nothing that he sends there changes anything. */
let platform: TestPlatformDatabase
let control: TestControlPlane
let reader: Person
let ref: string
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
  const { slug, people } = await createTeam(platform, control)
  reader = people.read_only
  const made = await people.owner.request<{ ref: string }>('POST', '/projects', {
    name: 'x',
    organization_slug: slug,
  })
  ref = made.body.ref
  await control.request('POST', `/projects/${ref}/database/query`, {
    query: `create table public.kept (id int); insert into public.kept values (1);
      create sequence public.numbers;
      create function public.add() returns int language plpgsql security definer as
        'begin insert into public.kept values (2); return 1; end';`,
  })
})
afterAll(() => platform.close())

const read = (query: string, isReadOnly = true) =>
  reader.request<ErrorBody>('POST', `/projects/${ref}/database/query`, {
    query,
    ...(isReadOnly ? { read_only: true } : {}),
  })

test('who may only read reads, and says so', async () => {
  expect(await read('select id from public.kept')).toMatchObject({ status: 201, body: [{ id: 1 }] })
  expect(await read('select 1', false)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
})

test.each([
  ['plainly', 'insert into public.kept values (3)'],
  ['by a function', 'select public.add()'],
  ['by a sequence', "select nextval('public.numbers')"],
  ['with a mode set first', 'set transaction read write; insert into public.kept values (3)'],
  ['with a setting', 'set transaction_read_only = off; insert into public.kept values (3)'],
  ['with a local setting', 'set local transaction_read_only = off; insert into public.kept values (3)'],
  ['with a reset', 'reset transaction_read_only; insert into public.kept values (3)'],
  [
    'with set_config',
    "select set_config('transaction_read_only', 'off', true); insert into public.kept values (3)",
  ],
  [
    'in a block',
    "do $$ begin perform set_config('transaction_read_only', 'off', true); insert into public.kept values (3); end $$",
  ],
  ['in a block that commits', 'do $$ begin commit; insert into public.kept values (3); end $$'],
  [
    'in a block that sets',
    'do $$ begin set transaction_read_only = off; insert into public.kept values (3); end $$',
  ],
  [
    'with the session changed',
    'set session characteristics as transaction read write; insert into public.kept values (3)',
  ],
  ['after the end', 'commit; insert into public.kept values (3)'],
  ['after a rollback and chain', 'rollback and chain; insert into public.kept values (3)'],
  ['by prepare', 'prepare p as insert into public.kept values (3); execute p'],
  ['by a savepoint', 'savepoint s; set transaction read write; insert into public.kept values (3)'],
  ['outside of transactions', 'create index concurrently made on public.kept (id)'],
  ['by maintenance', 'vacuum full public.kept'],
  ['by a role', 'create role written'],
  ['by a setting of the database', "alter role postgres set work_mem = '1MB'"],
  ['by a large object', 'select lo_create(0)'],
])('nothing is changed %s', async (_name, query) => {
  const reply = await read(query)
  expect(reply.status, JSON.stringify(reply.body)).toBe(400)
  const kept = await read(`
    select (select count(*)::int from public.kept) as rows,
      (select count(*)::int from pg_indexes where indexname = 'made') as indexes,
      (select is_called from public.numbers) as is_called,
      (select count(*)::int from pg_largeobject_metadata) as objects`)
  expect(kept.body).toEqual([{ rows: 1, indexes: 0, is_called: false, objects: 0 }])
})

test('what was set in a read-only query does not reach the next request', async () => {
  await read('set session characteristics as transaction read only; select 1')
  await read("set default_transaction_read_only = on; select set_config('search_path', 'nowhere', false)")
  const written = await control.request('POST', `/projects/${ref}/database/query`, {
    query: 'create table written_later (id int); drop table written_later',
  })
  expect(written.status).toBe(201)
})

test('who may only read sees no key that writes', async () => {
  const keys = await reader.request<{ name: string; type: string; api_key: string }[]>(
    'GET',
    `/projects/${ref}/api-keys?reveal=true`,
  )
  const shown = keys.body
    .filter(({ api_key }) => !api_key.includes('·'))
    .map(({ name, type }) => [type, name])
  expect(shown).toEqual([
    ['legacy', 'anon'],
    ['publishable', 'default'],
  ])
  expect((await reader.request('GET', `/projects/${ref}/connection`)).status).toBe(403)
})
