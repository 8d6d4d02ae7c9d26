import type { CreatedProject, ErrorBody } from '@favo/contracts'
import { openDb, sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
let project: CreatedProject
let path: string
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
  project = (await control.request<CreatedProject>('POST', '/projects', { name: 'settings' })).body
  path = `/projects/${project.ref}/config/database/postgres`
})
afterAll(() => platform.close())

const show = async (name: string): Promise<string> => {
  const { name: database, url } = project.connection.database
  const db = openDb({
    endpoint: inject('cluster').endpoint,
    user: `${database}_db`,
    password: decodeURIComponent(new URL(url).password),
    database,
    max: 1,
  })
  const { value } = await db.one<{ value: string }>(sql`select current_setting(${name}) as value`)
  await db.close()
  return value
}
const showOverApi = async (name: string) => {
  const reply = await control.request<{ value: string }[]>(
    'POST',
    `/projects/${project.ref}/database/query`,
    {
      query: `select current_setting('${name}') as value`,
    },
  )
  return reply.body[0]?.value
}

test('settings hold for new sessions, over the API at once, and what is left out goes back to its default', async () => {
  expect((await control.request('GET', path)).body).toEqual({})
  const before = [await show('work_mem'), await showOverApi('statement_timeout')]
  const set = await control.request('PUT', path, {
    work_mem: '12MB',
    statement_timeout: '90s',
    max_parallel_workers_per_gather: 0,
    jit: false,
    restart_database: true,
  })
  expect(set).toMatchObject({
    status: 200,
    body: { work_mem: '12MB', statement_timeout: '90s', max_parallel_workers_per_gather: 0, jit: false },
  })
  expect([await show('work_mem'), await show('statement_timeout'), await show('jit')]).toEqual([
    '12MB',
    '90s',
    'off',
  ])
  expect(await showOverApi('statement_timeout')).toBe('90s')

  const less = await control.request('PUT', path, { jit: false })
  expect(less.body).toEqual({ jit: false })
  expect((await control.request('GET', path)).body).toEqual({ jit: false })
  expect([await show('work_mem'), await showOverApi('statement_timeout')]).toEqual(before)
  expect(await show('jit')).toBe('off')
})

test.each<Record<string, unknown>>([
  { max_connections: 5_000 },
  { shared_buffers: '8GB' },
  { session_replication_role: 'replica' },
  { search_path: 'private' },
  { role: 'favo_admin' },
  { log_min_messages: 'debug5' },
  { 'work_mem; alter role favo_admin': '1MB' },
  { constructor: '1' },
  { work_mem: '10GB' },
  { work_mem: '1kB' },
  { work_mem: "1MB'; drop table x; --" },
  { work_mem: true },
  { statement_timeout: '-1' },
  { statement_timeout: '400d' },
  { idle_in_transaction_session_timeout: '0' },
  { max_parallel_workers_per_gather: 64 },
  { max_parallel_workers_per_gather: 1.5 },
  { jit: 'perhaps' },
  { plan_cache_mode: 'auto, on' },
])('%j is refused, and nothing is changed', async (body) => {
  const before = (await control.request('GET', path)).body
  const reply = await control.request<ErrorBody>('PUT', path, { jit: true, ...body })
  expect(reply).toMatchObject({ status: 422, body: { code: 'validation_failed' } })
  expect((await control.request('GET', path)).body).toEqual(before)
})
