import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from 'pg'
import type { TestProject } from '@favo/testkit'
import { sql } from '@favo/postgres'
import { copyIn, copyOut } from '../../test/copy.ts'
import { startPgGateway, type TestGateway } from '../../test/start-pg-gateway.ts'

let gateway: TestGateway
let project: TestProject
beforeAll(async () => {
  gateway = await startPgGateway({ config: { backendsPerProjectMax: 1, waitMs: 5_000 } })
  project = await gateway.newProject()
  await project.owner('create table notes (id int primary key, body text); create sequence numbers')
})
afterAll(() => gateway.close())

const connect = (config = {}) => gateway.connect('transaction', project, config)
const pid = async (client: Client) =>
  (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid
const code = (code: string) => expect.objectContaining({ code }) as unknown

test('many clients share one backend', async () => {
  const clients = await Promise.all(Array.from({ length: 12 }, () => connect()))
  const pids = await Promise.all(clients.map(pid))
  expect(new Set(pids).size).toBe(1)
  expect(gateway.gateway.stats()).toMatchObject({ backends: 1, waiting: 0 })
})

describe('nothing of one client’s session is visible to the next', () => {
  const leftovers: readonly { what: string; leave: string; look: string; clean: unknown }[] = [
    { what: 'a setting', leave: `set work_mem = '77MB'`, look: 'show work_mem', clean: '4MB' },
    {
      what: 'its own setting',
      leave: `set app.tenant = 'ann'`,
      look: `select current_setting('app.tenant', true)`,
      clean: '',
    },
    {
      what: 'the schema path',
      leave: `set search_path = pg_temp`,
      look: 'show search_path',
      clean: '"$user", public, extensions',
    },
    { what: 'the role', leave: 'set role anon', look: 'select current_user::text', clean: 'postgres' },
    { what: 'no role', leave: 'set role none', look: 'select current_user::text', clean: 'postgres' },
    {
      what: 'a read-only default',
      leave: 'set default_transaction_read_only = on',
      look: 'show transaction_read_only',
      clean: 'off',
    },
    {
      what: 'an isolation default',
      leave: `set default_transaction_isolation = 'serializable'`,
      look: 'show transaction_isolation',
      clean: 'read committed',
    },
    {
      what: 'a session lock taken in a function',
      leave: `do $$begin perform pg_advisory_lock(7); end$$`,
      look: 'select pg_advisory_unlock(7)',
      clean: false,
    },
    {
      what: 'a temporary table made in a function',
      leave: `do $$begin create temp table secrets as select 1 as s; end$$`,
      look: `select to_regclass('pg_temp.secrets')::text`,
      clean: null,
    },
    {
      what: 'a statement prepared in SQL',
      leave: 'prepare mine as select 1',
      look: 'execute mine',
      clean: '26000',
    },
    {
      what: 'a statement prepared in a function',
      leave: `do $$begin execute 'prepare hidden as select 1'; end$$`,
      look: 'execute hidden',
      clean: '26000',
    },
    {
      what: 'a cursor of a function',
      leave: `do $$begin execute 'declare c cursor with hold for select 1'; end$$`,
      look: 'fetch c',
      clean: '34000',
    },
    {
      what: 'a channel',
      leave: `do $$begin execute 'listen gossip'; end$$`,
      look: 'select count(*)::int from pg_listening_channels()',
      clean: 0,
    },
    {
      what: 'a sequence’s value',
      leave: `select nextval('numbers')`,
      look: `select currval('numbers')`,
      clean: '55000',
    },
    { what: 'the name', leave: `set application_name = 'ann'`, look: 'show application_name', clean: '' },
    { what: 'the time zone', leave: `set timezone = 'Asia/Tokyo'`, look: 'show timezone', clean: 'UTC' },
    { what: 'a deallocated world', leave: 'deallocate all', look: 'select 1', clean: 1 },
    {
      what: 'a statement timeout',
      leave: `set statement_timeout = 1234`,
      look: 'show statement_timeout',
      clean: '2min',
    },
  ]
  test.each(leftovers)('$what', async ({ leave, look, clean }) => {
    const [ann, bob] = [await connect(), await connect()]
    const before = await pid(ann)
    await ann.query(leave)
    const found = await bob.query({ text: look, rowMode: 'array' }).then(
      ({ rows }) => (rows[0] as unknown[])[0],
      (error: { code: string }) => error.code,
    )
    expect(found).toEqual(clean)
    // The backend was cleaned, not replaced.
    expect(await pid(bob)).toBe(before)
    await Promise.all([ann.end(), bob.end()])
  })

  test('and the client itself has no more of it', async () => {
    const client = await connect()
    await client.query(`set app.tenant = 'ann'`)
    expect((await client.query(`select current_setting('app.tenant', true) as x`)).rows).toEqual([{ x: '' }])
    await client.query(`begin; set local app.tenant = 'ann'`)
    expect((await client.query(`show app.tenant`)).rows[0]).toEqual({ 'app.tenant': 'ann' })
    await client.query('commit')
  })
})

test('settings asked for at the start hold in every transaction', async () => {
  const client = await connect({
    application_name: 'shop',
    options: '-c statement_timeout=4321 -c search_path=auth',
  })
  const other = await connect()
  for (let i = 0; i < 2; i++) {
    expect((await client.query('show search_path')).rows).toEqual([{ search_path: 'auth' }])
    expect((await client.query('show statement_timeout')).rows).toEqual([{ statement_timeout: '4321ms' }])
    expect((await client.query('show application_name')).rows).toEqual([{ application_name: 'shop' }])
    expect((await other.query('show search_path')).rows[0]).not.toEqual({ search_path: 'auth' })
  }
})

describe('prepared statements', () => {
  test('are there in every transaction, under the same name with different clients', async () => {
    const clients = await Promise.all(Array.from({ length: 6 }, () => connect()))
    for (let round = 0; round < 3; round++)
      await Promise.all(
        clients.map(async (client, i) => {
          const { rows } = await client.query<{ n: number }>({
            name: 'same',
            text: `select $1::int + ${i} as n`,
            values: [round],
          })
          expect(rows).toEqual([{ n: round + i }])
        }),
      )
  })

  test('one that fails to be prepared leaves nothing behind', async () => {
    const client = await connect()
    const query = { name: 'wrong', text: 'select * from not_there' }
    await expect(client.query(query)).rejects.toEqual(code('42P01'))
    await project.owner('create table not_there (a int)')
    expect((await client.query(query)).rows).toEqual([])
    await project.owner('drop table not_there')
  })

  test('survive that another client says DISCARD ALL or DEALLOCATE ALL', async () => {
    const [ann, bob] = [await connect(), await connect()]
    const query = { name: 'kept', text: 'select 42 as n' }
    await ann.query(query)
    for (const text of ['discard all', 'deallocate all', `do $$begin execute 'deallocate all'; end$$`]) {
      await bob.query(text)
      expect((await ann.query(query)).rows).toEqual([{ n: 42 }])
    }
  })

  test('go with DEALLOCATE by name', async () => {
    const client = await connect()
    await client.query({ name: 'Gone', text: 'select 1 as n' })
    expect((await client.query('deallocate "Gone"')).command).toBe('DEALLOCATE')
    await expect(client.query('execute "Gone"')).rejects.toEqual(code('26000'))
  })

  test('see the schema as it is now', async () => {
    const [ann, bob] = [await connect(), await connect()]
    await project.owner('create table shapes (a int)')
    const query = { name: 'shapes', text: 'select * from shapes' }
    await ann.query(query)
    await bob.query('alter table shapes add column b int')
    expect((await ann.query({ ...query })).fields.map(({ name }) => name)).toEqual(['a', 'b'])
    await bob.query('drop table shapes')
  })
})

describe('what leaves something for later is refused with a reason', () => {
  test.each([
    'listen news',
    '/* hello */ LISTEN news',
    'select pg_advisory_lock(1)',
    'select pg_try_advisory_lock_shared(1)',
    'declare c cursor with hold for select 1',
    'create temp table t (a int)',
  ])('%s', async (text) => {
    const client = await connect()
    await expect(client.query(text)).rejects.toMatchObject({
      code: '0A000',
      message: expect.stringContaining('transaction port') as string,
    })
    await expect(client.query({ text, values: [] })).rejects.toEqual(code('0A000'))
    expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })

  test('inside of a transaction the transaction fails with it, as with any error', async () => {
    const client = await connect()
    await client.query('begin')
    await expect(client.query('listen news')).rejects.toEqual(code('0A000'))
    await expect(client.query('select 1')).rejects.toEqual(code('25P02'))
    await client.query('rollback')
  })

  test.each([
    'select pg_advisory_xact_lock(1)',
    `select 'pg_advisory_lock' as word`,
    'begin; create temp table t (a int); insert into t values (1); commit',
    `create or replace function f() returns void language sql as 'select pg_advisory_lock(1)'`,
  ])('but not %s', async (text) => {
    await (await connect()).query(text)
  })
})

describe('transactions', () => {
  test('are kept together, and rolled back after an error', async () => {
    const client = await connect()
    await client.query('begin')
    await client.query(`insert into notes values (1, 'a')`)
    await expect(client.query(`insert into notes values (1, 'again')`)).rejects.toEqual(code('23505'))
    await expect(client.query('select 1')).rejects.toEqual(code('25P02'))
    expect((await client.query('commit')).command).toBe('ROLLBACK')
    expect((await client.query('select * from notes')).rows).toEqual([])
  })

  test('of a client that goes away are rolled back, and its backend serves the next', async () => {
    const [leaver, stayer] = [await connect(), await connect()]
    await leaver.query('begin')
    await leaver.query(`insert into notes values (2, 'lost')`)
    ;(leaver as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
    expect((await stayer.query('select * from notes')).rows).toEqual([])
  })

  test('a statement of a client that goes away is cancelled', async () => {
    const [leaver, stayer] = [await connect(), await connect()]
    const lost = leaver.query('select pg_sleep(60)').catch(() => undefined)
    await expect.poll(() => project.admin.one(sleepers())).toEqual({ count: 1 })
    ;(leaver as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
    await lost
    expect((await stayer.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })

  test('the place of a backend that was ended is taken by another', async () => {
    const client = await connect()
    await client.query('begin')
    const lost = await pid(client)
    const failure = expect(client.query('select pg_sleep(60)')).rejects.toEqual(code('57P01'))
    await expect.poll(() => project.admin.one(sleepers())).toEqual({ count: 1 })
    await project.admin.many(endSession(lost ?? 0))
    await failure
    expect(await pid(await connect())).not.toBe(lost)
  })
})

test('a client cancels what it does itself, by a key of the gateway’s', async () => {
  const [client, other] = [await connect(), await connect()]
  const cancelled = expect(client.query('select pg_sleep(60)')).rejects.toEqual(code('57014'))
  await expect.poll(() => project.admin.one(sleepers())).toEqual({ count: 1 })
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
  const backendPid = await project.admin.one<{ pid: number }>(sleepingPid())
  expect(processID).not.toBe(backendPid.pid)
  const canceller = gateway.cancel('transaction', processID, secretKey)
  await canceller
  await cancelled
  expect((await other.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  // What was another’s by now is not hit.
  const sleeping = other.query('select pg_sleep(0.2)')
  await gateway.cancel('transaction', processID, secretKey)
  await sleeping
})

test('data goes in and out by COPY, and a COPY that fails leaves the connection usable', async () => {
  const client = await connect()
  await client.query('create table rows (a int, b text)')
  await copyIn(client, 'copy rows from stdin', ['1\tone\n', '2\ttwo\n'])
  expect(await copyOut(client, 'copy rows to stdout')).toBe('1\tone\n2\ttwo\n')
  await expect(copyIn(client, 'copy rows from stdin', ['x\tone\n'])).rejects.toEqual(code('22P02'))
  expect((await client.query('select count(*)::int as n from rows')).rows).toEqual([{ n: 2 }])
  await client.query('drop table rows')
})

test('what Postgres reports of settings is told again when a setting is gone with its transaction', async () => {
  const client = await connect()
  const told: string[] = []
  const { connection } = client as unknown as {
    connection: {
      on(name: string, listener: (message: { parameterName: string; parameterValue: string }) => void): void
    }
  }
  connection.on('parameterStatus', ({ parameterName, parameterValue }) =>
    told.push(`${parameterName}=${parameterValue}`),
  )
  await client.query(`set timezone = 'Asia/Tokyo'`)
  expect(told).toEqual(['TimeZone=Asia/Tokyo', 'TimeZone=UTC'])
})

test('a transaction waits for its backend and hears when it waited in vain', async () => {
  const [holder, waiter] = [await connect(), await connect()]
  await holder.query('begin')
  const waiting = waiter.query('select 1 as n')
  await expect.poll(() => gateway.gateway.stats().waiting).toBe(1)
  await holder.query('commit')
  expect((await waiting).rows).toEqual([{ n: 1 }])
})

const sleepers = () =>
  sql`select count(*)::int as count from pg_stat_activity where datname = ${project.database} and query like 'select pg_sleep(60)%' and state = 'active'`
const sleepingPid = () =>
  sql`select pid from pg_stat_activity where datname = ${project.database} and query like 'select pg_sleep(60)%' and state = 'active'`
const endSession = (id: number) => sql`select pg_terminate_backend(${id}::int)`
