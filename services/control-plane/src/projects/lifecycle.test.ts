import type {
  CreatedProject,
  DeletedProject,
  ErrorBody,
  ProjectDetails,
  ProjectStatusReport,
  RemovedProject,
} from '@favo/contracts'
import { openDb, sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import {
  createPlatformDatabase,
  eventually,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

const DAY = 86_400

let platform: TestPlatformDatabase
/** Deletes with a grace of a day. */
let control: TestControlPlane
let shared: CreatedProject
let now = () => new Date()
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start({ deleteGraceSeconds: DAY, requestsPerMinute: 100_000, clock: () => now() })
  shared = await create('shared')
})
afterAll(() => platform.close())

async function create(name: string, more: Record<string, unknown> = {}): Promise<CreatedProject> {
  const reply = await control.request<CreatedProject>('POST', '/projects', { name, ...more })
  expect(reply.status, JSON.stringify(reply.body)).toBe(201)
  return reply.body
}
const ownerOf = ({ connection }: CreatedProject, password?: string) => {
  const { name, url } = connection.database
  return openDb({
    endpoint: inject('cluster').endpoint,
    user: `${name}_db`,
    password: password ?? decodeURIComponent(new URL(url).password),
    database: name,
    max: 1,
    acquireTimeoutMs: 3_000,
  })
}
const getsIn = async (project: CreatedProject, password?: string): Promise<boolean> => {
  const db = ownerOf(project, password)
  try {
    await db.one(sql`select 1 as one`)
    return true
  } catch {
    return false
  } finally {
    await db.close()
  }
}
const exists = async (project: CreatedProject) =>
  (await platform.tenancy.listDatabases()).some(
    ({ database }) => database === project.connection.database.name,
  )

test('a project is renamed and gets another subdomain; its old one is free at once', async () => {
  const { ref } = await create('before', { subdomain: 'before-it' })
  const patched = await control.request<ProjectDetails>('PATCH', `/projects/${ref}`, {
    name: 'After',
    subdomain: 'after-it',
  })
  expect(patched).toMatchObject({ status: 200, body: { ref, name: 'After', subdomain: 'after-it' } })
  expect(typeof patched.body.id).toBe('number')
  const { directorySource } = control.controlPlane
  expect(await directorySource.loadBySubdomain('after-it')).toMatchObject({ ref, name: 'After' })
  expect(await directorySource.loadBySubdomain('before-it')).toBeNull()
  expect(await create('other', { subdomain: 'before-it' })).toMatchObject({ subdomain: 'before-it' })
})

test.each<[Record<string, unknown>, number, string]>([
  [{}, 422, 'validation_failed'],
  [{ name: ' ' }, 422, 'validation_failed'],
  [{ subdomain: 'Not a label' }, 422, 'validation_failed'],
  [{ subdomain: 'abcdefghijklmnopqrst' }, 422, 'validation_failed'],
  [{ subdomain: 'admin' }, 422, 'subdomain_reserved'],
  [{ subdomain: 'taken-by-other' }, 409, 'subdomain_taken'],
])('a change to %j is refused', async (body, status, code) => {
  if (body.subdomain === 'taken-by-other') await create('holder', body)
  expect(await control.request<ErrorBody>('PATCH', `/projects/${shared.ref}`, body)).toMatchObject({
    status,
    body: { code },
  })
})

test('a restart ends the project’s sessions and leaves it up', async () => {
  const owner = ownerOf(shared)
  const pid = async () => (await owner.one<{ pid: number }>(sql`select pg_backend_pid() as pid`)).pid
  const before = await pid()
  const reply = await control.request('POST', `/projects/${shared.ref}/restart`)
  expect(reply).toMatchObject({ status: 200, body: { ref: shared.ref, status: 'ACTIVE_HEALTHY' } })
  expect(await pid()).not.toBe(before)
  await owner.close()
  const query = await control.request('POST', `/projects/${shared.ref}/database/query`, {
    query: 'select 1 as x',
  })
  expect(query).toMatchObject({ status: 201, body: [{ x: 1 }] })
})

test('the database password is replaced at once, and nobody is thrown out', async () => {
  const project = await create('password', { db_pass: 'the first password' })
  const open = ownerOf(project)
  await open.one(sql`select 1 as one`)
  const path = `/projects/${project.ref}/database/password`
  expect((await control.request('PATCH', path, { password: 'short' })).status).toBe(422)
  expect((await control.request('PATCH', path, { password: "it's \\ a 'second' ünï" })).status).toBe(200)
  await open.one(sql`select 1 as one`)
  await open.close()
  expect(await getsIn(project)).toBe(false)
  expect(await getsIn(project, "it's \\ a 'second' ünï")).toBe(true)
  const log = await platform.db.many<{ after: string | null }>(
    sql`select after::text from control.audit_log where project_ref = ${project.ref}`,
  )
  expect(JSON.stringify(log)).not.toContain('second')
})

