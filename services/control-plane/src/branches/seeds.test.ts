import type { Branch, CreatedProject, ErrorBody, Seed } from '@favo/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
let parent: string
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
  parent = (await control.request<CreatedProject>('POST', '/projects', { name: 'seeded' })).body.ref
  await control.request('POST', `/projects/${parent}/database/migrations`, {
    version: '20260101000000',
    name: 'fruits',
    query: 'create table fruits (id int primary key, name text not null)',
  })
})
afterAll(() => platform.close())

const [first, second] = ['a'.repeat(64), 'b'.repeat(64)] as const

const query = async (ref: string, text: string) =>
  (await control.request('POST', `/projects/${ref}/database/query`, { query: text })).body
const seed = async (path: string, text: string | undefined, hash: string) => {
  const reply = await control.request<ErrorBody>('PUT', `/projects/${parent}/database/seeds`, {
    path,
    hash,
    ...(text === undefined ? {} : { query: text }),
  })
  expect(reply.status, JSON.stringify(reply.body)).toBe(200)
}
const branchOff = async (name: string) =>
  (await control.request<Branch>('POST', `/projects/${parent}/branches`, { branch_name: name })).body
const fruits = (ref: string) => query(ref, 'select id, name from fruits order by id')

test('a branch without data is filled by the seed files of its project, in their order, and knows them', async () => {
  // By name the second comes first.
  await seed('supabase/z.sql', "insert into fruits values (1, 'apple'), (2, 'pear')", first)
  await seed('supabase/a.sql', "begin; update fruits set name = 'Apple' where id = 1; commit", first)
  // Changed since and not run: what was run is what a branch gets.
  await seed('supabase/a.sql', undefined, second)
  await query(parent, "insert into fruits values (3, 'by hand')")
  const branch = await branchOff('filled')
  expect(branch.status).toBe('FUNCTIONS_DEPLOYED')
  const filled = [
    { id: 1, name: 'Apple' },
    { id: 2, name: 'pear' },
  ]
  expect(await fruits(branch.project_ref)).toEqual(filled)
  const known = await control.request<Seed[]>('GET', `/projects/${branch.project_ref}/database/seeds`)
  expect(known.body).toEqual([
    { path: 'supabase/a.sql', hash: second },
    { path: 'supabase/z.sql', hash: first },
  ])

  await query(branch.project_ref, 'delete from fruits')
  expect((await control.request('POST', `/branches/${branch.id}/reset`, {})).status).toBe(201)
  expect(await fruits(branch.project_ref)).toEqual(filled)
})

test('seed files that Supabase’s CLI has run are known by their hash alone, and left out', async () => {
  await query(
    parent,
    "insert into supabase_migrations.seed_files (path, hash) values ('supabase/theirs.sql', 'x')",
  )
  const branch = await branchOff('theirs')
  expect(branch.status).toBe('FUNCTIONS_DEPLOYED')
  expect(await fruits(branch.project_ref)).toHaveLength(2)
})

test('a seed file that fails leaves a branch that says which', async () => {
  await query(
    parent,
    `insert into supabase_migrations.seed_files (path, hash, content, applied_at)
      values ('supabase/broken.sql', 'x', 'insert into nowhere values (1)', now() + interval '1 hour')`,
  )
  const branch = await branchOff('broken')
  expect(branch).toMatchObject({
    status: 'MIGRATIONS_FAILED',
    error: expect.stringContaining('supabase/broken.sql failed') as string,
  })
  expect(await fruits(branch.project_ref)).toHaveLength(2)
})
