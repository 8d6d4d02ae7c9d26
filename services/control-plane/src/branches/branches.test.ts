import type { Branch, BranchActionReply, BranchConfig, CreatedProject, ErrorBody } from '@favo/contracts'
import { openDb, sql } from '@favo/postgres'
import type { Tenancy } from '@favo/tenancy'
import { createRef } from '@favo/tokens'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import {
  createPlatformDatabase,
  eventually,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
let parent: CreatedProject
let now = () => new Date()
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start({ requestsPerMinute: 100_000, clock: () => now() })
  parent = await createProject('parent')
  await migrate(parent.ref, '20260101000000', 'notes', 'create table notes (id int primary key, body text)')
  await migrate(parent.ref, '20260102000000', 'seeded', "insert into notes values (1, 'one') -- the first")
})
afterAll(() => platform.close())

const createProject = async (name: string) =>
  (await control.request<CreatedProject>('POST', '/projects', { name })).body
const query = (ref: string, text: string) =>
  control.request<Record<string, unknown>[]>('POST', `/projects/${ref}/database/query`, { query: text })
const rows = async (ref: string, text: string) => {
  const reply = await query(ref, text)
  expect(reply.status, JSON.stringify(reply.body)).toBe(201)
  return reply.body
}
async function migrate(ref: string, version: string, name: string, text: string): Promise<void> {
  const reply = await control.request('POST', `/projects/${ref}/database/migrations`, {
    version,
    name,
    query: text,
  })
  expect(reply.status, JSON.stringify(reply.body)).toBe(200)
}
const versions = async (ref: string) =>
  (await control.request<{ version: string }[]>('GET', `/projects/${ref}/database/migrations`)).body.map(
    ({ version }) => version,
  )
async function branchOff(
  name: string,
  more: Record<string, unknown> = {},
  ref = parent.ref,
): Promise<Branch> {
  const reply = await control.request<Branch>('POST', `/projects/${ref}/branches`, {
    branch_name: name,
    ...more,
  })
  expect(reply.status, JSON.stringify(reply.body)).toBe(201)
  return reply.body
}
const act = (branch: Branch, action: string, body: Record<string, unknown> = {}) =>
  control.request<BranchActionReply>('POST', `/branches/${branch.id}/${action}`, body)
const databases = async () => (await platform.tenancy.listDatabases()).map(({ database }) => database)
const databaseOf = async (ref: string) =>
  (
    await platform.db.maybeOne<{ database: string }>(
      sql`select database from control.projects where ref = ${ref}`,
    )
  )?.database ?? ''

test('a branch is a project of its own, with what the migrations of its parent make', async () => {
  await rows(parent.ref, "insert into notes values (2, 'by hand')")
  const branch = await branchOff('preview', { git_branch: 'feature/x', region: 'eu-west-1' })
  expect(branch).toMatchObject({
    name: 'preview',
    parent_project_ref: parent.ref,
    is_default: false,
    git_branch: 'feature/x',
    persistent: false,
    with_data: false,
    status: 'FUNCTIONS_DEPLOYED',
    preview_project_status: 'ACTIVE_HEALTHY',
  })
  expect(await rows(branch.project_ref, 'select id from notes')).toEqual([{ id: 1 }])
  expect(await versions(branch.project_ref)).toEqual(['20260101000000', '20260102000000'])

  const directory = control.controlPlane.directorySource
  const [own, parents] = [
    await directory.loadByRef(branch.project_ref),
    await directory.loadByRef(parent.ref),
  ]
  expect(own?.jwtSecret).not.toBe(parents?.jwtSecret)
  expect(own?.apiKeys.map(({ hash }) => hash)).not.toEqual(parents?.apiKeys.map(({ hash }) => hash))

  const listed = await control.request<Branch[]>('GET', `/projects/${parent.ref}/branches`)
  expect(listed.body.map(({ name, is_default }) => [name, is_default])).toEqual([
    ['main', true],
    ['preview', false],
  ])
  const byName = await control.request<Branch>('GET', `/projects/${parent.ref}/branches/preview`)
  expect(byName.body).toEqual(listed.body[1])
  for (const name of [branch.id, branch.project_ref])
    expect((await control.request<BranchConfig>('GET', `/branches/${name}`)).body).toMatchObject({
      ref: branch.project_ref,
      status: 'ACTIVE_HEALTHY',
      release_channel: 'ga',
      db_user: `postgres.${branch.project_ref}`,
    })
})

