import { openDb, sql } from '@favo/postgres'
import { createRef, verifyJwt } from '@favo/tokens'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type {
  CreatedProject,
  DeletedProject,
  ErrorBody,
  ProjectConnection,
  ProjectDetails,
} from '@favo/contracts'
import { createPerson } from '../../test/people.ts'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane

beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
})
afterAll(() => platform.close())

const create = async (body: Record<string, unknown> = {}) => {
  const reply = await control.request<CreatedProject>('POST', '/projects', { name: 'demo', ...body })
  expect(reply.status, JSON.stringify(reply.body)).toBe(201)
  return reply.body
}
/** Past the gateway, which is not part of this. */
const connectAs = ({ url, name }: ProjectConnection['database']) =>
  openDb({
    endpoint: inject('cluster').endpoint,
    user: `${name}_db`,
    password: decodeURIComponent(new URL(url).password),
    database: name,
    max: 1,
    acquireTimeoutMs: 500,
  })

test('a created project is up, with everything an application needs', async () => {
  const created = await create({ name: 'My Café' })

  expect(created).toMatchObject({
    id: created.ref,
    name: 'My Café',
    organization_id: 'default',
    organization_slug: 'default',
    region: 'local',
    status: 'ACTIVE_HEALTHY',
    subdomain: expect.stringMatching(/^my-cafe-default(-[a-z0-9]+)?$/) as string,
  })
  const { connection } = created
  expect(connection.ref).toMatch(/^[a-z]{20}$/)
  expect(connection.url).toBe(`http://${connection.ref}.favo.localhost:8000`)
  expect(connection.path_url).toBe(`http://127.0.0.1:8000/p/${connection.ref}`)
  expect(connection.keys.publishable).toMatch(/^sb_publishable_/)
  expect(connection.keys.secret).toMatch(/^sb_secret_/)
  for (const role of ['anon', 'service_role'] as const)
    expect(verifyJwt(connection.keys[role], connection.jwt_secret)).toMatchObject({
      ok: true,
      claims: { iss: 'supabase', ref: connection.ref, role },
    })

  const owner = connectAs(connection.database)
  expect(await owner.one(sql`select current_user::text as name`)).toEqual({ name: 'postgres' })
  await owner.close()
})

test('the database password is shown by creation alone', async () => {
  const { ref, connection } = await create({ db_pass: 'correct horse battery' })
  expect(decodeURIComponent(new URL(connection.database.url).password)).toBe('correct horse battery')

  const later = await control.request<ProjectConnection>('GET', `/projects/${ref}/connection`)
  expect(new URL(later.body.database.url).password).toBe('****')
  expect({ ...later.body, database: null }).toEqual({ ...connection, database: null })
  for (const path of [`/projects/${ref}`, '/projects', `/projects/${ref}/connection`])
    expect(JSON.stringify((await control.request('GET', path)).body)).not.toContain('correct')
})

test('imports bring ref, subdomain, JWT secret and password along', async () => {
  const ref = createRef()
  const secret = 'a-secret-that-somebody-elses-suite-insists-on'
  const { connection } = await create({
    ref,
    subdomain: 'brought',
    jwt_secret: secret,
    db_pass: 'pass word 1',
  })
  expect(connection).toMatchObject({ ref, subdomain: 'brought', jwt_secret: secret })
})

test('fields that only the hosted platform has a use for are accepted', async () => {
  await create({
    organization_slug: 'default',
    region: 'us-east-1',
    plan: 'free',
    desired_instance_size: 'micro',
    kps_enabled: false,
  })
})

test('list and get have the shape that the Supabase CLI decodes', async () => {
  const { ref } = await create()
  const list = await control.request<ProjectDetails[]>('GET', '/projects')
  const got = await control.request<ProjectDetails>('GET', `/projects/${ref}`)
  expect(got.status).toBe(200)
  expect(list.body.find((project) => project.ref === ref)).toEqual(got.body)
  expect(got.body).toMatchObject({
    id: ref,
    ref,
    name: 'demo',
    organization_id: 'default',
    organization_slug: 'default',
    region: 'local',
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
    status: 'ACTIVE_HEALTHY',
    database: {
      host: '127.0.0.1',
      version: expect.stringMatching(/^\d+\.\d+$/) as string,
      postgres_engine: '18',
      release_channel: 'ga',
    },
  })
})

test('projects of one name get subdomains of their own', async () => {
  const [a, b] = [await create({ name: 'twin' }), await create({ name: 'twin' })]
  expect(a.subdomain).toBe('twin-default')
  expect(b.subdomain).toMatch(/^twin-default-[a-z0-9]{4}$/)
})

test('a name without Latin letters still makes a subdomain', async () => {
  expect((await create({ name: 'проект' })).subdomain).toMatch(/^project-default/)
})

