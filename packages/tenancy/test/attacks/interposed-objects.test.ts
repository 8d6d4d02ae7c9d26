import { interpose, splitStatements } from '@favo/interposer'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attempt, expectDone, expectRefused, startTenants, type Outcome, type Tenants } from '../tenants.ts'

// Event triggers, publications and extensions: what the customer gets of a superuser's statements, and no more (H10-H12).
let tenants: Tenants
let owner: Client
beforeAll(async () => {
  tenants = await startTenants()
  owner = await tenants.login(tenants.attacker, 'own')
  expectDone(
    await send(
      `create schema audit;
       create table audit.calls (at timestamptz default clock_timestamp(), cur text, ses text, tag text, more text);
       create function audit.note() returns event_trigger language plpgsql as $$
         begin insert into audit.calls (cur, ses, tag) values (current_user, session_user, tg_tag); end $$;
       create event trigger note on ddl_command_start execute function audit.note()`,
    ),
  )
})
afterAll(async () => {
  await owner.end()
  await tenants.close()
})

async function send(source: string, session = owner): Promise<Outcome> {
  let outcome: Outcome = { code: null, rows: [] }
  for (const { text } of await splitStatements(source))
    for (const { sql } of await interpose(text)) {
      outcome = await attempt(session, sql)
      if (outcome.code !== null) return outcome
    }
  return outcome
}
const rows = async (text: string) => {
  const outcome = await send(text)
  expectDone(outcome)
  return outcome.code === null ? outcome.rows : []
}