test('a branch with data has everything, its users too, but nobody is signed in there', async () => {
  await rows(
    parent.ref,
    `insert into auth.users (id, email, recovery_token) values ('00000000-0000-4000-8000-000000000001', 'a@example.com', 'mailed');
     insert into auth.sessions (id, user_id) values
       ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001')`,
  )
  // Requests that come meanwhile wait and are answered.
  let isDone = false
  const statuses = new Set<number>()
  const load = (async () => {
    while (!isDone) statuses.add((await query(parent.ref, 'select count(*) from notes')).status)
  })()
  const branch = await branchOff('with data', { with_data: true })
  isDone = true
  await load
  expect([...statuses]).toEqual([201])

  expect(await rows(branch.project_ref, 'select id from notes order by id')).toEqual([{ id: 1 }, { id: 2 }])
  expect(await rows(branch.project_ref, 'select email, recovery_token from auth.users')).toEqual([
    { email: 'a@example.com', recovery_token: '' },
  ])
  expect(await rows(branch.project_ref, 'select id from auth.sessions')).toEqual([])
  expect(await rows(parent.ref, 'select count(*)::int as n from auth.sessions')).toEqual([{ n: 1 }])
  // What is done there stays there.
  await rows(branch.project_ref, 'drop table notes')
  expect(await rows(parent.ref, 'select count(*)::int as n from notes')).toEqual([{ n: 2 }])

  const { name, url } = parent.connection.database
  const signIn = async (database: string) => {
    const db = openDb({
      endpoint: inject('cluster').endpoint,
      user: `${name}_db`,
      password: decodeURIComponent(new URL(url).password),
      database,
      max: 1,
    })
    try {
      return await db.one(sql`select 1 as one`)
    } finally {
      await db.close()
    }
  }
  expect(await signIn(name)).toEqual({ one: 1 })
  await expect(signIn(await databaseOf(branch.project_ref))).rejects.toThrow(/pg_hba|permission denied/)
})

test('a merge applies the migrations that the parent lacks, once, and a push those that the branch lacks', async () => {
  const branch = await branchOff('merged')
  await migrate(branch.project_ref, '20260201000000', 'tags', 'create table tags (id int)')
  await migrate(branch.project_ref, '20260202000000', 'labels', 'create table labels (id int)')
  const diff = await fetch(`${control.url}/v1/branches/${branch.id}/diff`, {
    headers: { authorization: `Bearer ${control.token}` },
  })
  expect(await diff.text()).toMatch(/create table tags \(id int\)\n;\n[^]*create table labels/)

  const first = await act(branch, 'merge', { migration_version: '20260201000000' })
  expect(first).toMatchObject({ status: 201, body: { message: 'ok', applied: ['20260201000000'] } })
  expect((await act(branch, 'merge')).body.applied).toEqual(['20260202000000'])
  expect((await act(branch, 'merge')).body.applied).toEqual([])
  await rows(parent.ref, 'select * from tags, labels')

  await migrate(parent.ref, '20260203000000', 'colours', 'create table colours (id int)')
  expect((await act(branch, 'push')).body.applied).toEqual(['20260203000000'])
  await rows(branch.project_ref, 'select * from colours')
  expect(await versions(branch.project_ref)).toEqual(await versions(parent.ref))
})

test('a merge that fails says which migration, leaves what came before it, and nothing of it', async () => {
  const branch = await branchOff('conflict')
  await migrate(branch.project_ref, '20260301000000', 'good', 'create table good (id int)')
  await migrate(
    branch.project_ref,
    '20260302000000',
    'bad',
    'create table half (id int); create table clash (id int)',
  )
  await rows(parent.ref, 'create table clash (id int)')
  const reply = await control.request<ErrorBody>('POST', `/branches/${branch.id}/merge`, {})
  expect(reply).toMatchObject({ status: 400, body: { code: '42P07' } })
  expect(reply.body.message).toContain('20260302000000_bad')
  await rows(parent.ref, 'select * from good')
  expect((await query(parent.ref, 'select * from half')).status).toBe(400)
  await rows(parent.ref, 'drop table clash')
  expect((await act(branch, 'merge')).body.applied).toEqual(['20260302000000'])
})

