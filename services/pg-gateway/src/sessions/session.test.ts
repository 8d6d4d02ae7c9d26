import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { sql } from '@favo/postgres'
import type { TestProject } from '@favo/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyIn, copyOut } from '../../test/copy.ts'
import { startPgGateway, type Port, type TestGateway } from '../../test/start-pg-gateway.ts'

let gateway: TestGateway
let project: TestProject
beforeAll(async () => {
  gateway = await startPgGateway()
  project = await gateway.newProject()
})
afterAll(() => gateway.close())

const connect = () => gateway.connect('session', project)

test('a session is the client’s own until it ends', async () => {
  const client = await connect()
  await client.query(`set app.tenant = 'ann'; create temp table t as select 1 as n; listen news`)
  const heard = new Promise((resolve) => client.once('notification', resolve))
  await (await connect()).query(`notify news, 'hello'`)
  expect(await heard).toMatchObject({ channel: 'news', payload: 'hello' })
  expect((await client.query("select n, current_setting('app.tenant') as tenant from t")).rows).toEqual([
    { n: 1, tenant: 'ann' },
  ])
})

test('a statement is cancelled by the key that the client was given, and only by that', async () => {
  const client = await connect()
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  expect(rows[0]?.pid).toBe(processID)
  const sleeping = expect(client.query('select pg_sleep(60)')).rejects.toMatchObject({ code: '57014' })
  const watcher = await connect()
  await expect
    .poll(async () => {
      const seen = await watcher.query<{ wait_event: string | null }>(
        'select wait_event from pg_stat_activity where pid = $1',
        [processID],
      )
      return seen.rows[0]?.wait_event
    })
    .toBe('PgSleep')
  await gateway.cancel('transaction', processID, secretKey + 1)
  await gateway.cancel('session', processID, secretKey)
  await sleeping
  expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }])
})

test('large answers and large data pass, also when the reader is slow', async () => {
  const client = await connect()
  const { rows } = await client.query<{ length: number }>(
    `select repeat('x', 1000) as x from generate_series(1, 20000)`,
  )
  expect(rows).toHaveLength(20_000)
  const big = 'y'.repeat(6 * 2 ** 20)
  expect((await client.query<{ n: number }>('select length($1)::int as n', [big])).rows).toEqual([
    { n: big.length },
  ])
  expect((await client.query<{ n: number }>(`select length('${big}')::int as n`)).rows).toEqual([
    { n: big.length },
  ])
  await client.query('create temp table copied (a int, b text)')
  await copyIn(
    client,
    'copy copied from stdin',
    Array.from({ length: 500 }, (_, i) => `${i}\t${'z'.repeat(200)}\n`),
  )
  expect((await copyOut(client, 'copy copied to stdout')).split('\n')).toHaveLength(501)
})

describe.each(['session', 'transaction'] as const)(
  'statements that are rewritten, on the %s port',
  (port) => {
    test('run as they would on Supabase, in both protocols', async () => {
      const client = await gateway.connect(port, project)
      await client.query(`alter database postgres set "app.settings.color" to 'blue'`)
      await client.query({ text: `alter role authenticator set statement_timeout to '9s'`, values: [] })
      await client.query(`create role ${port}_reader; grant ${port}_reader to authenticator`)
      await client.end()
      const later = await gateway.connect('session', project)
      expect((await later.query(`select current_setting('app.settings.color') as color`)).rows).toEqual([
        { color: 'blue' },
      ])
    })

    test('an error is shown where it is in the client’s own text', async () => {
      const client = await gateway.connect(port, project)
      const text = `alter database postgres set "app.settings.a" to 'äöü';  select 1;  select wrong from nowhere`
      await expect(client.query(text)).rejects.toMatchObject({
        code: '42P01',
        position: String([...text].join('').indexOf('nowhere') + 1),
      })
      const plain = 'select 1; select wrong from nowhere'
      await expect(client.query(plain)).rejects.toMatchObject({
        position: String(plain.indexOf('nowhere') + 1),
      })
    })
  },
)

test('sessions end with the gateway, with a reason, after what is underway has finished', async () => {
  const own = await startPgGateway()
  own.projects.set(project.project.ref, project.project)
  const [idle, busy] = [await own.connect('session', project), await own.connect('session', project)]
  const reasons: string[] = []
  idle.on('error', (error: Error & { code?: string }) => reasons.push(error.code ?? error.message))
  const underway = busy.query('select pg_sleep(0.7), 1 as n')
  await expect
    .poll(() =>
      project.admin.one(
        sql`select count(*)::int as n from pg_stat_activity where query like 'select pg_sleep(0.7)%' and state = 'active'`,
      ),
    )
    .toEqual({ n: 1 })
  await own.gateway.close()
  expect((await underway).rows).toHaveLength(1)
  expect(reasons[0]).toBe('57P01')
  await own.tenancy.close()
})

const run = promisify(execFile)
const hasPsql = await run('psql', ['--version']).then(
  () => true,
  () => false,
)

describe.each(['session', 'transaction'] as Port[])('psql on the %s port', (port) => {
  test.skipIf(!hasPsql)(
    'runs scripts, copies and describes (skipped where psql is not installed)',
    async () => {
      const psql = async (...commands: string[]) =>
        (
          await run('psql', [
            gateway.url(port, project),
            '-XAtq',
            '-v',
            'ON_ERROR_STOP=1',
            ...commands.flatMap((command) => ['-c', command]),
          ])
        ).stdout
      expect(
        await psql(
          `create table ${port}_t (a int primary key)`,
          `insert into ${port}_t values (1), (2)`,
          `\\copy ${port}_t to stdout`,
        ),
      ).toBe('1\n2\n')
      expect(await psql(`\\d ${port}_t`)).toContain('a|integer')
      await expect(psql('select 1/0')).rejects.toThrow('division by zero')
    },
  )
})
