import type { CreatedProject } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { sha256Hex } from '@favo/tokens'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  eventually,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
const seen: (string | null)[] = []

beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
  control.controlPlane.directorySource.onChange((ref) => seen.push(ref))
})
afterAll(() => platform.close())

const create = async () =>
  (await control.request<CreatedProject>('POST', '/projects', { name: 'demo' })).body.connection

test('a project is found by ref, subdomain and the hash of its keys, with its secret opened', async () => {
  const made = await create()
  const source = control.controlPlane.directorySource
  const found = await source.loadByRef(made.ref)
  expect(found).toMatchObject({
    ref: made.ref,
    subdomain: made.subdomain,
    status: 'ACTIVE_HEALTHY',
    jwtSecret: made.jwt_secret,
    rest: { schemas: expect.arrayContaining(['public']) as string[] },
    auth: { disableSignup: false },
  })
  expect(found?.apiKeys.map(({ hash }) => hash).sort()).toEqual(
    [made.keys.publishable, made.keys.secret].map(sha256Hex).sort(),
  )
  expect(await source.loadBySubdomain(made.subdomain)).toEqual(found)
  expect(await source.loadByKeyHash(sha256Hex(made.keys.secret))).toEqual(found)
  expect(await source.loadByRef('a'.repeat(20))).toBeNull()
  expect(await source.loadBySubdomain('nobody')).toBeNull()
  expect(await source.loadByKeyHash('0'.repeat(64))).toBeNull()
})

test('every change of a project is told, and raises its version', async () => {
  const { ref } = await create()
  const changes: readonly (readonly [string, string, unknown?])[] = [
    ['PATCH', '/postgrest', { max_rows: 7 }],
    ['PATCH', '/config/auth', { disable_signup: true }],
    ['POST', '/pause'],
    ['POST', '/restore'],
  ]
  for (const [method, path, body] of changes) {
    const before = await control.controlPlane.directorySource.loadByRef(ref)
    seen.length = 0
    expect((await control.request(method, `/projects/${ref}${path}`, body)).status).toBe(200)
    // Before it is acknowledged.
    expect(seen).toContain(ref)
    const after = await control.controlPlane.directorySource.loadByRef(ref)
    expect(after?.version).toBeGreaterThan(before?.version ?? Infinity)
  }
  seen.length = 0
  await control.request('DELETE', `/projects/${ref}`)
  await eventually(() => seen.includes(ref)).toBe(true)
  expect(await control.controlPlane.directorySource.loadByRef(ref)).toBeNull()
})

test('a change made by another process is told here', async () => {
  const { ref } = await create()
  const other = await platform.start()
  seen.length = 0
  await other.request('POST', `/projects/${ref}/pause`)
  await eventually(() => seen.includes(ref)).toBe(true)
})

test('when the listening connection breaks everything is forgotten, and changes are told again afterwards', async () => {
  const { ref } = await create()
  seen.length = 0
  await platform.admin((admin) =>
    admin.many(sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and usename = ${`${platform.database}_ctl`}`),
  )
  // Once when it breaks and once when it stands again.
  await eventually(() => seen.filter((change) => change === null).length).toBeGreaterThanOrEqual(2)
  seen.length = 0
  expect((await control.request('PATCH', `/projects/${ref}/postgrest`, { max_rows: 9 })).status).toBe(200)
  await eventually(() => seen.includes(ref)).toBe(true)
})

test('secrets are stored sealed, each bound to its row', async () => {
  const [a, b] = [await create(), await create()]
  const rows = await platform.db.many<{ text: string }>(sql`
    select row_to_json(s)::text as text from control.project_secrets s
    union all select row_to_json(k)::text from control.api_keys k
    union all select row_to_json(p)::text from control.projects p`)
  const stored = rows.map(({ text }) => text).join('\n')
  for (const secret of [a.jwt_secret, a.keys.secret, a.keys.publishable, a.keys.anon])
    expect(stored).not.toContain(secret)

  await platform.db.run(sql`
    update control.project_secrets set jwt_secret = (
      select jwt_secret from control.project_secrets where ref = ${b.ref}
    ) where ref = ${a.ref}`)
  await expect(control.controlPlane.directorySource.loadByRef(a.ref)).rejects.toThrow('unreadable secret')
})

test('no role of the API and no owner of the platform project reaches the tables', async () => {
  for (const role of ['anon', 'authenticated', 'service_role', 'postgres', 'supabase_auth_admin'])
    for (const table of [
      'projects',
      'project_secrets',
      'api_keys',
      'access_tokens',
      'organizations',
      'organization_members',
      'platform_administrators',
      'invitations',
      'outbox',
      'audit_log',
      'project_requests',
      'people',
      'migrations',
    ]) {
      const { can } = await platform.admin((admin) =>
        admin.one<{ can: boolean }>(sql`
          select has_table_privilege(${role}, ${`control.${table}`}, 'select, insert, update, delete')
            or has_schema_privilege(${role}, 'control', 'usage, create') as can`),
      )
      expect(can, `${role} ${table}`).toBe(false)
    }
})
