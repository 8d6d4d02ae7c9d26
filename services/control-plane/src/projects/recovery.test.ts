import type { ErrorBody, ProjectDetails } from '@favo/contracts'
import { sql } from '@favo/postgres'
import type { Tenancy } from '@favo/tenancy'
import { createRef } from '@favo/tokens'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  createPlatformDatabase,
  eventually,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
beforeEach(async () => {
  platform = await createPlatformDatabase()
})
afterEach(() => platform.close())

/** A step that begins and never ends, as in a process that was killed in it. */
class Stuck {
  readonly reached: Promise<void>
  #reach: () => void = () => undefined
  constructor() {
    this.reached = new Promise((resolve) => (this.#reach = resolve))
  }
  readonly here = (): Promise<never> => {
    this.#reach()
    return new Promise(() => undefined)
  }
}

const statusOf = async (control: TestControlPlane, ref: string) => {
  const reply = await control.request<ProjectDetails>('GET', `/projects/${ref}`)
  return reply.status === 404 ? 'gone' : reply.body.status
}
const databasesOf = async (): Promise<string[]> => {
  const there = (await platform.tenancy.listDatabases()).map(({ database }) => database)
  const rows = await platform.db.many<{ database: string }>(
    sql`select database from control.projects where not is_platform`,
  )
  return rows.map(({ database }) => database).filter((database) => there.includes(database))
}
/** The request will never be answered; nobody waits for it. */
const send = (control: TestControlPlane, method: string, path: string, body?: unknown) =>
  void control.request(method, path, body).catch(() => undefined)

test.each(['before the database', 'with the database half made', 'with the database made'])(
  'a creation whose process dies %s is rolled back, and can be done again',
  async (moment) => {
    const stuck = new Stuck()
    const first = await platform.start({
      wrapTenancy: (real) => ({
        createDatabase: async (input) => {
          if (moment === 'before the database') return stuck.here()
          if (moment === 'with the database half made')
            return real
              .createDatabase({
                ...input,
                onStep: (step) => (step === 'access' ? Promise.reject(new Error('killed')) : undefined),
              })
              .catch(stuck.here)
          await real.createDatabase(input)
          return stuck.here()
        },
      }),
    })
    const ref = createRef()
    send(first, 'POST', '/projects', { name: 'demo', ref, subdomain: 'once' })
    await stuck.reached
    const second = await platform.start()
    expect(await statusOf(second, ref)).toBe('COMING_UP')

    await first.die()
    await eventually(() => statusOf(second, ref)).toBe('INIT_FAILED')
    const failed = await second.request<ProjectDetails>('GET', `/projects/${ref}`)
    expect(failed.body.error).toContain('interrupted')
    expect(await databasesOf()).toEqual([])

    const again = await second.request('POST', '/projects', { name: 'demo', ref, subdomain: 'once' })
    expect(again).toMatchObject({ status: 201, body: { ref, subdomain: 'once', error: null } })
  },
)

test('what a killed platform left is settled before the next one answers its first request', async () => {
  const stuck = new Stuck()
  const first = await platform.start({ wrapTenancy: () => ({ createDatabase: stuck.here }) })
  const ref = createRef()
  send(first, 'POST', '/projects', { name: 'demo', ref })
  await stuck.reached
  await first.die()
  const second = await platform.start({ sweepMs: 3_600_000 })
  expect(await statusOf(second, ref)).toBe('INIT_FAILED')
})

const changes: readonly {
  readonly change: string
  readonly prepare: readonly string[]
  readonly method: string
  readonly path: string
  readonly step: 'dropDatabase' | 'pauseDatabase' | 'resumeDatabase'
  readonly end: string
}[] = [
  { change: 'deletion', prepare: [], method: 'DELETE', path: '', step: 'dropDatabase', end: 'gone' },
  { change: 'pause', prepare: [], method: 'POST', path: '/pause', step: 'pauseDatabase', end: 'INACTIVE' },
  {
    change: 'resumption',
    prepare: ['/pause'],
    method: 'POST',
    path: '/restore',
    step: 'resumeDatabase',
    end: 'ACTIVE_HEALTHY',
  },
]
test.each(changes)(
  'a $change whose process dies is carried on',
  async ({ prepare, method, path, step, end }) => {
    for (const isDone of [false, true]) {
      const stuck = new Stuck()
      const first = await platform.start({
        wrapTenancy: (real) => ({
          [step]: async (database: string) => {
            if (isDone) await real[step](database)
            return stuck.here()
          },
        }),
      })
      const { body } = await first.request<{ ref: string }>('POST', '/projects', { name: 'demo' })
      for (const before of prepare) await first.request('POST', `/projects/${body.ref}${before}`)
      send(first, method, `/projects/${body.ref}${path}`)
      await stuck.reached
      await first.die()
      const second = await platform.start()
      await eventually(() => statusOf(second, body.ref)).toBe(end)
      await second.close()
    }
  },
)

test('changes of a process that lives are left alone', async () => {
  let goOn: () => void = () => undefined
  const gate = new Promise<void>((resolve) => (goOn = resolve))
  const first = await platform.start({
    wrapTenancy: (real) => ({
      createDatabase: async (input) => {
        await gate
        return real.createDatabase(input)
      },
    }),
  })
  const settled = vi.fn()
  const second = await platform.start({
    sweepMs: 20,
    wrapTenancy: (real) => ({
      dropDatabase: (database) => {
        settled()
        return real.dropDatabase(database)
      },
    }),
  })
  const ref = createRef()
  const creation = first.request('POST', '/projects', { name: 'demo', ref })
  await eventually(() => statusOf(second, ref)).toBe('COMING_UP')
  // Several sweeps of the second have looked at it by now.
  const sweeps = async () =>
    (
      await platform.db.one<{ n: number }>(
        sql`select count(*)::int as n from control.projects where not is_platform`,
      )
    ).n
  for (let i = 0; i < 10; i++) expect(await sweeps()).toBe(1)
  goOn()
  expect((await creation).status).toBe(201)
  expect(settled).not.toHaveBeenCalled()
})

test('a creation that was taken over cannot come up behind the back of who rolled it back', async () => {
  let goOn: () => void = () => undefined
  const gate = new Promise<void>((resolve) => (goOn = resolve))
  const reached = vi.fn()
  const first = await platform.start({
    wrapTenancy: (real) => ({
      createDatabase: async (input) => {
        reached()
        await gate
        return real.createDatabase(input)
      },
    }),
  })
  const ref = createRef()
  const creation = first.request<ErrorBody>('POST', '/projects', { name: 'demo', ref })
  await eventually(() => reached.mock.calls.length).toBe(1)
  // Its session breaks, but the process goes on.
  await first.die()
  const second = await platform.start()
  await eventually(() => statusOf(second, ref)).toBe('INIT_FAILED')
  goOn()
  expect((await creation).status).toBe(500)
  expect(await statusOf(second, ref)).toBe('INIT_FAILED')
  expect(await databasesOf()).toEqual([])
})

test('of several that find an orphan one settles it', async () => {
  const stuck = new Stuck()
  const first = await platform.start({ wrapTenancy: () => ({ createDatabase: stuck.here }) })
  const ref = createRef()
  send(first, 'POST', '/projects', { name: 'demo', ref })
  await stuck.reached
  await first.die()
  const drops: string[] = []
  const wrapTenancy = (real: Tenancy) => ({
    dropDatabase: (database: string) => {
      drops.push(database)
      return real.dropDatabase(database)
    },
  })
  const others = await Promise.all([1, 2, 3].map(() => platform.start({ wrapTenancy })))
  for (const other of others) await eventually(() => statusOf(other, ref)).toBe('INIT_FAILED')
  expect(drops).toHaveLength(1)
})

test('a creation that fails says why, leaves no database, and gives ref and subdomain free', async () => {
  let isBroken = true
  const control = await platform.start({
    wrapTenancy: (real) => ({
      createDatabase: async (input) => {
        await real.createDatabase(input)
        if (isBroken) throw new Error('the disk is full\n    at secret (stack.ts:1)')
      },
    }),
  })
  const body = { name: 'demo', ref: createRef(), subdomain: 'again' }
  const failed = await control.request<ErrorBody>('POST', '/projects', body)
  expect(failed).toMatchObject({
    status: 500,
    body: { code: 'change_failed', message: 'The project could not be created: the disk is full' },
  })
  expect(await databasesOf()).toEqual([])
  const seen = await control.request<ProjectDetails>('GET', `/projects/${body.ref}`)
  expect(seen.body).toMatchObject({ status: 'INIT_FAILED', error: 'the disk is full' })

  isBroken = false
  const other = await control.request<{ ref: string }>('POST', '/projects', {
    name: 'other',
    subdomain: 'again',
  })
  expect(other.status).toBe(201)
  expect(await control.controlPlane.directorySource.loadBySubdomain('again')).toMatchObject({
    ref: other.body.ref,
  })
  const again = await control.request('POST', '/projects', { ...body, subdomain: 'once-more' })
  expect(again.status).toBe(201)
})

test('a project that never came up can be deleted', async () => {
  const control = await platform.start({
    wrapTenancy: () => ({ createDatabase: () => Promise.reject(new Error('no')) }),
  })
  const ref = createRef()
  await control.request('POST', '/projects', { name: 'demo', ref })
  expect((await control.request('DELETE', `/projects/${ref}`)).status).toBe(200)
  expect(await statusOf(control, ref)).toBe('gone')
})

test('a pause that fails leaves the project active and says why', async () => {
  const control = await platform.start({
    wrapTenancy: () => ({ pauseDatabase: () => Promise.reject(new Error('no')) }),
  })
  const { body } = await control.request<{ ref: string }>('POST', '/projects', { name: 'demo' })
  const reply = await control.request<ErrorBody>('POST', `/projects/${body.ref}/pause`)
  expect(reply).toMatchObject({ status: 500, body: { message: 'The project could not be paused: no' } })
  const seen = await control.request<ProjectDetails>('GET', `/projects/${body.ref}`)
  expect(seen.body).toMatchObject({ status: 'ACTIVE_HEALTHY', error: 'no' })
  expect(
    (await control.request('POST', `/projects/${body.ref}/database/query`, { query: 'select 1' })).status,
  ).toBe(201)
})

test('a change that is underway refuses others with 409', async () => {
  const stuck = new Stuck()
  const control = await platform.start({ wrapTenancy: () => ({ pauseDatabase: stuck.here }) })
  const { body } = await control.request<{ ref: string }>('POST', '/projects', { name: 'demo' })
  send(control, 'POST', `/projects/${body.ref}/pause`)
  await stuck.reached
  for (const [method, path] of [
    ['POST', '/pause'],
    ['POST', '/restore'],
    ['DELETE', ''],
  ] as const)
    expect(await control.request<ErrorBody>(method, `/projects/${body.ref}${path}`)).toMatchObject({
      status: 409,
      body: { code: 'wrong_status' },
    })
  await control.die()
})

test('the steps of a creation are visible', async () => {
  let goOn: () => void = () => undefined
  const gate = new Promise<void>((resolve) => (goOn = resolve))
  const control = await platform.start({
    wrapTenancy: (real) => ({
      createDatabase: async (input) => {
        await input.onStep?.('database')
        await gate
        return real.createDatabase(input)
      },
    }),
  })
  const ref = createRef()
  const creation = control.request<ProjectDetails>('POST', '/projects', { name: 'demo', ref })
  await eventually(
    async () => (await control.request<ProjectDetails>('GET', `/projects/${ref}`)).body.step,
  ).toBe('database')
  goOn()
  expect((await creation).body).toMatchObject({ status: 'ACTIVE_HEALTHY', step: null })
  expect((await control.request<ProjectDetails>('GET', `/projects/${ref}`)).body.step).toBeNull()
})

test('the lock that says a process lives is taken again after its session broke', async () => {
  const control = await platform.start({ sweepMs: 50 })
  const holders = () =>
    platform.admin((admin) =>
      admin.many<{ pid: number }>(sql`
        select l.pid from pg_locks l join pg_database d on d.oid = l.database
        where l.locktype = 'advisory' and l.granted and d.datname = ${platform.database}`),
    )
  const [before] = await holders()
  await platform.admin((admin) => admin.many(sql`select pg_terminate_backend(${before?.pid ?? 0}::int)`))
  await eventually(async () => (await holders()).filter(({ pid }) => pid !== before?.pid).length).toBe(1)
  expect((await control.request('POST', '/projects', { name: 'after' })).status).toBe(201)
})

test('a creation whose roll-back failed too, because the database did not answer, is settled later', async () => {
  let isDown = true
  const fail = () => Promise.reject(new Error('no answer'))
  const control = await platform.start({
    wrapTenancy: (real) => ({
      createDatabase: fail,
      dropDatabase: (database) => (isDown ? fail() : real.dropDatabase(database)),
    }),
  })
  const ref = createRef()
  expect((await control.request('POST', '/projects', { name: 'demo', ref })).status).toBe(500)
  expect(await statusOf(control, ref)).toBe('COMING_UP')
  isDown = false
  // As if a minute had passed; the trigger that sets the time of change is passed by.
  await platform.admin((admin) =>
    admin.run(sql`
      set session_replication_role = replica;
      update control.projects set updated_at = now() - interval '1 minute'`),
  )
  await eventually(() => statusOf(control, ref)).toBe('INIT_FAILED')
})