describe('an event trigger of a customer', () => {
  test('H11: acts for postgres, also inside statements that act as superuser', async () => {
    await send('truncate audit.calls')
    expectDone(
      await send('create extension seg; drop extension seg; create table t1 (id int); drop table t1'),
    )
    expect(await rows('select distinct cur, ses from audit.calls')).toEqual([
      { cur: 'favo_evt', ses: `${tenants.attacker.database}_own` },
    ])
    expect(await rows(`select count(*) > 3 as enough from audit.calls`)).toEqual([{ enough: true }])
  })

  test('never runs in a session of the platform, even one that forgot to switch event triggers off', async () => {
    await send('truncate audit.calls')
    const admin = await tenants.superuser(tenants.attacker.database, { options: '-c search_path=pg_catalog' })
    await admin.query('create table public.by_platform (id int); drop table public.by_platform')
    await admin.end()
    const service = await tenants.login(tenants.attacker, 'svc')
    expectDone(await attempt(service, 'set role service_role', 'create temp table by_service (id int)'))
    await service.end()
    expect(await rows('select * from audit.calls')).toEqual([])
  })

  test('cannot become anybody else while it runs', async () => {
    for (const escape of [
      `set local role postgres`,
      `set session authorization favo_admin`,
      `reset role`,
      `perform set_config('role', 'favo_admin', true)`,
      `alter role favo_evt superuser`,
      `create extension plperlu`,
      `alter function pg_favo.guard_ddl() owner to postgres`,
      `update pg_favo.protected_objects set fingerprint = ''`,
      `delete from pg_favo.allowed_extensions`,
      `insert into pg_favo.maintenance_sessions values (pg_backend_pid(), now())`,
    ]) {
      expectDone(
        await send(
          `create or replace function audit.escape() returns event_trigger language plpgsql as $$
             begin if tg_tag = 'CREATE SEQUENCE' then ${escape}; end if; end $$;
           drop event trigger if exists escape;
           create event trigger escape on ddl_command_end execute function audit.escape()`,
        ),
      )
      expect((await send('create sequence audit.s')).code, escape).toMatch(/^42501$|^0A000$|^42P13$/)
    }
    expectDone(await send('drop event trigger escape; drop function audit.escape()'))
  })

  test('its copy follows the source and belongs to nobody', async () => {
    expectDone(
      await send(
        `create or replace function audit.note() returns event_trigger language plpgsql as $$
           <<outer_block>> declare x text := 'replaced'; begin
             insert into audit.calls (cur, more) values (current_user, outer_block.x);
           end outer_block /* a comment at the end */ $$;
         truncate audit.calls; create table t2 (id int); drop table t2`,
      ),
    )
    expect(await rows('select distinct cur, more from audit.calls')).toEqual([{ cur: 'favo_evt', more: 'replaced' }]) // prettier-ignore
    const [{ copy } = { copy: '' }] = await rows(`select evtfoid::regprocedure::text as copy from pg_event_trigger where evtname = 'note'`) // prettier-ignore
    for (const text of [
      `alter function ${String(copy)} security invoker`,
      `alter function ${String(copy)} owner to postgres`,
      `drop function ${String(copy)} cascade`,
      `create or replace function ${String(copy)} returns event_trigger language plpgsql as 'begin end'`,
      `select ${String(copy)}`,
    ])
      expectRefused(await send(text), '42501')
  })

  test('a source that is dropped takes its trigger along', async () => {
    expectDone(
      await send(
        `create function audit.short() returns event_trigger language plpgsql as 'begin end';
         create event trigger short on sql_drop execute function audit.short();
         drop function audit.short() cascade`,
      ),
    )
    expect(await rows(`select from pg_event_trigger where evtname = 'short'`)).toEqual([])
    expect(await rows(`select from pg_favo.event_triggers where name = 'short'`)).toEqual([])
  })

  test('triggers that refuse everything can be dropped all the same', async () => {
    expectDone(
      await send(
        `create function audit.refuse() returns event_trigger language plpgsql as $$
           begin if current_setting('x.refuse', true) = 'on' then raise 'refused'; end if; end $$;
         create event trigger refuse_1 on ddl_command_start execute function audit.refuse();
         create event trigger refuse_2 on ddl_command_start execute function audit.refuse();
         set x.refuse = on`,
      ),
    )
    expectRefused(await send('create table refused_here (id int)'), 'P0001')
    expectDone(
      await send(
        'drop event trigger refuse_1; alter event trigger refuse_2 disable; drop event trigger refuse_2; drop function audit.refuse()',
      ),
    )
    expectDone(
      await send(
        `create event trigger again on sql_drop execute function audit.note(); drop event trigger again`,
      ),
    )
    expect(
      await rows(`select count(*)::int as copies from pg_proc where proowner = 'favo_evt'::regrole`),
    ).toEqual([{ copies: 2 }])
  })

  test('a body that tries to end the guard’s block is no body', async () => {
    const outcome = await send(
      `set check_function_bodies = off;
       create function audit.breakout() returns event_trigger language plpgsql as
         $$ begin end; end; $f$; create table audit.broken (id int); -- $$;
       create event trigger breakout on ddl_command_end execute function audit.breakout()`,
    )
    await send('reset check_function_bodies; drop function audit.breakout()')
    expectRefused(outcome, '42601')
  })

  test('H12: settings of the source reach the copy as names only', async () => {
    expectDone(
      await send(
        `create function audit.pathed() returns event_trigger language plpgsql
           set search_path to "public; alter role favo_evt superuser; --", 'a" b', pg_temp set work_mem = '1MB'
           as 'begin end';
         create event trigger pathed on ddl_command_end execute function audit.pathed()`,
      ),
    )
    const [row] = await rows(
      `select p.proconfig::text as config from pg_event_trigger join pg_proc p on p.oid = evtfoid where evtname = 'pathed'`,
    )
    expect(row?.config).toContain('public; alter role favo_evt superuser; --')
    expect(row?.config).not.toContain('work_mem')
    expectDone(await send('drop event trigger pathed; drop function audit.pathed()'))
  })

  test.each([
    ['alter event trigger favo_guard_ddl disable', '42501'],
    ['drop event trigger favo_guard_ddl', '42501'],
    ['drop event trigger if exists favo_guard_drop', '42501'],
    ['alter event trigger favo_notify_rest_ddl rename to x', '42501'],
    [`comment on event trigger favo_guard_ddl is 'x'`, '42501'],
    ['create event trigger favo_mine on ddl_command_end execute function audit.note()', '42939'],
    ['create event trigger e on login execute function audit.note()', '42501'],
    ['create event trigger e on nonsense execute function audit.note()', '42601'],
    ['create event trigger note on sql_drop execute function audit.note()', '42710'],
    ['create event trigger e on sql_drop execute function audit.none()', '42883'],
    ['create event trigger e on sql_drop execute function pg_favo.guard_drop()', '42501'],
    ['create event trigger e on sql_drop execute function pg_catalog.now()', '42501'],
    [`create event trigger e on ddl_command_end when tag in ('x''); drop table audit.calls; --') execute function audit.note()`, '42601'],
    ['drop event trigger nothing', '42704'],
    ['alter event trigger note owner to anon', '42501'],
  ])('%s is refused', async (text, code) => {
    expectRefused(await send(text), code)
  }) // prettier-ignore

  test('there are at most ten', async () => {
    const outcomes: (string | null)[] = []
    for (let i = 0; i < 10; i++)
      outcomes.push(
        (await send(`create event trigger many_${i} on sql_drop execute function audit.note()`)).code,
      )
    expect(outcomes).toEqual([...Array<null>(9).fill(null), '54000'])
    expectDone(await send(outcomes.flatMap((code, i) => (code === null ? [`drop event trigger many_${i}`] : [])).join(';'))) // prettier-ignore
  })
})