test.each([false, true])(
  'a reset makes the branch anew from migrations (with data: %s)',
  async (withData) => {
    const branch = await branchOff(`reset ${withData}`, { with_data: withData })
    const ref = branch.project_ref
    const version = withData ? '20260402' : '20260401'
    await migrate(ref, `${version}000000`, 'kept', 'create table kept (id int)')
    await migrate(ref, `${version}000001`, 'dropped', 'create table dropped (id int)')
    await rows(ref, 'create table by_hand (id int); insert into kept values (7)')
    const [before, directory] = [await databaseOf(ref), control.controlPlane.directorySource]
    const keys = (await directory.loadByRef(ref))?.apiKeys

    const reply = await act(branch, 'reset', { migration_version: `${version}000000` })
    expect(reply.status, JSON.stringify(reply.body)).toBe(201)
    expect(await rows(ref, 'select id from kept')).toEqual([])
    for (const table of ['by_hand', 'dropped'])
      expect((await query(ref, `select * from ${table}`)).status).toBe(400)
    expect(await versions(ref)).toContain('20260101000000')
    const after = await directory.loadByRef(ref)
    expect(after).toMatchObject({ status: 'ACTIVE_HEALTHY', apiKeys: keys })
    expect(after?.database).not.toBe(before)
    expect(await databases()).not.toContain(before)
  },
)

test('a branch whose migrations fail is there to be looked at, and says why', async () => {
  const broken = await createProject('broken')
  await migrate(broken.ref, '1', 'one', 'create table a (id int)')
  await migrate(broken.ref, '2', 'two', 'create table b (id int)')
  await rows(
    broken.ref,
    "update supabase_migrations.schema_migrations set statements = array['create table a (id int)'] where version = '2'",
  )
  const branch = await branchOff('sick', {}, broken.ref)
  expect(branch).toMatchObject({ status: 'MIGRATIONS_FAILED', preview_project_status: 'ACTIVE_HEALTHY' })
  expect(branch.error).toMatch(/2_two.*already exists/)
  expect(await versions(branch.project_ref)).toEqual(['1'])
})

test('a branch is renamed, made to expire and spared, and deleted with its database', async () => {
  const branch = await branchOff('short-lived', { expires_in_hours: 1 })
  const database = await databaseOf(branch.project_ref)
  const patch = (body: Record<string, unknown>) =>
    control.request<Branch>('PATCH', `/branches/${branch.id}`, body)
  expect(
    (await patch({ branch_name: 'longer', persistent: true, expires_in_hours: null })).body,
  ).toMatchObject({
    name: 'longer',
    persistent: true,
  })
  expect((await patch({ git_branch: 'x' })).body).not.toHaveProperty('deletion_scheduled_at')

  expect((await control.request('DELETE', `/branches/${branch.id}?force=false`)).body).toEqual({
    message: 'ok',
  })
  const get = () => control.request<Branch>('GET', `/projects/${parent.ref}/branches/longer`)
  expect((await get()).body.deletion_scheduled_at).toBeDefined()
  await act(branch, 'restore')
  expect((await get()).body.deletion_scheduled_at).toBeUndefined()

  await control.request('DELETE', `/branches/${branch.id}?force=false`)
  now = () => new Date(Date.now() + 2 * 3_600_000)
  await eventually(async () => (await get()).status).toBe(404)
  now = () => new Date()
  expect(await databases()).not.toContain(database)
})

test('branches go with their project', async () => {
  const doomed = await createProject('doomed')
  const branch = await branchOff('along', {}, doomed.ref)
  const gone = [await databaseOf(doomed.ref), await databaseOf(branch.project_ref)]
  expect((await control.request('DELETE', `/projects/${doomed.ref}`)).status).toBe(200)
  expect((await databases()).filter((database) => gone.includes(database))).toEqual([])
  expect((await control.request('GET', `/branches/${branch.id}`)).status).toBe(404)
})

test('what makes no sense is refused', async () => {
  const branch = await branchOff('sensible')
  const [main] = (await control.request<Branch[]>('GET', `/projects/${parent.ref}/branches`)).body
  const post = (ref: string, body: unknown) =>
    control.request<ErrorBody>('POST', `/projects/${ref}/branches`, body)
  const refusals = [
    [await post(parent.ref, {}), 422, 'validation_failed'],
    [await post(parent.ref, { branch_name: 'sensible' }), 409, 'branch_exists'],
    [await post(parent.ref, { branch_name: 'main' }), 409, 'branch_exists'],
    [await post(branch.project_ref, { branch_name: 'x' }), 422, 'branch_of_branch'],
    [await post(createRef(), { branch_name: 'x' }), 404, 'project_not_found'],
    [await control.request<ErrorBody>('DELETE', `/branches/${main?.id}`), 422, 'default_branch'],
    [await control.request<ErrorBody>('POST', `/branches/${main?.id}/reset`, {}), 422, 'default_branch'],
    [
      await control.request<ErrorBody>('PATCH', `/branches/${branch.id}`, { branch_name: 'main' }),
      409,
      'branch_exists',
    ],
    [await control.request<ErrorBody>('GET', `/branches/${createRef()}`), 404, 'branch_not_found'],
    [await control.request<ErrorBody>('GET', `/branches/%27%20or%20true%20--`), 404, 'branch_not_found'],
    [
      await control.request<ErrorBody>('GET', '/branches/00000000-0000-4000-8000-000000000000'),
      404,
      'branch_not_found',
    ],
    [await act(branch, 'merge', { migration_version: "1' or true" }), 422, 'validation_failed'],
  ] as const
  for (const [reply, status, code] of refusals) expect(reply).toMatchObject({ status, body: { code } })
})

