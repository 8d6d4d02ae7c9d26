/**
 * Nothing that one request leaves on a connection reaches the next one. The requests here run SQL that was smuggled into a
 * careless function of the customer's, which is as much as an attacker can get on a pooled connection.
 */
import { createTestProject, type TestProject } from '@favo/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callerStep, openPools, step, texts, until } from '../test/project.ts'
import { sql, type ProjectDb } from './index.ts'

let project: TestProject
beforeAll(async () => {
  project = await createTestProject()
  await project.owner(`
    create function careless(input text) returns void language plpgsql as $$ begin execute input; end $$;
    create function careless_owner(input text) returns void language plpgsql security definer
      as $$ begin execute input; end $$;
    create sequence numbers;
    grant all on numbers to anon;
    create table secrets (owner_id text);
    grant all on secrets to anon, authenticated;
  `)
})
afterAll(() => project.close())

const anon = callerStep('anon')

/** One connection only, so that requests must follow each other on it. */
const openSingle = (): ProjectDb => openPools({ maxPerPool: 1 }).forDatabase(project.database)

async function ask(db: ProjectDb, text: string): Promise<string | null | undefined> {
  const results = await db.pipeline('api', { steps: [anon, step(text)], isRead: false })
  return texts(results[1])[0]?.[0]
}

const smuggle = (db: ProjectDb, statement: string, by = 'careless') =>
  db.pipeline('api', { steps: [anon, step(`select ${by}($1)`, [statement])], isRead: false })

const leftovers: readonly { what: string; leave: string; by?: string; look: string; clean: string | null }[] =
  [
    {
      what: 'claims set for the session',
      leave: `select set_config('request.jwt.claims', '{"sub":"mallory"}', false)`,
      look: `select current_setting('request.jwt.claims')`,
      clean: '{"role":"anon"}',
    },
    {
      what: 'a setting of its own',
      leave: `select set_config('app.tenant', '42', false)`,
      look: `select current_setting('app.tenant', true)`,
      clean: '',
    },
    { what: 'search_path', leave: `set search_path = evil`, look: `show search_path`, clean: 'public' },
    {
      what: 'time zone',
      leave: `set timezone = 'Asia/Tokyo'`,
      look: `select current_setting('timezone') = 'Asia/Tokyo'`,
      clean: 'f',
    },
    { what: 'client encoding', leave: `set client_encoding = latin1`, look: `select 'é'::text`, clean: 'é' },
    { what: 'row_security', leave: `set row_security = off`, look: `show row_security`, clean: 'on' },
    {
      what: 'work_mem',
      leave: `set work_mem = '1GB'`,
      look: `select current_setting('work_mem') = '1GB'`,
      clean: 'f',
    },
    {
      what: 'a session advisory lock',
      leave: `select pg_advisory_lock(7)`,
      look: `select pg_advisory_unlock(7)`,
      clean: 'f',
    },
    {
      what: 'a temporary table',
      leave: `create temp table secrets as select 'mallory' as owner_id; grant all on secrets to anon`,
      by: 'careless_owner',
      look: `select count(*) from secrets`,
      clean: '0',
    },
    {
      what: 'a temporary function',
      leave: `create function pg_temp.helper() returns int language sql as 'select 1'`,
      by: 'careless_owner',
      look: `select count(*) from pg_proc where proname = 'helper'`,
      clean: '0',
    },
    {
      what: 'LISTEN',
      leave: `listen somebody`,
      look: `select count(*) from pg_listening_channels()`,
      clean: '0',
    },
    {
      what: 'a cursor',
      leave: `declare spy cursor with hold for select 1`,
      look: `select count(*) from pg_cursors where name = 'spy'`,
      clean: '0',
    },
  ]