describe('what is wrong with a request is said in one sentence', () => {
  const bad: readonly (readonly [string, unknown, number, string])[] = [
    ['no name', {}, 422, 'name is missing.'],
    ['empty name', { name: '  ' }, 422, 'name must not be empty.'],
    ['long name', { name: 'x'.repeat(257) }, 422, 'name must have at most 256 characters.'],
    ['name of another type', { name: 7 }, 422, 'name must be of type string.'],
    ['subdomain with a dot', { name: 'a', subdomain: 'a.b' }, 422, 'subdomain must be 1 to 63'],
    ['subdomain in capitals', { name: 'a', subdomain: 'ABC' }, 422, 'subdomain must be 1 to 63'],
    ['subdomain with an edge hyphen', { name: 'a', subdomain: '-a' }, 422, 'subdomain must be 1 to 63'],
    ['long subdomain', { name: 'a', subdomain: 'a'.repeat(64) }, 422, 'subdomain must be 1 to 63'],
    [
      'subdomain like a ref',
      { name: 'a', subdomain: 'a'.repeat(20) },
      422,
      'subdomain must not look like a ref',
    ],
    ['reserved subdomain', { name: 'a', subdomain: 'www' }, 422, 'The subdomain www is reserved.'],
    ['short ref', { name: 'a', ref: 'abc' }, 422, 'ref must be 20 letters a-z.'],
    ['ref with SQL', { name: 'a', ref: "a'; drop table x; --" }, 422, 'ref must be 20 letters a-z.'],
    ['short secret', { name: 'a', jwt_secret: 'x' }, 422, 'jwt_secret must have at least 32 characters.'],
    ['short password', { name: 'a', db_pass: 'x' }, 422, 'db_pass must have at least 8 characters.'],
    ['zero byte', { name: 'a', db_pass: 'abcdefgh\0' }, 422, 'db_pass must not contain a zero byte.'],
    ['two at once', { subdomain: '-' }, 422, 'name is missing; subdomain must be'],
    [
      'unknown organization',
      { name: 'a', organization_slug: 'nobody' },
      404,
      'There is no such organization.',
    ],
    ['a list', [], 422, 'must be of type object'],
    ['a number', '7', 422, 'must be of type object'],
  ]
  test.each(bad)('%s', async (_name, body, status, sentence) => {
    const reply = await control.request<ErrorBody>('POST', '/projects', body)
    expect(reply.body.message).toContain(sentence)
    expect(reply.status).toBe(status)
    expect(reply.body.request_id).toBe(reply.headers.get('x-request-id'))
  })
})

test('a taken ref or subdomain is refused by name', async () => {
  const { ref, subdomain } = await create()
  const sameRef = await control.request<ErrorBody>('POST', '/projects', { name: 'x', ref })
  expect(sameRef).toMatchObject({ status: 409, body: { code: 'ref_taken' } })
  expect(sameRef.body.message).toContain(ref)
  const sameSubdomain = await control.request<ErrorBody>('POST', '/projects', { name: 'x', subdomain })
  expect(sameSubdomain).toMatchObject({ status: 409, body: { code: 'subdomain_taken' } })
})

test('of rivals for one ref or subdomain exactly one wins', async () => {
  const ref = createRef()
  const rivals = [
    ...Array.from({ length: 3 }, () => ({ name: 'rival', ref })),
    ...Array.from({ length: 3 }, () => ({ name: 'rival', subdomain: 'rival' })),
  ]
  const replies = await Promise.all(rivals.map((body) => control.request('POST', '/projects', body)))
  expect(
    replies
      .slice(0, 3)
      .map(({ status }) => status)
      .sort(),
  ).toEqual([201, 409, 409])
  expect(
    replies
      .slice(3)
      .map(({ status }) => status)
      .sort(),
  ).toEqual([201, 409, 409])
})

test('a paused project lets nobody in until it is resumed, and both can be repeated', async () => {
  const { ref, connection } = await create()
  for (let i = 0; i < 2; i++) {
    const paused = await control.request('POST', `/projects/${ref}/pause`)
    expect(paused).toMatchObject({ status: 200, body: { status: 'INACTIVE' } })
  }
  const refused = connectAs(connection.database)
  await expect(refused.one(sql`select 1 as one`)).rejects.toThrow()
  await refused.close()
  expect(
    await control.request('POST', `/projects/${ref}/database/query`, { query: 'select 1' }),
  ).toMatchObject({
    status: 409,
    body: { code: 'project_not_active', message: 'The project is paused. Resume it first.' },
  })

  for (let i = 0; i < 2; i++) {
    const resumed = await control.request('POST', `/projects/${ref}/restore`)
    expect(resumed).toMatchObject({ status: 200, body: { status: 'ACTIVE_HEALTHY' } })
  }
  expect(
    await control.request('POST', `/projects/${ref}/database/query`, { query: 'select 1 as one' }),
  ).toMatchObject({
    status: 201,
    body: [{ one: 1 }],
  })
})

