import type { Branch } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { createRef } from '@favo/tokens'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  eventually,
  type StartOptions,
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

interface Entry {
  readonly operation: string
  readonly status: number | null
}
const entriesOf = (ref: string) =>
  platform.db.many<Entry>(sql`
    select operation, status from control.audit_log where project_ref = ${ref} order by id`)

const create = async (on: TestControlPlane = control): Promise<string> =>
  (await on.request<{ ref: string }>('POST', '/projects', { name: 'demo' })).body.ref

/** What becomes of audit rows while `work` runs: none can be written. */
async function withoutAuditLog<T>(work: () => Promise<T>): Promise<T> {
  await platform.admin((admin) =>
    admin.run(sql`alter table control.audit_log add constraint broken check (false) not valid`),
  )
  try {
    return await work()
  } finally {
    await platform.admin((admin) => admin.run(sql`alter table control.audit_log drop constraint broken`))
  }
}

test('each change of status is in the log once, with its end', async () => {
  const ref = await create()
  for (const path of ['/pause', '/restore', '/restart'])
    expect((await control.request('POST', `/projects/${ref}${path}`)).status).toBe(200)
  await control.request('DELETE', `/projects/${ref}`)
  const entry = (operation: string) => ({ operation: `projects.${operation}`, status: null })
  expect(await entriesOf(ref)).toEqual(['create', 'pause', 'restore', 'restart', 'delete'].map(entry))
})

test('what cannot be written down is not acknowledged, and does not take place', async () => {
  const [ref, other] = [await create(), await create()]
  const before = await platform.db.many(sql`select id from control.api_keys where ref = ${ref}`)
  const replies = await withoutAuditLog(async () => [
    await control.request('POST', '/projects', { name: 'unwritten' }),
    await control.request('POST', `/projects/${ref}/pause`),
    await control.request('POST', `/projects/${ref}/api-keys`, { name: 'second_key', type: 'secret' }),
    await control.request('POST', `/projects/${ref}/secrets`, [{ name: 'A', value: 'b' }]),
    await control.request('PATCH', `/projects/${ref}/database/password`, { password: 'another one, long' }),
    await control.request('DELETE', `/projects/${other}`),
  ])
  expect(replies.map(({ status }) => status >= 500)).toEqual(replies.map(() => true))
  const rows = await platform.db.many<{ name: string; status: string }>(
    sql`select name, status from control.projects where name = 'unwritten' or ref = ${ref}`,
  )
  expect(rows).toEqual(
    expect.arrayContaining([
      { name: 'unwritten', status: 'INIT_FAILED' },
      { name: 'demo', status: 'ACTIVE_HEALTHY' },
    ]),
  )
  expect(await platform.db.many(sql`select id from control.api_keys where ref = ${ref}`)).toEqual(before)
  expect(await platform.db.many(sql`select name from control.secrets where ref = ${ref}`)).toEqual([])
  expect((await entriesOf(ref)).filter(({ status }) => status === null)).toEqual([
    { operation: 'projects.create', status: null },
  ])
  // A deletion that has begun is carried to its end, and is then in the log.
  await eventually(async () => (await entriesOf(other)).at(-1)).toEqual({
    operation: 'projects.delete',
    status: null,
  })
})

test.each([
  ['createDatabase', 'create'],
  ['pauseDatabase', 'pause'],
] as const)(
  'a change that fails in %s and is rolled back has no row that says it took place',
  async (step, what) => {
    const failing: StartOptions = {
      wrapTenancy: () => ({ [step]: () => Promise.reject(new Error('no space left')) }),
    }
    const broken = await platform.start(failing)
    const ref = what === 'create' ? createRef() : await create()
    const reply =
      what === 'create'
        ? await broken.request('POST', '/projects', { name: 'demo', ref })
        : await broken.request('POST', `/projects/${ref}/pause`)
    expect(reply.status).toBe(500)
    expect(await entriesOf(ref)).toEqual(
      what === 'create'
        ? [{ operation: 'projects.create', status: 500 }]
        : [
            { operation: 'projects.create', status: null },
            { operation: 'projects.pause', status: 500 },
          ],
    )
    await broken.close()
  },
)

test('a change that another process carries to its end is in the log with the name of who asked for it', async () => {
  let reached: () => void = () => undefined
  const isReached = new Promise<void>((resolve) => (reached = resolve))
  const first = await platform.start({
    wrapTenancy: () => ({
      pauseDatabase: () => {
        reached()
        return new Promise(() => undefined)
      },
    }),
  })
  const ref = await create()
  void first.request('POST', `/projects/${ref}/pause`).catch(() => undefined)
  await isReached
  expect(await entriesOf(ref)).toHaveLength(1)
  await first.die()
  await eventually(async () => (await entriesOf(ref)).at(-1)).toEqual({
    operation: 'projects.pause',
    status: null,
  })
  const [entry] = await platform.db.many<{ actor_name: string; request_id: string | null }>(sql`
    select actor_name, request_id from control.audit_log
    where project_ref = ${ref} and operation = 'projects.pause'`)
  expect(entry).toEqual({ actor_name: 'operator', request_id: expect.any(String) as string })
  await first.close()
})

test('a branch is in its project’s log from the moment that it is answered', async () => {
  const ref = await create()
  const made = await control.request<Branch>('POST', `/projects/${ref}/branches`, { branch_name: 'b' })
  expect(await entriesOf(ref)).toEqual([
    { operation: 'projects.create', status: null },
    { operation: 'branches.create', status: null },
  ])
  await control.request('DELETE', `/branches/${made.body.project_ref}?force=true`)
  const all = await platform.db.many<Entry>(sql`
    select operation, status from control.audit_log
    where operation = 'branches.delete' and ${made.body.project_ref} in (project_ref, target)`)
  expect(all).toEqual([{ operation: 'branches.delete', status: null }])
})
