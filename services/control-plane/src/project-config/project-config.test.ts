import type { Pooler, ProjectConfig, StorageConfig } from '@favo/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'
import { renderPooler } from './pooler.ts'

let database: TestPlatformDatabase
let plane: TestControlPlane
let ref: string

beforeAll(async () => {
  database = await createPlatformDatabase()
  plane = await database.start()
  ref = (await plane.request<{ ref: string }>('POST', '/projects', { name: 'configured' })).body.ref
})
afterAll(() => database.close())

const get = <Body>(path: string) => plane.request<Body>('GET', `/projects/${ref}${path}`)

test('storage settings start at Supabase’s defaults, and a change leaves the rest', async () => {
  expect((await get<StorageConfig>('/config/storage')).body).toMatchObject({ fileSizeLimit: 52_428_800 })
  const change = (body: unknown) => plane.request('PATCH', `/projects/${ref}/config/storage`, body)
  await change({ fileSizeLimit: 1_000, features: { s3Protocol: { enabled: true } } })
  await change({ features: { imageTransformation: { enabled: true } } })
  expect((await get<StorageConfig>('/config/storage')).body).toMatchObject({
    fileSizeLimit: 1_000,
    features: { s3Protocol: { enabled: true }, imageTransformation: { enabled: true } },
  })
  expect((await change({ fileSizeLimit: -1 })).status).toBe(422)
})

test('the auth configuration has the keys at which the CLI would stop', async () => {
  const { body } = await get<Record<string, unknown>>('/config/auth')
  for (const key of [
    'api_max_request_duration',
    'mailer_templates_invite_content',
    'smtp_host',
    'sessions_tags',
  ])
    expect(body).toHaveProperty(key)
})

test('functions, backups, snippets and add-ons are truthfully none; what is not there says so', async () => {
  expect((await get('/functions')).body).toEqual([])
  expect((await get('/storage/buckets')).body).toEqual([])
  expect((await get('/database/backups')).body).toMatchObject({ backups: [], pitr_enabled: false })
  expect((await get('/billing/addons')).body).toEqual({ selected_addons: [], available_addons: [] })
  expect((await get('/upgrade/eligibility')).body).toMatchObject({ eligible: false })
  expect((await plane.request('GET', '/snippets')).body).toEqual({ data: [] })
  expect((await plane.request('GET', '/projects/available-regions?organization_slug=default')).status).toBe(
    200,
  )
  expect((await get('/functions/hello')).status).toBe(404)
  expect((await get('/analytics/endpoints/logs')).body).toMatchObject({
    error: expect.stringMatching(/no logs/) as string,
  })
  for (const [method, path] of [
    ['POST', '/functions/deploy?slug=hello'],
    ['POST', '/database/backups/restore-pitr'],
    ['GET', '/pgsodium'],
  ] as const) {
    const reply = await plane.request(method, `/projects/${ref}${path}`)
    expect(reply, path).toMatchObject({ status: 501, body: { code: 'not_available' } })
  }
})

test('the pooler’s string names the project, holds no password, and suits the CLI on plain localhost', async () => {
  const [pooler] = (await get<Pooler[]>('/config/database/pooler')).body
  expect(pooler?.connection_string).toMatch(
    new RegExp(
      `^postgresql://postgres\\.${ref}:\\[YOUR-PASSWORD\\]@none\\.favo\\.invalid:5432,127\\.0\\.0\\.1:\\d+/postgres$`,
    ),
  )
  expect(pooler).toMatchObject({ database_type: 'PRIMARY', db_user: `postgres.${ref}` })
})

test('what the transaction port gives a project, and whether TLS is required, is in the configuration', async () => {
  const attributes = async () => {
    const reply = await fetch(`${plane.url.replace(/\/v1$/, '')}/v2/projects/${ref}/config`, {
      headers: { authorization: `Bearer ${plane.token}` },
    })
    return ((await reply.json()) as ProjectConfig).data.attributes
  }
  expect((await attributes()).pooler).toMatchObject({
    pool_mode: 'transaction',
    default_pool_size: 8,
    max_client_conn: 500,
    query_wait_timeout: 15,
    server_idle_timeout: 30,
  })
  expect((await attributes()).database.ssl_enforced).toBe(false)
  await plane.request('PUT', `/projects/${ref}/ssl-enforcement`, { requestedConfig: { database: true } })
  expect((await attributes()).database.ssl_enforced).toBe(true)
})

test('on the standard port the pooler’s string is an ordinary one', () => {
  const [pooler] = renderPooler({ ref } as Parameters<typeof renderPooler>[0], {
    apiUrl: 'https://api.example.com',
    projectUrl: (label) => `https://${label}.example.com`,
    pathUrl: (label) => `https://api.example.com/p/${label}`,
    database: { host: 'db.example.com', port: 5432, transactionPort: 6543 },
  })
  expect(pooler?.connection_string).toBe(
    `postgresql://postgres.${ref}:[YOUR-PASSWORD]@db.example.com:5432/postgres`,
  )
})

test('nothing of it is told about projects that are not there', async () => {
  for (const path of [
    '/secrets',
    '/functions',
    '/config/storage',
    '/config/database/pooler',
    '/billing/addons',
  ])
    expect((await plane.request('GET', `/projects/nosuchprojectanywher${path}`)).status, path).toBe(404)
})
