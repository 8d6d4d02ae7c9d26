/** Faults: killed backends, a killed server, refused passwords. On a cluster of its own, because it is shot at. */
import { createTestProject, startCluster, type TestCluster, type TestProject } from '@favo/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callerStep, openPools, step, texts, until } from '../test/project.ts'
import { ConnectionError, openDb, sql, type Pools } from './index.ts'

let cluster: TestCluster
let project: TestProject
beforeAll(async () => {
  // What is acknowledged must survive here; a killed process loses nothing that the kernel has.
  cluster = await startCluster({ synchronous_commit: 'on' })
  project = await createTestProject({}, cluster)
  await project.owner(`create table ledger (id int primary key); grant all on ledger to anon`)
})
afterAll(async () => {
  await project.close()
  await cluster.stop()
})

const anon = callerStep('anon')
const insert = (id: number) => ({
  steps: [anon, step('insert into ledger values ($1)', [String(id)])],
  isRead: false,
})

interface Tally {
  reads: number
  writes: number
  lost: number
  other: string[]
}
let nextId = 0
/** Over all tests here, which share the table. */
const written = new Set<number>()
const lost = new Set<number>()

/** Readers and writers without pause, until told to stop; counts what became of each request. */
function startLoad(pools: Pools): { tally: Tally; stop: () => Promise<void> } {
  const db = pools.forDatabase(project.database)
  const tally: Tally = { reads: 0, writes: 0, lost: 0, other: [] }
  let isDone = false
  const reader = async (): Promise<void> => {
    while (!isDone) {
      try {
        const results = await db.pipeline('api', { steps: [anon, step('select 1')], isRead: true })
        if (texts(results[1])[0]?.[0] !== '1') tally.other.push('wrong answer')
        tally.reads++
      } catch (error) {
        tally.other.push(`read: ${String(error)}`)
      }
    }
  }
  const writer = async (): Promise<void> => {
    while (!isDone) {
      const id = nextId++
      try {
        await db.pipeline('api', insert(id))
        tally.writes++
        written.add(id)
      } catch (error) {
        if (error instanceof ConnectionError && error.kind === 'lost') {
          tally.lost++
          lost.add(id)
        } else tally.other.push(`write: ${String(error)}`)
      }
    }
  }
  const workers = [...Array.from({ length: 6 }, reader), ...Array.from({ length: 4 }, writer)]
  return {
    tally,
    stop: async () => {
      isDone = true
      await Promise.all(workers)
    },
  }
}

/** Everything acknowledged is there once, and nothing is there that was not at least tried with an unknown end. */
async function expectLedger(): Promise<void> {
  const rows = await until(() =>
    project.admin.many<{ id: number }>(sql`select id from public.ledger`).catch(() => null),
  )
  const there = new Set(rows.map(({ id }) => id))
  expect([...written].filter((id) => !there.has(id))).toEqual([])
  expect([...there].filter((id) => !written.has(id) && !lost.has(id))).toEqual([])
}

const backendsOf = (login: string) =>
  project.admin.many<{ pid: number }>(
    sql`select pid from pg_stat_activity where usename = ${`${project.database}_${login}`}`,
  )

test('backends that are terminated under load lose no read, and every write is known or said to be unknown', async () => {
  const pools = openPools({}, cluster)
  const { tally, stop } = startLoad(pools)
  for (let i = 0; i < 10; i++) {
    const seen = tally.writes
    await until(() => tally.writes > seen + 20)
    await project.admin.many(sql`
      select pg_terminate_backend_raw(pid, 0) from pg_stat_activity where usename = ${`${project.database}_api`}`)
  }
  await stop()
  expect(tally.other).toEqual([])
  await expectLedger()
})

test('a backend killed with -9, which takes all others along, loses no read', async () => {
  const pools = openPools({ acquireTimeoutMs: 20_000 }, cluster)
  const { tally, stop } = startLoad(pools)
  await until(() => tally.writes > 50)
  const [victim] = await backendsOf('api')
  process.kill(victim?.pid ?? 0, 'SIGKILL')
  const seen = tally.reads
  await until(() => tally.reads > seen + 500, 20_000)
  await stop()
  expect(tally.other).toEqual([])
  await expectLedger()
})

test('requests wait while the server is killed and comes back', async () => {
  const pools = openPools({ acquireTimeoutMs: 30_000 }, cluster)
  const { tally, stop } = startLoad(pools)
  await until(() => tally.writes > 50)
  const pid = cluster.server.pid()
  process.kill(pid ?? 0, 'SIGKILL')
  await until(() => cluster.server.pid() !== null && cluster.server.pid() !== pid, 30_000)
  const seen = tally.writes
  await until(() => tally.writes > seen + 100, 30_000)
  await stop()
  expect(tally.other).toEqual([])
  await expectLedger()
}, 90_000)

