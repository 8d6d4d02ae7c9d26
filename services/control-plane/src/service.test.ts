import type {
  ApiKey,
  AuthConfig,
  CreatedProject,
  ErrorBody,
  Organization,
  PostgrestConfig,
} from '@favo/contracts'
import { sha256Hex } from '@favo/tokens'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
let project: CreatedProject

beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
  project = (await control.request<CreatedProject>('POST', '/projects', { name: 'demo' })).body
})
afterAll(() => platform.close())

test.each([
  ['broken JSON', '{"name":', 400, 'malformed_json'],
  ['no JSON at all', 'name=demo', 400, 'malformed_json'],
  ['a body that is too large', `{"name":"${'x'.repeat(2_000_000)}"}`, 413, 'body_too_large'],
  ['nothing', '', 422, 'validation_failed'],
])('%s is refused as such', async (_name, body, status, code) => {
  const reply = await control.request<ErrorBody>('POST', '/projects', body)
  expect(reply).toMatchObject({ status, body: { code } })
  expect(reply.body.request_id).toBe(reply.headers.get('x-request-id'))
})

test('a prototype in the body changes nothing', async () => {
  const reply = await control.request<ErrorBody>('POST', '/projects', '{"__proto__": {"name": "x"}}')
  expect([400, 422]).toContain(reply.status)
})

test('an unknown route is named', async () => {
  const reply = await control.request<ErrorBody>('GET', '/nothing?secret=1')
  expect(reply).toMatchObject({ status: 404, body: { message: 'There is no GET /v1/nothing.' } })
})

test('an announced JSON body may be missing where none is needed', async () => {
  const reply = await control.request('GET', `/projects/${project.ref}`, undefined, {
    'content-type': 'application/json',
  })
  expect(reply.status).toBe(200)
  const pause = await control.request('POST', `/projects/${project.ref}/restore`, undefined, {
    'content-type': 'application/json',
  })
  expect(pause.status).toBe(200)
})

test('answers are not kept by caches', async () => {
  expect((await control.request('GET', '/projects')).headers.get('cache-control')).toBe('no-store')
})

test('secret keys are shown when they are asked for', async () => {
  const { keys } = project.connection
  const revealed = await control.request<ApiKey[]>('GET', `/projects/${project.ref}/api-keys?reveal=true`)
  const find = (list: ApiKey[], name: string, type: string) =>
    list.find((key) => key.name === name && key.type === type)
  expect(find(revealed.body, 'anon', 'legacy')?.api_key).toBe(keys.anon)
  expect(find(revealed.body, 'service_role', 'legacy')?.api_key).toBe(keys.service_role)
  expect(find(revealed.body, 'default', 'publishable')?.api_key).toBe(keys.publishable)
  expect(find(revealed.body, 'default', 'secret')).toMatchObject({
    api_key: keys.secret,
    hash: sha256Hex(keys.secret),
    secret_jwt_template: { role: 'service_role' },
  })
  const masked = await control.request<ApiKey[]>('GET', `/projects/${project.ref}/api-keys`)
  expect(JSON.stringify(masked.body)).not.toContain(keys.secret)
  expect((await control.request('GET', `/projects/${project.ref}/api-keys/legacy`)).body).toEqual({
    enabled: true,
  })
})

test('PostgREST’s settings are kept', async () => {
  const path = `/projects/${project.ref}/postgrest`
  const before = await control.request<PostgrestConfig>('GET', path)
  const after = await control.request<PostgrestConfig>('PATCH', path, {
    db_schema: 'public, api',
    max_rows: 50,
    db_pool: 12,
  })
  expect(after.body).toEqual({ ...before.body, db_schema: 'public, api', max_rows: 50, db_pool: 12 })
  expect((await control.request('GET', path)).body).toEqual(after.body)
  expect((await control.controlPlane.directorySource.loadByRef(project.ref))?.rest).toMatchObject({
    schemas: ['public', 'api'],
    maxRows: 50,
    poolSize: 12,
  })
  expect((await control.request('PATCH', path, { db_pool: 0 })).status).toBe(422)
  expect((await control.request('PATCH', path, { db_schema: ' , ' })).status).toBe(422)
  expect((await control.request('PATCH', path, { max_rows: -1 })).status).toBe(422)
})

test('Auth’s settings are kept', async () => {
  const path = `/projects/${project.ref}/config/auth`
  const after = await control.request<AuthConfig>('PATCH', path, { disable_signup: true, jwt_exp: 60 })
  expect(after.body).toMatchObject({ disable_signup: true, jwt_exp: 60 })
  expect((await control.controlPlane.directorySource.loadByRef(project.ref))?.auth).toMatchObject({
    disableSignup: true,
    jwtExpSeconds: 60,
  })
})

test('organizations are made, listed and own projects', async () => {
  const made = await control.request<Organization>('POST', '/organizations', { name: 'Acme' })
  expect(made).toMatchObject({ status: 201, body: { name: 'Acme' } })
  const list = await control.request<Organization[]>('GET', '/organizations')
  expect(list.body.map(({ name }) => name)).toEqual(['Default', 'Acme'])
  expect((await control.request('GET', `/organizations/${made.body.slug}`)).body).toMatchObject({
    id: made.body.slug,
    name: 'Acme',
  })
  const owned = await control.request('POST', '/projects', { name: 'x', organization_slug: made.body.slug })
  expect(owned.body).toMatchObject({ organization_id: made.body.id })
  expect((await control.request('GET', '/organizations/nobody')).status).toBe(404)
})

test('nothing secret was logged', async () => {
  await control.request('POST', `/projects/${project.ref}/database/query`, {
    query: "select 'hush-hush', 1/0",
  })
  const log = JSON.stringify(control.logLines)
  const { keys, jwt_secret: jwtSecret, database } = project.connection
  for (const secret of [
    control.token,
    keys.secret,
    keys.service_role,
    jwtSecret,
    new URL(database.url).password,
  ])
    expect(log).not.toContain(secret)
  expect(log).not.toContain('hush-hush')
})
