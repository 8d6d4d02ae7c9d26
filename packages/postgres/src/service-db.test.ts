import { createTestProject, type TestProject } from '@favo/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callerStep, openPools, step, until } from '../test/project.ts'
import { sql } from './index.ts'

let project: TestProject
beforeAll(async () => {
  project = await createTestProject()
  await project.owner(`
    create table items (id int primary key, name text);
    grant all on items to service_role;
    create function spoil() returns trigger language plpgsql as $$ begin
      set search_path = public; set timezone = 'Asia/Tokyo'; set bytea_output = escape; set datestyle = 'SQL, DMY';
      return new;
    end $$;
    create trigger spoil before insert on items for each row execute function spoil();
    create function lower(varchar) returns text language sql as $$ select 'forged' $$;
  `)
})
afterAll(() => project.close())

const service = () => project.db.asService('service_role', 'test')

test('values come as their types', async () => {
  const row = await service().one(sql`
    select 1::int4 as int4, 5::int8 as int8, 9007199254740993::int8 as large, 1.5::float8 as float8, 1.50::numeric as numeric,
      true as bool, 'x'::text as text, null::text as nothing, '{"a":[1]}'::jsonb as jsonb, '\\x00ff'::bytea as bytes,
      timestamptz '2026-01-02 03:04:05.678+02' as moment, timestamp '2026-01-02 03:04:05' as clock,
      date '2026-01-02' as day, array['a', null, 'c'] as texts, array[1, 2] as numbers`)
  expect(row).toEqual({
    int4: 1,
    int8: 5,
    large: '9007199254740993',
    float8: 1.5,
    numeric: '1.50',
    bool: true,
    text: 'x',
    nothing: null,
    jsonb: { a: [1] },
    bytes: Buffer.from([0, 255]),
    moment: new Date('2026-01-02T01:04:05.678Z'),
    clock: new Date('2026-01-02T03:04:05Z'),
    day: '2026-01-02',
    texts: ['a', null, 'c'],
    numbers: [1, 2],
  })
})

test('values go as their types', async () => {
  const moment = new Date('2026-01-02T03:04:05.678Z')
  const row = await service().one(sql`
    select ${1}::int as number, ${2n}::int8 as big, ${true}::bool as bool, ${null}::text as nothing, ${moment}::timestamptz as moment,
      ${{ a: 'b"c' }}::jsonb as json, ${['a"b', null, 'c\\d', '']}::text[] as texts, ${[
        [1, 2],
        [3, 4],
      ]}::int[] as grid,
      ${Buffer.from([1, 2])}::bytea as bytes, ${new Date('-000043-03-15T00:00:00Z')}::timestamptz = timestamptz '0044-03-15 BC' as ides`)
  expect(row).toEqual({
    number: 1,
    big: 2,
    bool: true,
    nothing: null,
    moment,
    json: { a: 'b"c' },
    texts: ['a"b', null, 'c\\d', ''],
    grid: [
      [1, 2],
      [3, 4],
    ],
    bytes: Buffer.from([1, 2]),
    ides: true,
  })
})

test('one, maybeOne and run say what they found', async () => {
  const db = service()
  await expect(db.one(sql`select 1 where false`)).rejects.toThrow('exactly one row, got 0')
  await expect(db.one(sql`select generate_series(1, 2)`)).rejects.toThrow('exactly one row, got 2')
  expect(await db.maybeOne(sql`select 1 where false`)).toBeNull()
  expect(await db.run(sql`insert into public.items select n, 'x' from generate_series(1, 3) n`)).toBe(3)
  expect(await db.run(sql`delete from public.items`)).toBe(3)
})