test('a deleted project is gone to everybody at once, and comes back with its data within the grace', async () => {
  const project = await create('thought over', { subdomain: 'thought-over' })
  const { ref } = project
  await control.request('POST', `/projects/${ref}/database/query`, {
    query: 'create table kept as select 42 as x',
  })

  const deleted = await control.request<DeletedProject>('DELETE', `/projects/${ref}`)
  expect(deleted).toMatchObject({ status: 200, body: { ref, name: 'thought over' } })
  expect(typeof deleted.body.id).toBe('number')
  const left = new Date(deleted.body.restorable_until ?? '').getTime() - Date.now()
  expect(left / 1_000).toBeGreaterThan(DAY - 60)

  const { directorySource } = control.controlPlane
  expect(await directorySource.loadByRef(ref)).toBeNull()
  expect(await directorySource.loadBySubdomain('thought-over')).toBeNull()
  expect(await getsIn(project)).toBe(false)
  for (const [method, path, body] of [
    ['GET', ''],
    ['PATCH', '', { name: 'x' }],
    ['DELETE', ''],
    ['GET', '/connection'],
    ['GET', '/status'],
    ['GET', '/api-keys'],
    ['GET', '/postgrest'],
    ['POST', '/pause'],
    ['POST', '/restart'],
    ['POST', '/database/query', { query: 'select 1' }],
  ] as const)
    expect((await control.request(method, `/projects/${ref}${path}`, body)).status, `${method} ${path}`).toBe(
      404,
    )
  const listed = await control.request<ProjectDetails[]>('GET', '/projects')
  expect(listed.body.map((row) => row.ref)).not.toContain(ref)
  const removed = await control.request<RemovedProject[]>('GET', '/removed-projects')
  expect(removed.body).toContainEqual({
    ref,
    name: 'thought over',
    organization_id: 'default',
    restorable_until: deleted.body.restorable_until,
  })

  // Its subdomain was free to be taken meanwhile.
  await create('usurper', { subdomain: 'thought-over' })
  const restored = await control.request<ProjectDetails>('POST', `/projects/${ref}/restore`)
  expect(restored).toMatchObject({
    status: 200,
    body: { status: 'ACTIVE_HEALTHY', subdomain: expect.stringMatching(/^thought-over-default-/) as string },
  })
  expect(await getsIn(project)).toBe(true)
  const query = await control.request('POST', `/projects/${ref}/database/query`, {
    query: 'select x from kept',
  })
  expect(query.body).toEqual([{ x: 42 }])
})

test('a deletion for good leaves nothing, also of a project that was removed before', async () => {
  const first = await create('at once')
  expect(
    (await control.request<DeletedProject>('DELETE', `/projects/${first.ref}?for_good=true`)).body,
  ).toMatchObject({
    restorable_until: null,
  })
  expect(await exists(first)).toBe(false)

  const second = await create('later')
  await control.request('DELETE', `/projects/${second.ref}`)
  expect(await exists(second)).toBe(true)
  expect((await control.request('DELETE', `/projects/${second.ref}?for_good=true`)).status).toBe(200)
  expect(await exists(second)).toBe(false)
  expect((await control.request('POST', `/projects/${second.ref}/restore`)).status).toBe(404)
})

test('the sweep drops what was removed when its time is over, and nothing before', async () => {
  const [early, late] = [await create('early'), await create('late')]
  await control.request('DELETE', `/projects/${early.ref}`)
  await platform.db.run(
    sql`update control.projects set purge_at = now() + interval '1 hour' where ref = ${early.ref}`,
  )
  await control.request('DELETE', `/projects/${late.ref}`)
  now = () => new Date(Date.now() + 2 * 3_600_000)
  await eventually(() => exists(early)).toBe(false)
  now = () => new Date()
  expect(await exists(late)).toBe(true)
  expect((await control.request('POST', `/projects/${late.ref}/restore`)).status).toBe(200)
})

test('the status says whether a project is up, since when, and by which steps it came there', async () => {
  const { ref } = await create('story')
  await control.request('POST', `/projects/${ref}/pause`)
  const paused = await control.request<ProjectStatusReport>('GET', `/projects/${ref}/status`)
  expect(paused.body).toMatchObject({ ref, status: 'INACTIVE', is_up: false, step: null, error: null })
  expect(paused.body.services).toContainEqual(
    expect.objectContaining({ name: 'db', healthy: false, status: 'UNHEALTHY' }),
  )
  await control.request('POST', `/projects/${ref}/restore`)
  const up = await control.request<ProjectStatusReport>('GET', `/projects/${ref}/status`)
  expect(up.body).toMatchObject({ status: 'ACTIVE_HEALTHY', is_up: true })
  expect(up.body.services).toContainEqual({ name: 'db', healthy: true, status: 'ACTIVE_HEALTHY' })
  const statuses = up.body.history.map(({ status }) => status)
  expect(statuses.slice(0, 5)).toEqual([
    'ACTIVE_HEALTHY',
    'RESTORING',
    'INACTIVE',
    'PAUSING',
    'ACTIVE_HEALTHY',
  ])
  expect(up.body.history.filter(({ status }) => status === 'COMING_UP').map(({ step }) => step)).toContain(
    'reserve',
  )
  expect(up.body.since).toBe(up.body.history[0]?.at)
  expect((await control.request<unknown[]>('GET', `/projects/${ref}/history?limit=2`)).body).toHaveLength(2)
})
