import type { CreatedProject, ErrorBody, MigrationDetails } from '@favo/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
let ref: string
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
  ref = (await control.request<CreatedProject>('POST', '/projects', { name: 'history' })).body.ref
  for (const [version, query, rollback] of [
    ['1', 'create table one (id int)', 'drop table one'],
    ['2', 'create table two (id int)', undefined],
    ['10', 'create table ten (id int); create table eleven (id int)', 'drop table ten; drop table eleven'],
  ] as const)
    await call('POST', '', { version, name: `m${version}`, query, rollback })
})
afterAll(() => platform.close())

const call = <Body = ErrorBody>(method: string, path: string, body?: unknown) =>
  control.request<Body>(method, `/projects/${ref}/database/migrations${path}`, body)
const tables = async () => {
  const { body } = await control.request<{ names: string[] }[]>(
    'POST',
    `/projects/${ref}/database/query/read-only`,
    {
      query: `select array_agg(relname order by relname) as names from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r'`,
    },
  )
  return body[0]?.names
}

test('a migration is shown with its statements, and its way back can be given later', async () => {
  expect((await call<MigrationDetails>('GET', '/10')).body).toEqual({
    version: '10',
    name: 'm10',
    statements: ['create table ten (id int)', 'create table eleven (id int)'],
    rollback: ['drop table ten', 'drop table eleven'],
  })
  for (const version of ['3', "1'--", '0'.repeat(40)])
    expect((await call('GET', `/${encodeURIComponent(version)}`)).status, version).toBe(404)
  expect((await call('PATCH', '/3', { name: 'x' })).status).toBe(404)
})

test('without a way back nothing is rolled back', async () => {
  const reply = await call('DELETE', '?gte=2')
  expect(reply).toMatchObject({ status: 409, body: { code: 'no_rollback' } })
  expect(await tables()).toEqual(['eleven', 'one', 'ten', 'two'])
})

test('the latest go first, together with their rows, and a failure undoes nothing', async () => {
  await call('PATCH', '/2', { rollback: 'drop table nothing_of_this_name' })
  expect((await call('DELETE', '?gte=2')).status).toBe(400)
  expect(await tables()).toEqual(['eleven', 'one', 'ten', 'two'])

  await call('PATCH', '/2', { rollback: 'drop table two' })
  expect((await call('DELETE', '?gte=2')).status).toBe(200)
  expect(await tables()).toEqual(['one'])
  expect((await call<unknown[]>('GET', '')).body).toEqual([{ version: '1', name: 'm1' }])
  expect((await call('DELETE', '?gte=x')).status).toBe(422)
})

test('the read-only path only reads', async () => {
  const reply = await control.request('POST', `/projects/${ref}/database/query/read-only`, {
    query: 'drop table one',
    read_only: false,
  })
  expect(reply.status).toBe(400)
  expect(await tables()).toEqual(['one'])
})