describe('settings under which services parse', () => {
  test("role and search path are the service's own, on every connection", async () => {
    const row = await service().one(sql`
      select current_user::text as role, current_setting('search_path') as path, lower('ABC'::varchar) as lower`)
    expect(row).toEqual({ role: 'service_role', path: 'pg_catalog, pg_temp', lower: 'abc' })
  })

  test('a trigger of the customer that changes them is without effect on the next statement', async () => {
    const seen = await service().transaction(async (tx) => {
      await tx.run(sql`insert into public.items values (1, 'a')`)
      return tx.one(sql`
        select current_setting('search_path') as path, current_setting('timezone') as zone, lower('ABC'::varchar) as lower,
          timestamp '2026-01-02 03:04:05' as clock, '\\x00ff'::bytea as bytes`)
    })
    expect(seen).toEqual({
      path: 'pg_catalog, pg_temp',
      zone: 'UTC',
      lower: 'abc',
      clock: new Date('2026-01-02T03:04:05Z'),
      bytes: Buffer.from([0, 255]),
    })
    await service().run(sql`delete from public.items`)
  })
})

describe('transactions', () => {
  test('commit together', async () => {
    await service().transaction(async (tx) => {
      await tx.run(sql`insert into public.items values (10, 'a')`)
      await tx.run(sql`insert into public.items values (11, 'b')`)
    })
    expect(await service().run(sql`delete from public.items where id in (10, 11)`)).toBe(2)
  })

  test("roll back when the work throws, with the work's own error", async () => {
    const work = service().transaction(async (tx) => {
      await tx.run(sql`insert into public.items values (20, 'a')`)
      throw new Error('changed my mind')
    })
    await expect(work).rejects.toThrow('changed my mind')
    expect(await service().many(sql`select from public.items where id = 20`)).toEqual([])
  })

  test('throw when the work swallowed an error, because nothing is committed then', async () => {
    for (const prefix of [null, sql`select 1`]) {
      const work = service().transaction(async (tx) => {
        if (prefix !== null) await tx.many(prefix)
        await tx.many(sql`select 1 / ${0}::int`).catch(() => {})
        return 'fine'
      })
      await expect(work).rejects.toThrow('rolled back')
    }
  })

  test('take no connection when they ask nothing', async () => {
    const pools = openPools()
    const db = pools.forDatabase(project.database).asService('service_role', 'test')
    expect(await db.transaction(async () => 'nothing')).toBe('nothing')
    expect(pools.stats().opened).toBe(0)
  })

  test('keep others off their connection between their statements', async () => {
    const pools = openPools({ maxPerPool: 1 })
    const db = pools.forDatabase(project.database)
    const others: Promise<unknown>[] = []
    await db.asService('service_role', 'test').transaction(async (tx) => {
      await tx.run(sql`insert into public.items values (30, 'a')`)
      others.push(
        db.asService('service_role', 'test').one(sql`select count(*) from public.items where id = 30`),
      )
      await until(() => pools.stats().waiting === 1)
      await tx.run(sql`delete from public.items where id = 30`)
    })
    expect(await Promise.all(others)).toEqual([{ count: 0 }])
  })

  test('statements that are not awaited one by one still run in order', async () => {
    const rows = await service().transaction(async (tx) => {
      const all = [1, 2, 3].map((id) => tx.run(sql`insert into public.items values (${40 + id}, 'x')`))
      const [counted] = await Promise.all([
        tx.one(sql`select count(*) from public.items where id > 40`),
        ...all,
      ])
      await tx.run(sql`delete from public.items where id > 40`)
      return counted
    })
    expect(rows).toEqual({ count: 3 })
  })

  test("end their connection's transaction even if it was closed under them", async () => {
    const db = openPools({ maxPerPool: 1 }).forDatabase(project.database)
    const work = db.asService('service_role', 'test').transaction(async (tx) => {
      await tx.run(sql`insert into public.items values (50, 'a')`)
      await project.admin.many(sql`
        select pg_terminate_backend_raw(pid, 1000) from pg_stat_activity
        where datname = ${project.database} and state = 'idle in transaction'`)
      await tx.run(sql`insert into public.items values (51, 'b')`)
    })
    await expect(work).rejects.toMatchObject({ kind: 'unavailable' })
    expect(await db.asService('service_role', 'test').many(sql`select from public.items`)).toEqual([])
  })
})