test('a deleted project leaves no row, database, login or key', async () => {
  const { ref, name, connection } = await create()
  await control.request('POST', `/projects/${ref}/database/query`, { query: 'select 1' })
  const database = connection.database.name

  const deleted = await control.request<DeletedProject>('DELETE', `/projects/${ref}`)
  expect(deleted).toMatchObject({ status: 200, body: { id: expect.any(Number) as number, ref, name } })

  expect((await control.request('GET', `/projects/${ref}`)).status).toBe(404)
  expect((await control.request('DELETE', `/projects/${ref}`)).status).toBe(404)
  expect((await platform.tenancy.listDatabases()).map((found) => found.database)).not.toContain(database)
  expect(await platform.db.many(sql`select ref from control.api_keys where ref = ${ref}`)).toEqual([])
  const roles = await platform.db.many(
    sql`select rolname from pg_catalog.pg_roles where starts_with(rolname, ${database})`,
  )
  expect(roles).toEqual([])
})

test('a paused project can be deleted, and its ref and subdomain used again', async () => {
  const { ref, subdomain } = await create()
  await control.request('POST', `/projects/${ref}/pause`)
  expect((await control.request('DELETE', `/projects/${ref}`)).status).toBe(200)
  await create({ ref, subdomain })
})

describe('an unknown project answers 404 everywhere', () => {
  const routes: readonly (readonly [string, string, unknown?])[] = [
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/pause'],
    ['POST', '/restore'],
    ['GET', '/connection'],
    ['GET', '/health?services=db'],
    ['GET', '/api-keys'],
    ['GET', '/api-keys/legacy'],
    ['GET', '/postgrest'],
    ['PATCH', '/postgrest', { max_rows: 1 }],
    ['GET', '/config/auth'],
    ['PATCH', '/config/auth', {}],
    ['POST', '/database/query', { query: 'select 1' }],
    ['GET', '/database/migrations'],
    ['POST', '/database/migrations', { query: 'select 1' }],
    ['PUT', '/database/migrations', { query: 'select 1' }],
    ['GET', '/database/seeds'],
    ['PUT', '/database/seeds', { path: 'a', hash: 'a'.repeat(64) }],
  ]
  const refs = [createRef(), 'short', "'; drop table x; --", '%00']
  test.each(routes.map(([method, path, body]) => ({ method, path, body })))(
    '$method $path',
    async ({ method, path, body }) => {
      for (const ref of refs) {
        const reply = await control.request<ErrorBody>(
          method,
          `/projects/${encodeURIComponent(ref)}${path}`,
          body,
        )
        expect(reply.status).toBe(404)
        expect(reply.body.code).toBe('project_not_found')
      }
    },
  )
})

test('health tells each service apart', async () => {
  const { ref } = await create()
  const reply = await control.request<{ name: string; healthy: boolean; status: string; error?: string }[]>(
    'GET',
    `/projects/${ref}/health?services=db,rest&services=realtime`,
  )
  expect(reply.body).toEqual([
    { name: 'db', healthy: true, status: 'ACTIVE_HEALTHY' },
    { name: 'rest', healthy: true, status: 'ACTIVE_HEALTHY' },
    {
      name: 'realtime',
      healthy: false,
      status: 'UNHEALTHY',
      error: 'this platform does not have the service',
    },
  ])
  await control.request('POST', `/projects/${ref}/pause`)
  const paused = await control.request<{ healthy: boolean }[]>('GET', `/projects/${ref}/health?services=db`)
  expect(paused.body[0]?.healthy).toBe(false)
  expect((await control.request('GET', `/projects/${ref}/health?services=nonsense`)).status).toBe(422)
})

test('which server a project is put on is the platform administrators’ to say', async () => {
  const owner = await createPerson(platform, control)
  const made = await owner.request<{ slug: string }>('POST', '/organizations', { name: 'Mine' })
  const create = (cluster: string) =>
    owner.request<ErrorBody>('POST', '/projects', {
      name: 'x',
      organization_slug: made.body.slug,
      cluster,
    })
  // The same words for one that is there and one that is not.
  for (const cluster of ['home', 'none']) expect((await create(cluster)).status).toBe(403)
  const unknown = await control.request<ErrorBody>('POST', '/projects', { name: 'x', cluster: "'; --" })
  expect([unknown.status, unknown.body.code]).toEqual([404, 'cluster_not_found'])
})