describe('what an injected statement leaves', () => {
  for (const { what, leave, by, look, clean } of leftovers) {
    test(`${what} is gone in the next request on the same connection`, async () => {
      const db = openSingle()
      const before = await ask(db, 'select pg_backend_pid()')
      await smuggle(db, leave, by)
      expect(await ask(db, look)).toBe(clean)
      expect(await ask(db, 'select pg_backend_pid()')).toBe(before)
    })

    test(`${what} is gone in a read`, async () => {
      const db = openSingle()
      await db.pipeline('api', { steps: [anon, step('select 1')], isRead: true })
      await smuggle(db, leave, by)
      // Two at once share the connection; neither sees it.
      const read = { steps: [anon, step(look)], isRead: true }
      const answers = await Promise.all([db.pipeline('api', read), db.pipeline('api', read)])
      expect(answers.map((results) => texts(results[1])[0]?.[0])).toEqual([clean, clean])
    })

    test(`${what} is gone in a transaction of a higher isolation level, too`, async () => {
      const db = openSingle()
      await smuggle(db, leave, by)
      const transaction = { isolation: 'serializable', readOnly: true, end: 'commit' } as const
      const results = await db.pipeline('api', { steps: [anon, step(look)], isRead: true, transaction })
      expect(texts(results[1])[0]?.[0]).toBe(clean)
    })
  }

  test('a read leaves no temporary table, sequence value or cursor', async () => {
    const db = openSingle()
    const read = (text: string, by = 'careless') =>
      db.pipeline('api', { steps: [anon, step(`select ${by}($1)`, [text])], isRead: true })
    await expect(read('create temp table secrets (id int)', 'careless_owner')).rejects.toMatchObject({
      code: '25006',
    })
    await expect(read(`select nextval('numbers')`)).rejects.toMatchObject({ code: '25006' })
    await read('declare spy cursor with hold for select 1')
    expect(await ask(db, `select count(*) from pg_cursors where name = 'spy'`)).toBe('0')
  })

  test('a temporary table is gone, even if the first request after it fails', async () => {
    const db = openSingle()
    await smuggle(db, `create temp table secrets as select 1; grant all on secrets to anon`, 'careless_owner')
    const fail = { steps: [anon, step('select 1/0')], isRead: true }
    await Promise.allSettled([db.pipeline('api', fail), db.pipeline('api', fail)])
    const look = { steps: [anon, step('select count(*) from secrets')], isRead: true }
    expect(texts((await db.pipeline('api', look))[1])).toEqual([['0']])
  })

  test('the value a sequence gave to somebody else is not known', async () => {
    const db = openSingle()
    await smuggle(db, `select nextval('numbers')`)
    await expect(ask(db, 'select lastval()')).rejects.toMatchObject({ code: '55000' })
    await expect(ask(db, `select currval('numbers')`)).rejects.toMatchObject({ code: '55000' })
  })

  test('a role for the session is not the role of the next request', async () => {
    const db = openSingle()
    await smuggle(db, `set role authenticated`)
    expect(await ask(db, 'select current_user')).toBe('anon')
  })
})

describe('defaults under which the next transaction would begin', () => {
  const defaults = [
    { leave: `set default_transaction_read_only = on`, look: 'show transaction_read_only', clean: 'off' },
    {
      leave: `set default_transaction_isolation = serializable`,
      look: 'show transaction_isolation',
      clean: 'read committed',
    },
    { leave: `set statement_timeout = 1`, look: `select 'fine' from pg_sleep(0.05)`, clean: 'fine' },
    { leave: `set transaction_timeout = 20`, look: `select 'fine' from pg_sleep(0.05)`, clean: 'fine' },
  ]
  for (const { leave, look, clean } of defaults) {
    for (const transaction of [undefined, { end: 'commit' } as const]) {
      test(`${leave} ${transaction === undefined ? '' : '(explicit transaction)'}`, async () => {
        const db = openSingle()
        await smuggle(db, leave)
        const request = { steps: [anon, step(look)], isRead: false, ...(transaction && { transaction }) }
        const results = await db.pipeline('api', request)
        expect(texts(results[1])[0]?.[0]).toBe(clean)
      })
    }
  }

  test('an idle timeout left behind costs the next request nothing but a connection', async () => {
    const db = openSingle()
    await smuggle(db, `set idle_session_timeout = 1`)
    await until(async () => {
      const left = await project.admin.many(sql`
        select from pg_stat_activity where datname = ${project.database} and usename ~ '_api$'`)
      return left.length === 0
    })
    expect(await ask(db, `select 'fine'`)).toBe('fine')
  })
})

describe('prepared statements cannot be taken over', () => {
  test('their names cannot be read', async () => {
    const db = openSingle()
    await expect(ask(db, 'select count(*) from pg_prepared_statements')).rejects.toMatchObject({
      code: '42501',
    })
    await expect(ask(db, 'select count(*) from pg_prepared_statement()')).rejects.toMatchObject({
      code: '42501',
    })
  })

  test('DEALLOCATE ALL and statements of an attacker under any guessed name change no answer', async () => {
    const db = openSingle()
    const read = `select 'genuine'`
    expect(await ask(db, read)).toBe('genuine')
    for (const name of ['s1', 'a', '""']) {
      await smuggle(db, 'deallocate all')
      await smuggle(db, `prepare ${name === '""' ? 'x' : name} as select 'forged'`)
      expect(await ask(db, read)).toBe('genuine')
    }
  })

  test('DEALLOCATE ALL in the middle of a service transaction costs one error at most', async () => {
    const db = openPools({ maxPerPool: 1 }).forDatabase(project.database)
    const remove = { steps: [step('deallocate all', [], null)], isRead: false }
    await db.asService('service_role', 'test').transaction(async (tx) => {
      await tx.many({ text: 'select 1', values: [] })
    })
    await db.pipeline('svc', remove)
    const rows = await db.asService('service_role', 'test').transaction(async (tx) => {
      return tx.many({ text: 'select 1 as one', values: [] })
    })
    expect(rows).toEqual([{ one: 1 }])
  })
})
