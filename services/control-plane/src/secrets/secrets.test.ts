import { createHash } from 'node:crypto'
import type { Secret } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let database: TestPlatformDatabase
let plane: TestControlPlane
let ref: string
let other: string

beforeAll(async () => {
  database = await createPlatformDatabase()
  plane = await database.start()
  const create = async (name: string) =>
    (await plane.request<{ ref: string }>('POST', '/projects', { name })).body.ref
  ;[ref, other] = [await create('one'), await create('other')]
})
afterAll(() => database.close())

const list = async (project = ref) =>
  (await plane.request<Secret[]>('GET', `/projects/${project}/secrets`)).body
const put = (secrets: unknown) => plane.request('POST', `/projects/${ref}/secrets`, secrets)
const digest = (value: string) => createHash('sha256').update(value).digest('hex')

test('secrets are listed by digest, kept sealed, and belong to one project', async () => {
  expect(
    (
      await put([
        { name: 'STRIPE_KEY', value: 'sk_test_1' },
        { name: 'EMPTY', value: '' },
      ])
    ).status,
  ).toBe(201)
  expect(await list()).toMatchObject([
    { name: 'EMPTY', value: digest('') },
    { name: 'STRIPE_KEY', value: digest('sk_test_1') },
  ])
  expect(await list(other)).toEqual([])
  const rows = await database.db.many<{ sealed: string }>(sql`select sealed from control.secrets`)
  expect(JSON.stringify(rows)).not.toContain('sk_test_1')
  const log = await database.db.many<object>(sql`select before, after from control.audit_log`)
  expect(JSON.stringify(log)).not.toContain('sk_test_1')
})

test('a new value replaces the old one, the same value keeps its time', async () => {
  await put([{ name: 'A', value: '1' }])
  const [before] = (await list()).filter(({ name }) => name === 'A')
  await put([{ name: 'A', value: '1' }])
  expect((await list()).find(({ name }) => name === 'A')).toEqual(before)
  await put([{ name: 'A', value: '2' }])
  expect((await list()).find(({ name }) => name === 'A')).toMatchObject({ value: digest('2') })
})

test('names are deleted together, unknown ones are passed over', async () => {
  await put([{ name: 'B', value: '1' }])
  const reply = await plane.request('DELETE', `/projects/${ref}/secrets`, ['B', 'NOT_THERE', "x'--"])
  expect(reply.status).toBe(200)
  expect((await list()).map(({ name }) => name)).not.toContain('B')
})

test.each([
  [[{ name: 'SUPABASE_URL', value: 'x' }]],
  [[{ name: "a'; drop table x; --", value: 'x' }]],
  [[{ name: '1A', value: 'x' }]],
  [[{ name: 'NUL', value: 'a\0b' }]],
  [[{ name: 'LARGE', value: 'x'.repeat(24_577) }]],
  [[]],
  [{ name: 'NO_LIST', value: 'x' }],
])('what cannot be a secret is refused with a sentence: %o', async (secrets) => {
  const reply = await put(secrets)
  expect(reply.status).toBe(422)
  expect(reply.body.message).toMatch(/must/)
})

test('a project has a hundred at most, and a batch that would exceed it changes nothing', async () => {
  const many = Array.from({ length: 100 }, (_, i) => ({ name: `MANY_${i}`, value: 'x' }))
  const before = await list()
  expect((await put(many)).status).toBe(422)
  expect(await list()).toEqual(before)
})