test('a server that is not there is reported within the time a request may wait', async () => {
  const pools = openPools({ endpoint: { host: '127.0.0.1', port: 1 }, acquireTimeoutMs: 200 }, cluster)
  const start = performance.now()
  await expect(pools.forDatabase(project.database).pipeline('api', insert(-1))).rejects.toMatchObject({
    name: 'ConnectionError',
    kind: 'unavailable',
  })
  expect(performance.now() - start).toBeLessThan(2_000)
  expect(pools.stats()).toMatchObject({ connections: 0, waiting: 0 })
})

test('a refused password is repaired once, and the request goes through', async () => {
  await project.admin.run(sql.trusted(`alter role ${project.database}_api password 'changed by its owner'`))
  const repaired: string[] = []
  const box = openPools(
    {
      repairLogin: async (database, login) => {
        repaired.push(`${database} ${login}`)
        await project.pools
          .forDatabase(database)
          .asService('service_role', 'nothing')
          .one(sql`select 1`)
        await repairFor(login)
      },
    },
    cluster,
  )
  const read = { steps: [anon, step('select 1')], isRead: true }
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => box.forDatabase(project.database).pipeline('api', read)),
  )
  expect(answers).toHaveLength(5)
  expect(new Set(repaired)).toEqual(new Set([`${project.database} api`]))
})

/** As the tenancy does: sets the derived password again. */
async function repairFor(login: string): Promise<void> {
  const { loginPassword, SecretBox } = await import('@favo/tokens')
  const password = loginPassword(
    new SecretBox(Buffer.from(cluster.masterKey, 'hex')),
    project.database,
    login as 'api',
  )
  await project.admin.run(
    sql`alter role ${sql.ident(`${project.database}_${login}`)} password ${sql.literal(password)}`,
  )
}

test('a password that stays wrong, a missing database and a closed one are said clearly and at once', async () => {
  const wrong = openPools({ passwordFor: () => 'wrong', acquireTimeoutMs: 20_000 }, cluster)
  const start = performance.now()
  await expect(wrong.forDatabase(project.database).pipeline('api', insert(-2))).rejects.toMatchObject({
    kind: 'unavailable',
    cause: { code: '28P01' },
  })
  const pools = openPools({ acquireTimeoutMs: 20_000 }, cluster)
  await expect(pools.forDatabase('p_missing').pipeline('api', insert(-3))).rejects.toMatchObject({
    kind: 'unavailable',
  })

  const maintenance = openDb({
    endpoint: cluster.endpoint,
    user: 'favo_admin',
    password: cluster.password,
    database: 'postgres',
    max: 1,
  })
  const closed = await createTestProject({}, cluster)
  await closed.admin.one(sql`select 1`)
  await maintenance.run(sql.trusted(`alter database ${closed.database} allow_connections false`))
  await expect(pools.forDatabase(closed.database).pipeline('api', insert(-4))).rejects.toMatchObject({
    kind: 'unavailable',
    cause: { code: '55000' },
  })
  expect(performance.now() - start).toBeLessThan(5_000)
  await maintenance.close()
})

test('a login at its limit of connections waits for one of them', async () => {
  const role = sql.ident(`${project.database}_api`)
  await project.admin.run(sql`alter role ${role} connection limit 2`)
  const pools = openPools({ maxPerPool: 6, acquireTimeoutMs: 10_000 }, cluster)
  const db = pools.forDatabase(project.database)
  const long = { steps: [anon, step('select pg_sleep(0.05)')], isRead: true }
  const answers = await Promise.all(Array.from({ length: 12 }, () => db.pipeline('api', long)))
  expect(answers).toHaveLength(12)
  // Those that are still being opened have a place until they are refused.
  await until(() => pools.stats().opening === 0)
  expect(pools.stats().connections).toBeLessThanOrEqual(2)
  await project.admin.run(sql`alter role ${role} connection limit 15`)
})

test('a connection that is dead without having said so costs a write nothing when the server said why', async () => {
  const pools = openPools({ maxPerPool: 1 }, cluster)
  const db = pools.forDatabase(project.database)
  for (let i = 0; i < 10; i++) {
    await db.pipeline('api', insert(nextId++))
    const [backend] = await backendsOf('api')
    await project.admin.many(sql`select pg_terminate_backend_raw(${backend?.pid ?? 0}::int, 1000)`)
    // The goodbye may not have been read yet; the write goes to a new connection.
    await db.pipeline('api', insert(nextId++))
  }
  expect(pools.stats().opened).toBeGreaterThanOrEqual(10)
})