describe('publications of all tables', () => {
  test('have the customer’s tables, also new ones, and none of the platform’s', async () => {
    expectDone(
      await send(
        `create table public.early (id int primary key); create publication everything for all tables;
         create table audit.late (id int primary key); create temp table hidden (id int)`,
      ),
    )
    const published = await rows(
      `select schemaname || '.' || tablename as t from pg_publication_tables where pubname = 'everything' order by 1`,
    )
    expect(published.map(({ t }) => t)).toEqual(['audit.calls', 'audit.late', 'public.early'])
    expectDone(
      await send(
        `alter publication everything drop table public.early; drop publication everything;
         create publication everything; create table public.after (id int primary key)`,
      ),
    )
    expect(await rows(`select from pg_publication_tables where pubname = 'everything'`)).toEqual([])
    expectDone(await send('alter publication everything add tables in schema public, auth, pg_catalog'))
    expect(
      await rows(`select distinct schemaname from pg_publication_tables where pubname = 'everything'`),
    ).toEqual([{ schemaname: 'public' }])
    expectRefused(await send('alter publication everything add tables in schema nowhere'), '3F000')
    expectRefused(await send('alter publication nobodys add tables in schema public'), '42704')
  })
})

describe('extensions', () => {
  test.each([
    ['create extension plperl', '42501'],
    ['create extension dblink', '42501'],
    ['create extension postgis', '0A000'],
    ['alter extension plpgsql set schema public', '42501'],
    ['alter extension pgcrypto set schema public', '42501'],
    ['alter extension plpgsql update', '42501'],
    ['alter extension nothing update', '42704'],
    ['alter extension hstore set schema pg_catalog', '42501'],
    ['alter extension hstore set schema auth', '42501'],
    ['alter extension hstore set schema nowhere', '3F000'],
    ['create extension ltree schema auth', '42501'],
    ['create extension ltree schema storage', '42501'],
    ['drop extension pgcrypto', '42501'],
  ])('%s is refused', async (text, code) => {
    expectDone(await send('create extension if not exists hstore'))
    expectRefused(await send(text), code)
  })

  test('secrets of the vault are closed to API roles, and their key to everybody but who may read them', async () => {
    expectDone(
      await send(
        `create extension supabase_vault with schema vault; select vault.create_secret('hidden', 'a')`,
      ),
    )
    for (const role of ['anon', 'authenticated'])
      for (const text of ['select * from vault.decrypted_secrets', 'select pg_favo.vault_key()']) {
        expectRefused(await send(`begin; set local role ${role}; ${text}`), '42501')
        await send('rollback')
      }
    const stranger = await tenants.login(tenants.victim, 'own')
    const keys = await Promise.all(
      [owner, stranger].map(async (session) => attempt(session, 'select pg_favo.vault_key() as key')),
    )
    await stranger.end()
    expect(keys[0]).not.toEqual(keys[1])
    expectRefused(await send('select * from pg_favo.vault_keys'), '42501')
  })
})

test('what a statement comes to does not depend on the session’s settings', async () => {
  const session = await tenants.login(tenants.attacker, 'own')
  expectDone(
    await attempt(
      session,
      `set standard_conforming_strings = off; set backslash_quote = on; set escape_string_warning = off;
       set quote_all_identifiers = on; set transform_null_equals = on; set check_function_bodies = off;
       set search_path = public; set default_transaction_isolation = serializable`,
    ),
  )
  expectDone(
    await send(
      `create role "settled" login password 'a''b"c'; grant "settled" to authenticator;
       alter role settled set search_path to "a b", public; alter database postgres set x.y = 'it''s';
       alter database postgres reset x.y; create table public.settled (id int primary key);
       grant select on public.settled to "settled";
       create function public.settled_event() returns event_trigger language plpgsql as $b$ begin
         perform 1; -- end
       end $b$;
       create event trigger settled on sql_drop when tag in ('DROP TABLE') execute function public.settled_event();
       create publication settled for all tables; drop publication settled;
       drop table public.settled; drop function public.settled_event() cascade; drop role settled`,
      session,
    ),
  )
  await session.end()
})

test('functions behind those that customers call are not for customers', async () => {
  for (const call of [
    `copy_event_function('x', 'audit.note'::regproc)`,
    `own_event_trigger('note')`,
    `set_attributes('favo_admin', '{}')`,
    `own_role('x')`,
    `share_with_owner('anon', true)`,
    `membership('anon', 'postgres')`,
    `set_login_settings(array['_svc'], 'work_mem', '1MB')`,
    `reset_login_settings(array['_svc'])`,
    `add_open_tables()`,
    'is_platform_session()',
  ])
    expectRefused(await send(`select pg_favo.${call}`), '42501')
})

test('who is not postgres can call nothing that changes anything', async () => {
  const callable = await rows(`
    select proname::text as name from pg_proc
    where pronamespace = 'pg_favo'::regnamespace and has_function_privilege('anon', oid, 'execute') order by 1`)
  expect(callable.map(({ name }) => name)).toEqual([
    'count_prepared',
    // By the rights of who calls.
    'resolve_role',
    'run_for_roles',
    'set_role',
  ])
  expectRefused(
    await send(`begin; set local role anon; select pg_favo.run_for_roles(array['create table public.x (id int)'])`),
    '42501',
  ) // prettier-ignore
  await send('rollback')
})
