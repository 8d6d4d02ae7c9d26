import type { CreatedProject, ErrorBody, Migration, Seed } from '@favo/contracts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  eventually,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
let ref: string

beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
})
afterAll(() => platform.close())
beforeEach(async () => {
  ref = (await control.request<CreatedProject>('POST', '/projects', { name: 'demo' })).body.ref
})

const query = <Body = ErrorBody>(text: string, more: Record<string, unknown> = {}) =>
  control.request<Body>('POST', `/projects/${ref}/database/query`, { query: text, ...more })
const rows = async (text: string) => {
  const reply = await query<Record<string, unknown>[]>(text)
  expect(reply.status, JSON.stringify(reply.body)).toBe(201)
  return reply.body
}
const migrate = <Body = ErrorBody>(body: Record<string, unknown>) =>
  control.request<Body>('POST', `/projects/${ref}/database/migrations`, body)
const history = async () =>
  (await control.request<Migration[]>('GET', `/projects/${ref}/database/migrations`)).body

describe('queries', () => {
  test('the rows of the last statement that returns any are the answer', async () => {
    expect(await rows('select 1 as a; select 2 as b, null as c; create table t (id int)')).toEqual([
      { b: 2, c: null },
    ])
    expect(await rows('create table u (id int)')).toEqual([])
    expect(await rows('select 1 as a where false')).toEqual([])
    expect(await rows('-- nothing but a comment')).toEqual([])
  })

  test('values have their JSON types', async () => {
    expect(
      await rows(
        `select true as b, 1 as i, 9007199254740993 as big, 1.50::numeric as n, '{"a":1}'::jsonb as j,
          array[1, null] as l, '2026-01-01'::date as d, 'x'::text as t, '{a,b}'::name[] as names`,
      ),
    ).toEqual([
      {
        b: true,
        i: 1,
        big: '9007199254740993',
        n: '1.50',
        j: { a: 1 },
        l: [1, null],
        d: '2026-01-01',
        t: 'x',
        names: ['a', 'b'],
      },
    ])
  })

  test('parameters are bound to a single statement', async () => {
    const reply = await query<unknown>(
      'select $1::int + 1 as a, $2::text[] as b, $3::jsonb as c, $4::text as d',
      {
        parameters: [1, ['x', 'y'], { k: true }, null],
      },
    )
    expect(reply.body).toEqual([{ a: 2, b: ['x', 'y'], c: { k: true }, d: null }])
    const two = await query('select 1; select $1', { parameters: [1] })
    expect(two).toMatchObject({ status: 400, body: { code: 'sql_refused' } })
  })

  test('it runs as postgres, who is no superuser', async () => {
    expect(
      await rows('select current_user::text as name, rolsuper from pg_roles where rolname = current_user'),
    ).toEqual([{ name: 'postgres', rolsuper: false }])
  })

  test('several statements take effect together or not at all', async () => {
    const failed = await query('create table together (id int); insert into together values (1); select 1/0')
    expect(failed).toMatchObject({ status: 400, body: { code: '22012', message: 'division by zero' } })
    expect(await rows("select to_regclass('together') as found")).toEqual([{ found: null }])
  })

  test('an error says what, in which statement, where, and on which line', async () => {
    const reply = await query("select 'é';\n\nselect nothing\nfrom nowhere")
    expect(reply.status).toBe(400)
    expect(reply.body).toMatchObject({
      message: 'relation "nowhere" does not exist',
      code: '42P01',
      sql: { statement: 2, position: 21, line: 4, text: 'select nothing\nfrom nowhere' },
    })
    expect(Object.keys(reply.body).sort()).toEqual(['code', 'message', 'request_id', 'sql'])
  })

  test('a syntax error points at its statement', async () => {
    expect((await query('select 1; selec 2')).body).toMatchObject({
      code: '42601',
      message: 'syntax error at or near "selec"',
      sql: { statement: 2, position: 1, line: 1 },
    })
  })

  test('a constraint that is checked at commit fails the query', async () => {
    await rows('create table p (id int primary key, q int references p (id) deferrable initially deferred)')
    expect((await query('insert into p values (1, 99)')).body).toMatchObject({ code: '23503' })
    expect(await rows('select * from p')).toEqual([])
  })

  test('what one query leaves in the session does not reach the next', async () => {
    await rows("set role anon; set search_path to pg_catalog; select set_config('a.b', 'left', false)")
    await rows('create temp table left_over (id int); listen something; select pg_advisory_lock(1)')
    for (let i = 0; i < 4; i++)
      expect(
        await rows(
          `select current_user::text as name, coalesce(current_setting('a.b', true), '') as setting,
            to_regclass('left_over')::text as temp,
            (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks`,
        ),
      ).toEqual([{ name: 'postgres', setting: '', temp: null, locks: 0 }])
  })

  test.each([
    ['insert', 'insert into t values (1)'],
    ['data-modifying CTE', 'with x as (insert into t values (1) returning *) select * from x'],
    ['mode changed by SET TRANSACTION', 'set transaction read write; insert into t values (1)'],
    ['mode changed by setting', 'set transaction_read_only = off; insert into t values (1)'],
    [
      'mode changed by function',
      "select set_config('transaction_read_only', 'off', true); insert into t values (1)",
    ],
    ['commit first', 'commit; insert into t values (1)'],
    ['rollback first', 'rollback; insert into t values (1)'],
    ['commit in comments', '/* x */ commit /* y */ and chain; insert into t values (1)'],
    ['commit in a block', 'do $$ begin commit; insert into t values (1); end $$'],
    ['prepared', 'prepare p as insert into t values (1); execute p'],
    ['default of later ones', 'set default_transaction_read_only = off; insert into t values (1)'],
  ])('read_only changes nothing: %s', async (_name, text) => {
    await rows('create table t (id int)')
    const reply = await query(text, { read_only: true })
    expect(reply.status).toBe(400)
    expect(await rows('select * from t')).toEqual([])
  })

  test('read_only reads', async () => {
    expect((await query('select 1 as a', { read_only: true })).body).toEqual([{ a: 1 }])
  })

  test.each([
    ['COPY from the client', 'create table t (id int); copy t from stdin', 'COPY from stdin'],
    ['a transaction left open', 'begin; create table t (id int)', 'does not end it'],
    ['commands of psql', '\\dt', 'a command of psql'],
    ['more parameters than given', 'select $2', ''],
  ])('%s is refused with a sentence', async (_name, text, sentence) => {
    const reply = await query(text)
    expect(reply.status).toBe(400)
    expect(reply.body.message).toContain(sentence)
    expect(await rows("select to_regclass('t') as found")).toEqual([{ found: null }])
  })

  test('SQL with transactions of its own runs as written', async () => {
    const reply = await query(
      'begin; create table kept (id int); commit; begin; create table lost (id int); rollback; select 1 as a',
    )
    expect(reply.body).toEqual([{ a: 1 }])
    expect(
      await rows("select to_regclass('kept') is null as kept, to_regclass('lost') is null as lost"),
    ).toEqual([{ kept: false, lost: true }])
  })

  test('the control plane’s own tables are out of reach', async () => {
    for (const text of [
      'select * from control.projects',
      'set role favo_admin',
      "select pg_read_file('/etc/passwd')",
    ])
      expect((await query(text)).status).toBe(400)
  })

  test('when the client leaves, its statement is cancelled', async () => {
    const gone = new AbortController()
    const request = fetch(`${control.url}/v1/projects/${ref}/database/query`, {
      method: 'POST',
      headers: { authorization: `Bearer ${control.token}` },
      body: JSON.stringify({ query: 'select pg_sleep(600) /* abandoned */' }),
      signal: gone.signal,
    }).catch(() => undefined)
    const running = async () =>
      (
        await rows(
          "select count(*) as n from pg_stat_activity where state = 'active' and query like 'select pg_sleep(600)%'",
        )
      )[0]?.n
    await eventually(running).toBe(1)
    gone.abort()
    await request
    await eventually(running).toBe(0)
  })
})