/** A step that begins and never ends, as in a process that was killed in it. */
function stuckAt(method: 'cloneDatabase' | 'createDatabase', when: 'held' | 'before' | 'after') {
  let reach: () => void = () => undefined
  const reached = new Promise<void>((resolve) => (reach = resolve))
  const never = (): Promise<never> => {
    reach()
    return new Promise(() => undefined)
  }
  const wrapTenancy = (real: Tenancy): Partial<Tenancy> => ({
    [method]: async (input: Parameters<Tenancy['cloneDatabase']>[0]) => {
      if (when === 'before') return never()
      if (when === 'held') {
        // As the copying left it: the source refuses sessions.
        await real.pauseDatabase(input.source)
        return never()
      }
      const { source, database, ownerPassword } = input
      await (method === 'cloneDatabase'
        ? real.cloneDatabase({ source, database, ownerPassword })
        : real.createDatabase({ database, ownerPassword }))
      return never()
    },
  })
  return { reached, wrapTenancy }
}

test.each(['before', 'held', 'after'] as const)(
  'a branch whose process dies %s the copying is rolled back, its parent works, and its name can be used again',
  async (when) => {
    const stuck = stuckAt('cloneDatabase', when)
    const first = await platform.start({ wrapTenancy: stuck.wrapTenancy })
    const name = `killed ${when}`
    void first
      .request('POST', `/projects/${parent.ref}/branches`, { branch_name: name, with_data: true })
      .catch(() => undefined)
    await stuck.reached
    await first.die()
    const failed = async () =>
      (await control.request<Branch>('GET', `/projects/${parent.ref}/branches/${encodeURIComponent(name)}`))
        .body
    await eventually(async () => (await failed()).preview_project_status).toBe('INIT_FAILED')
    expect(await databases()).not.toContain(await databaseOf((await failed()).project_ref))
    await rows(parent.ref, 'select 1')
    const { ref, error } = (
      await control.request<{ ref: string; error: string }>(
        'GET',
        `/projects/${(await failed()).project_ref}`,
      )
    ).body
    expect([ref, error]).toEqual([(await failed()).project_ref, expect.stringContaining('interrupted')])
    const again = await branchOff(name, { with_data: true })
    expect(again.status).toBe('FUNCTIONS_DEPLOYED')
    await control.request('DELETE', `/branches/${again.id}`)
  },
)

test.each(['before', 'after'] as const)(
  'a reset whose process dies %s the new database is made is undone, and the branch works as it was',
  async (when) => {
    const branch = await branchOff(`reset killed ${when}`)
    await rows(branch.project_ref, 'create table by_hand (id int)')
    const stuck = stuckAt('createDatabase', when)
    const first = await platform.start({ wrapTenancy: stuck.wrapTenancy })
    void first.request('POST', `/branches/${branch.id}/reset`, {}).catch(() => undefined)
    await stuck.reached
    await first.die()
    const status = async () =>
      (
        await control.request<{ status: string; error: string | null }>(
          'GET',
          `/projects/${branch.project_ref}`,
        )
      ).body
    await eventually(async () => (await status()).status).toBe('ACTIVE_HEALTHY')
    expect((await status()).error).toContain('interrupted')
    await rows(branch.project_ref, 'select * from by_hand')
    const known = await platform.db.many<{ database: string }>(sql`select database from control.projects`)
    const { database: own } = await platform.db.one<{ database: string }>(
      sql`select current_database() as database`,
    )
    const mine = new Set([own, ...known.map(({ database }) => database)])
    const reset = await platform.db.many(sql`select 1 from control.branches where reset_database is not null`)
    expect(reset).toEqual([])
    expect(mine.has(await databaseOf(branch.project_ref))).toBe(true)
  },
)
