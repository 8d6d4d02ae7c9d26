import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CreatedProject, ErrorBody, Migration } from '@favo/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

// Migrations as projects on Supabase have them, and statements that a shared server has to take in another way.
const directory = join(import.meta.dirname, '../../../../packages/tenancy/test/migrations')

let platform: TestPlatformDatabase
let control: TestControlPlane
let ref: string
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
  ref = (await control.request<CreatedProject>('POST', '/projects', { name: 'demo' })).body.ref
})
afterAll(() => platform.close())

const query = <Body = ErrorBody>(text: string) =>
  control.request<Body>('POST', `/projects/${ref}/database/query`, { query: text })
const rows = async (text: string) => {
  const reply = await query<Record<string, unknown>[]>(text)
  expect(reply.status, JSON.stringify(reply.body)).toBe(201)
  return reply.body
}
const push = (version: string, text: string) =>
  control.request<ErrorBody>('POST', `/projects/${ref}/database/migrations`, { query: text, version })
const history = async () =>
  (await control.request<Migration[]>('GET', `/projects/${ref}/database/migrations`)).body

test('thirty migrations of real projects are pushed unchanged, one after the other', async () => {
  const files = readdirSync(directory).sort()
  for (const [i, file] of files.entries()) {
    const reply = await push(String(i + 1), readFileSync(join(directory, file), 'utf8'))
    expect(reply.status, `${file}: ${JSON.stringify(reply.body)}`).toBe(200)
  }
  expect((await history()).length).toBe(files.length)
})

test('the history has what was pushed, not what was run in its place', async () => {
  const [row] = await rows(
    `select array_to_string(statements, ';') as text from supabase_migrations.schema_migrations
     where statements::text like '%create user metabase%'`,
  )
  expect(row?.text).toContain('create user metabase with login password')
  expect(row?.text).not.toContain('pg_favo')
})

test('a migration that fails in an interposed statement leaves nothing, and says where', async () => {
  const reply = await push(
    '900',
    'create role half_way;\n\ncreate table half_way (id int);\nalter role nobody\n  set work_mem = 1;',
  )
  expect(reply).toMatchObject({
    status: 400,
    body: { code: '42501', sql: { statement: 3, line: 4, position: null } },
  })
  expect(await rows("select to_regclass('half_way') as t, count(*) as n from pg_roles where rolname = 'half_way'"))
    .toEqual([{ t: null, n: 0 }]) // prettier-ignore
})

test('what refuses a transaction runs by itself; the statements before it stay when it fails', async () => {
  await rows('create table public.doubles (a int); insert into public.doubles values (1), (1)')
  const reply = await push(
    '901',
    'create table public.before_it (id int);\ncreate unique index concurrently on public.doubles (a);',
  )
  expect(reply).toMatchObject({ status: 400, body: { code: '23505', sql: { statement: 2, line: 2 } } })
  expect(await rows("select to_regclass('public.before_it')::text as t")).toEqual([{ t: 'before_it' }])
  expect((await history()).some(({ version }) => version === '901')).toBe(false)
  expect(await rows('vacuum public.doubles; select 1 as one')).toEqual([{ one: 1 }])
})

test.each([
  ['alter system set work_mem = 1', '42501'],
  ['create database other', '42501'],
  ['create role x superuser', '42501'],
  ['alter role postgres superuser', '42501'],
  ['grant supabase_admin to reporting', '42501'],
  ['begin; vacuum; commit', '25001'],
])('%s is refused', async (text, code) => {
  expect((await query(text)).body).toMatchObject({ code })
})
