import type { ApiKey, CreatedProject, ErrorBody } from '@favo/contracts'
import { sha256Hex } from '@favo/tokens'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
let ref: string
let other: string
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
  const create = async (name: string) =>
    (await control.request<CreatedProject>('POST', '/projects', { name })).body.ref
  ;[ref, other] = [await create('keys'), await create('other')]
})
afterAll(() => platform.close())

const call = (method: string, path: string, body?: unknown, project = ref) =>
  control.request<ApiKey & ErrorBody>(method, `/projects/${project}/api-keys${path}`, body)
const known = async () =>
  (await control.controlPlane.directorySource.loadByRef(ref))?.apiKeys.map(({ hash }) => hash) ?? []

test('a key works from the moment it is made until the moment it is deleted', async () => {
  const made = await call('POST', '?reveal=true', {
    type: 'secret',
    name: 'worker',
    description: 'for the worker',
  })
  expect(made).toMatchObject({
    status: 201,
    body: {
      type: 'secret',
      name: 'worker',
      description: 'for the worker',
      secret_jwt_template: { role: 'service_role' },
    },
  })
  const hash = sha256Hex(made.body.api_key ?? '')
  expect(await known()).toContain(hash)
  expect((await call('GET', `/${made.body.id}`)).body.api_key).toMatch(/·$/)
  expect((await call('GET', `/${made.body.id}?reveal=true`)).body.api_key).toBe(made.body.api_key)
  expect((await call('DELETE', `/${made.body.id}`)).status).toBe(200)
  expect(await known()).not.toContain(hash)
  expect((await call('GET', `/${made.body.id}`)).status).toBe(404)
})

test('a name is changed, and two keys of one type never share one', async () => {
  const { body: key } = await call('POST', '', { type: 'publishable', name: 'mobile' })
  expect((await call('POST', '', { type: 'publishable', name: 'mobile' })).status).toBe(409)
  expect((await call('POST', '', { type: 'secret', name: 'mobile' })).status).toBe(201)
  const changed = await call('PATCH', `/${key.id}`, { name: 'tablet', description: 'x' })
  expect(changed.body).toMatchObject({ name: 'tablet', description: 'x', hash: key.hash })
  expect((await call('PATCH', `/${key.id}`, { description: null })).body.description).toBeNull()
})

test('another project’s key is not there, and neither is one of no form', async () => {
  const { body: key } = await call('POST', '', { type: 'secret', name: 'mine' })
  for (const method of ['GET', 'PATCH', 'DELETE']) {
    const body = method === 'PATCH' ? { name: 'yours' } : undefined
    expect((await call(method, `/${key.id}`, body, other)).status, method).toBe(404)
    expect((await call(method, `/${encodeURIComponent("x' or true --")}`, body)).status, method).toBe(404)
  }
  for (const bad of [{ type: 'legacy', name: 'abc' }, { type: 'secret', name: "a'b" }, { type: 'secret' }])
    expect((await call('POST', '', bad)).status).toBe(422)
})