describe('listening', () => {
  const notify = (channel: string, payload: string) =>
    project.admin.many(sql`select pg_notify(${channel}, ${payload})`)

  test('brings what is notified on several channels, on one connection that does other work too', async () => {
    const pools = openPools({ maxPerPool: 1 })
    const db = pools.forDatabase(project.database)
    const heard: string[] = []
    await db.listen(
      'first',
      (payload) => heard.push(`first ${payload}`),
      () => {},
    )
    await db.listen(
      'Second "x"',
      (payload) => heard.push(`second ${payload}`),
      () => {},
    )
    await db.listen(
      'first',
      (payload) => heard.push(`again ${payload}`),
      () => {},
    )
    for (let i = 0; i < 3; i++) {
      await db.asService('service_role', 'test').one(sql`select 1 as one`)
      await notify('first', String(i))
      await notify('Second "x"', String(i))
    }
    await until(() => heard.length === 9)
    expect(heard.slice(0, 3)).toEqual(['first 0', 'again 0', 'second 0'])
    expect(pools.stats().opened).toBe(1)
  })

  test('goes on when a request tries to end it', async () => {
    const pools = openPools({ maxPerPool: 1 })
    const db = pools.forDatabase(project.database)
    const heard: string[] = []
    await db.listen(
      'steady',
      (payload) => heard.push(payload),
      () => {},
    )
    await db.pipeline('svc', { steps: [step('unlisten *', [], null)], isRead: false })
    await notify('steady', 'still there')
    await until(() => heard.length === 1)
    expect(pools.stats().opened).toBe(1)
  })

  test('shares the connection of requests when places are scarce, and what callers do there does not end it', async () => {
    const pools = openPools({ maxConnections: 2 })
    const db = pools.forDatabase(project.database)
    const heard: string[] = []
    // Takes half of the places.
    const other = await createTestProject()
    await pools
      .forDatabase(other.database)
      .asService('service_role', 'test')
      .one(sql`select 1 as one`)
    let isLost = false
    await db.listen(
      'shared',
      (payload) => heard.push(payload),
      () => (isLost = true),
    )
    for (const isRead of [true, false]) {
      await db.pipeline('api', { steps: [callerStep('anon'), step('unlisten *', [], null)], isRead })
      await notify('shared', String(isRead))
      await until(() => heard.includes(String(isRead)))
    }
    expect(isLost).toBe(false)
    expect(pools.stats()).toMatchObject({ opened: 2, evicted: 0 })
  })

  test('tells once that the connection went: killed, idle or closed', async () => {
    const lost: string[] = []
    const killed = openPools().forDatabase(project.database)
    await killed.listen(
      'a',
      () => {},
      () => lost.push('killed'),
    )
    await killed.listen(
      'b',
      () => {},
      () => lost.push('killed'),
    )
    await project.admin.many(sql`
      select pg_terminate_backend_raw(pid, 1000) from pg_stat_activity
      where datname = ${project.database} and usename = ${`${project.database}_svc`}`)
    await until(() => lost.length === 2)

    const idle = openPools({ idleMs: 40 })
    await idle.forDatabase(project.database).listen(
      'a',
      () => {},
      () => lost.push('idle'),
    )
    await until(() => lost.includes('idle'))
    expect(idle.stats().connections).toBe(0)

    const closed = openPools()
    await closed.forDatabase(project.database).listen(
      'a',
      () => {},
      () => lost.push('closed'),
    )
    await closed.closeDatabase(project.database)
    expect(lost).toEqual(['killed', 'killed', 'idle', 'closed'])
  })

  test('lasts while the database has traffic of any kind', async () => {
    const pools = openPools({ idleMs: 120 })
    const db = pools.forDatabase(project.database)
    let isLost = false
    await db.listen(
      'a',
      () => {},
      () => (isLost = true),
    )
    const end = Date.now() + 500
    while (Date.now() < end) {
      await db.pipeline('api', { steps: [step('select 1')], isRead: true })
      await new Promise((resolve) => setTimeout(resolve, 15))
    }
    expect(isLost).toBe(false)
    await until(() => isLost)
  })
})