describe('migrations', () => {
  test('an applied migration is in the history that Supabase’s CLI keeps', async () => {
    expect(await history()).toEqual([])
    const query = '-- first\ncreate table a (id int);\ncreate table b (id int);\n-- end\n'
    expect((await migrate({ query, name: 'tables', version: '20260101000000' })).status).toBe(200)
    expect(await history()).toEqual([{ version: '20260101000000', name: 'tables' }])
    expect(await rows('select * from supabase_migrations.schema_migrations')).toEqual([
      {
        version: '20260101000000',
        statements: ['-- first\ncreate table a (id int)', 'create table b (id int)', '-- end'],
        name: 'tables',
      },
    ])
  })

  test('without a version the time of day becomes one, and two in a second differ', async () => {
    const replies = await Promise.all(
      [1, 2, 3].map((i) => migrate<Migration>({ query: `create table m${i} (id int)` })),
    )
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200])
    const versions = (await history()).map(({ version }) => version)
    expect(new Set(versions).size).toBe(3)
    for (const version of versions) expect(version).toMatch(/^\d{14}$/)
  })

  test('nothing of a migration that fails stays, nor its row', async () => {
    const failed = await migrate({
      query: 'create table first (id int);\ninsert into nowhere values (1)',
      version: '1',
      name: 'bad',
    })
    expect(failed).toMatchObject({ status: 400, body: { code: '42P01', sql: { statement: 2, line: 2 } } })
    expect(await history()).toEqual([])
    expect(await rows("select to_regclass('first') as found")).toEqual([{ found: null }])
  })

  test('a file wrapped in a transaction is as atomic as any other', async () => {
    const failed = await migrate({
      query: 'begin; create table w (id int); commit; select 1/0',
      version: '1',
    })
    expect(failed.status).toBe(400)
    const wrapped = await migrate({
      query: 'begin; create table x (id int); select 1/0; commit;',
      version: '2',
    })
    expect(wrapped).toMatchObject({ status: 400, body: { code: '22012' } })
    expect(await rows("select to_regclass('x') as found")).toEqual([{ found: null }])
    expect((await migrate({ query: 'begin; create table x (id int); commit;', version: '2' })).status).toBe(
      200,
    )
    expect(
      await rows("select statements from supabase_migrations.schema_migrations where version = '2'"),
    ).toEqual([{ statements: ['begin', 'create table x (id int)', 'commit'] }])
  })

  test('a version is applied once, also by rivals', async () => {
    const replies = await Promise.all(
      [1, 2, 3].map(() =>
        migrate({
          query: 'create table if not exists once (id int); insert into once values (1)',
          version: '7',
        }),
      ),
    )
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 409, 409])
    expect(replies.find(({ status }) => status === 409)?.body.message).toBe(
      'The migration 7 is applied already.',
    )
    expect(await rows('select count(*) as n from once')).toEqual([{ n: 1 }])
  })

  test('a migration that changes role and search path is recorded all the same', async () => {
    const reply = await migrate({
      query: "set role anon; select set_config('search_path', '', false)",
      version: '3',
    })
    // anon may not write the history: the whole file is refused rather than half done.
    expect([200, 400]).toContain(reply.status)
    expect(await history()).toEqual(reply.status === 200 ? [{ version: '3' }] : [])
  })

  test('PUT records a migration without running it', async () => {
    const put = await control.request('PUT', `/projects/${ref}/database/migrations`, {
      query: 'create table never (id int)',
      name: 'recorded',
      version: '9',
      rollback: 'drop table never',
    })
    expect(put.status).toBe(200)
    expect(await history()).toEqual([{ version: '9', name: 'recorded' }])
    expect(await rows("select to_regclass('never') as found")).toEqual([{ found: null }])
    expect(await rows('select rollback from supabase_migrations.schema_migrations')).toEqual([
      { rollback: ['drop table never'] },
    ])
  })

  test('the history table of an old CLI, which has versions alone, is read and completed', async () => {
    await rows(
      "create schema if not exists supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key); insert into supabase_migrations.schema_migrations values ('1')",
    )
    expect(await history()).toEqual([{ version: '1' }])
    expect((await migrate({ query: 'select 1', version: '2', name: 'two' })).status).toBe(200)
    expect(await history()).toEqual([{ version: '1' }, { version: '2', name: 'two' }])
  })

  test('a version with SQL in it is refused', async () => {
    expect((await migrate({ query: 'select 1', version: "1'; drop table x; --" })).status).toBe(422)
  })
})

describe('seeds', () => {
  const hash = 'a'.repeat(64)
  const put = (body: Record<string, unknown>) =>
    control.request<ErrorBody>('PUT', `/projects/${ref}/database/seeds`, body)
  const seeds = async () => (await control.request<Seed[]>('GET', `/projects/${ref}/database/seeds`)).body

  test('a seed runs with its hash in one transaction', async () => {
    await rows('create table s (id int)')
    expect(await seeds()).toEqual([])
    const path = 'supabase/seed.sql'
    expect((await put({ path, hash, query: 'insert into s values (1); select 1/0' })).status).toBe(400)
    expect(await seeds()).toEqual([])
    expect((await put({ path, hash, query: 'insert into s values (1);' })).status).toBe(200)
    expect(await seeds()).toEqual([{ path, hash }])
    expect((await put({ path, hash: 'b'.repeat(64) })).status).toBe(200)
    expect(await seeds()).toEqual([{ path, hash: 'b'.repeat(64) }])
    expect(await rows('select * from s')).toEqual([{ id: 1 }])
  })
})
