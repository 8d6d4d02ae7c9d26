/**
 * The catalogue of attacks on a shared cluster, through both ports, where statements are rewritten and backends are shared. What
 * Postgres itself holds against them, without a gateway, is in packages/tenancy/test/attacks; their numbers are the same.
 */
import { sql } from '@favo/postgres'
import type { TestProject } from '@favo/testkit'
import type { Client, QueryConfig } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startPgGateway, type Port, type TestGateway } from './start-pg-gateway.ts'

let gateway: TestGateway
let attacker: TestProject
let victim: TestProject
beforeAll(async () => {
  gateway = await startPgGateway()
  attacker = await gateway.newProject()
  victim = await gateway.newProject()
  await victim.owner(`create table secrets (word text); insert into secrets values ('honey')`)
})
afterAll(() => gateway.close())

/** `A` and `V` stand for the databases of attacker and victim. None of these may succeed. */
const refused: Readonly<Record<string, readonly string[]>> = {
  A10: ['set session authorization favo_admin', 'set session authorization V_db'],
  B01: ['set role favo_admin', `select set_config('role', 'favo_admin', false)`],
  B02: ['set role V_db', 'set role V_svc', 'set role V'],
  B03: ['set role pg_read_all_data', 'set role pg_execute_server_program', 'set role pg_signal_backend'],
  B04: ['grant pg_write_all_data to anon', 'grant pg_execute_server_program to postgres'],
  B05: ['grant favo_admin to postgres', 'grant V to postgres', 'grant V_db to A_db', 'grant V_svc to anon'],
  B06: ['alter role A_db superuser', 'alter role A_db createrole', 'alter role A_db replication', 'alter role A_db connection limit 1000', `alter role A_db valid until 'infinity'`],
  B07: ['alter role anon login', 'alter role anon bypassrls', 'alter role postgres superuser', 'alter role anon rename to nobody'],
  B08: [`alter role V_db password 'mine'`, 'alter role V_db rename to gone', 'alter role V_db nologin'],
  B10: ['create role x superuser', 'create role x replication', 'create role x in role pg_write_all_data', 'create role x in role favo_admin'],
  B12: ['grant postgres to anon', 'grant postgres to authenticated with admin option', 'revoke anon from authenticator'],
  B13: ['drop role anon', 'drop role V_db', 'drop role postgres', 'drop role favo_admin'],
  B14: ['drop owned by V_db', 'reassign owned by V_db to postgres', 'reassign owned by favo_admin to postgres'],
  C01: [`alter database V set work_mem = '1GB'`, 'alter database V owner to postgres', 'alter database V rename to gone', 'alter database V allow_connections false', 'alter database V is_template true'],
  C02: ['drop database V', 'drop database V with (force)', 'drop database postgres'],
  C03: ['create database x', 'create database x template V'],
  C05: ['alter database A connection limit 1000', 'alter database A owner to postgres', `alter database postgres set temp_file_limit = -1`],
  C07: ['select * from V.public.secrets'],
  D01: [`select pg_read_file('/etc/passwd')`, `select pg_read_binary_file('PG_VERSION')`, `select pg_ls_dir('.')`, `select pg_stat_file('PG_VERSION')`],
  D02: ['select pg_ls_logdir()', 'select * from pg_ls_waldir_raw()'],
  D03: [`copy (select 1) to '/tmp/favo-attack'`, `create temp table f (l text) on commit drop; copy f from '/etc/passwd'`],
  D04: [`copy (select 1) to program 'true'`],
  D05: [`select lo_import('/etc/passwd')`, `select lo_export(1, '/tmp/favo-attack')`],
  D06: [`create function c() returns int language c as 'libc', 'system'`, `create function i() returns int language internal as 'now'`, 'create language plpython3u'],
  D07: ['create extension plperl', 'create extension pltcl'],
  D08: ['create extension adminpack', 'create extension file_fdw', 'create extension pageinspect', 'create extension postgres_fdw', 'create extension dblink'],
  D09: [`load 'auth_delay'`, `set session_preload_libraries = 'x'`, `set dynamic_library_path = '/tmp'`],
  D11: [`create tablespace t location '/tmp'`],
  D12: ['create foreign data wrapper w', 'create server s foreign data wrapper w', 'create user mapping for postgres server s'],
  D14: [`create subscription s connection 'host=127.0.0.1' publication p`],
  D15: ['create access method m type table handler heap_tableam_handler', 'create text search template t (lexize = dsimple_lexize)'],
  D17: ['select pg_reload_conf()', 'select pg_rotate_logfile()', 'select pg_switch_wal()', `select pg_create_restore_point('x')`, `select pg_backup_start('x')`, 'select pg_promote()', 'checkpoint'],
  D18: ['alter system set work_mem = 1', 'alter system reset all'],
  D19: ['set session_replication_role = replica', 'set allow_system_table_mods = on', 'set zero_damaged_pages = on', 'set log_statement = none', 'set temp_file_limit = -1'],
  D20: [`select set_config('session_replication_role', 'replica', false)`, 'grant set on parameter log_statement to postgres'],
  D21: [`update pg_authid set rolsuper = true`, `delete from pg_database where datname = 'V'`, `update pg_class set relowner = 10`],
  D22: [`select pg_import_system_collations('pg_catalog')`, `select pg_replication_origin_create('x')`],
  E01: ['select rolpassword from pg_authid', 'select passwd from pg_shadow'],
  E02: ['select * from pg_hba_file_rules', 'select * from pg_file_settings', 'show data_directory'],
  E07: ['select * from pg_db_role_setting'],
  E08: ['select * from pg_shdepend'],
  E14: [`select pg_database_size('V')`],
  E19: ['select pg_stat_reset_shared()', `select pg_stat_reset_slru()`],
  E20: ['select pg_log_backend_memory_contexts(1)'],
  F02: ['select pg_terminate_backend(1)'],
  H01: ['drop table auth.users', 'alter table auth.users add column x int', 'drop schema auth cascade'],
  H02: ['create or replace function auth.uid() returns uuid language sql as $$ select null::uuid $$'],
  H06: ['drop event trigger favo_guard_ddl', 'alter event trigger favo_guard_ddl disable', 'drop function pg_favo.set_role cascade', 'drop schema pg_favo cascade'],
  H08: ['create or replace function extensions.digest(text, text) returns bytea language sql as $$ select null::bytea $$'],
  H10: [`select pg_favo.db_setting('log_statement', 'all')`, `select pg_favo.set_role('V_db')`, `alter role postgres set session_preload_libraries = 'x'`],
  H11: ['create event trigger e on login execute function auth.uid()'],
  R08: [`select pg_create_physical_replication_slot('x')`, `select pg_create_logical_replication_slot('x', 'pgoutput')`],
  R09: [`select pg_logical_emit_message(false, 'x', 'y')`],
  R12: ['reindex system postgres', 'cluster pg_database using pg_database_oid_index'],
} // prettier-ignore

/** Postgres says in a warning that it does nothing. */
const withoutEffect: Readonly<Record<string, readonly string[]>> = {
  C04: ['grant connect on database V to postgres', 'revoke all on database V from public'],
  C06: ['grant connect on database A to V_db', 'grant connect on database A to public'],
  R12: ['vacuum full pg_database', 'analyze pg_authid'],
}

/** What may run, because nobody is hurt by it: the answer, as text, must not hold any of the victim's names or words. */
const blind: Readonly<Record<string, string>> = {
  E09: `select datname, usename, application_name, client_addr from pg_stat_activity`,
  E10: `select query from pg_stat_activity`,
  E11: `select datname, xact_commit from pg_stat_database where xact_commit > 0`,
  E12: `select l.* from pg_locks l join pg_database d on d.oid = l.database where d.datname <> current_database()`,
  E13: `select * from pg_replication_slots union all select * from pg_replication_slots`,
  E15: `select * from extensions.pg_stat_statements`,
  F03: `select pid from pg_stat_activity where datname <> current_database()`,
}

const ports: readonly Port[] = ['session', 'transaction']
describe.each(ports)('through the %s port', (port) => {
  const named = (text: string): string =>
    text.replaceAll(/\bV(?=_|\b)/g, victim.database).replaceAll(/\bA(?=_|\b)/g, attacker.database)

  test.each(Object.keys(refused))('%s is refused', async (id) => {
    const client = await gateway.connect(port, attacker)
    for (const text of refused[id] ?? [])
      for (const queryMode of ['simple', 'extended']) {
        const outcome = await client.query({ text: named(text), queryMode } as QueryConfig).then(
          () => 'done',
          ({ code }: { code: string }) => code,
        )
        expect(outcome, `${text}, ${queryMode}`).toMatch(refusals)
        expect(await whoIs(client), text).toBe('postgres')
      }
    await client.end()
  })

  test.each(Object.keys(withoutEffect))('%s has no effect', async (id) => {
    const client = await gateway.connect(port, attacker)
    const warnings: unknown[] = []
    client.on('notice', ({ code }) => warnings.push(code))
    const facts = () =>
      victim.admin.many(
        sql`select datacl::text from pg_database where datname in (${attacker.database}, ${victim.database}) order by datname`,
      )
    const before = await facts()
    for (const text of withoutEffect[id] ?? []) {
      const count = warnings.length
      const outcome = await client.query(named(text)).then(
        () => 'done',
        ({ code }: { code: string }) => code,
      )
      expect(
        outcome === 'done' ? warnings.length > count : refusals.test(outcome),
        `${text}: ${outcome}`,
      ).toBe(true)
    }
    expect(await facts()).toEqual(before)
    await client.end()
  })

  test.each(Object.entries(blind))('%s shows nothing of the victim', async (id, text) => {
    const held = await gateway.connect(port, victim)
    await held.query(`begin; select 'honey', pg_advisory_xact_lock(7)`)
    const client = await gateway.connect(port, attacker)
    const { rows } = await client.query(text)
    await Promise.all([held.end(), client.end()])
    // Its own statements of before may name anybody.
    expect(JSON.stringify(rows)).not.toMatch(id === 'E10' ? /honey/ : new RegExp(`${victim.database}|honey`))
  })

  test('A08: what a client asks for at the start gives it no other role and no power', async () => {
    for (const options of [
      `-c role=${victim.database}_db`,
      '-c role=favo_admin',
      '-c session_authorization=favo_admin',
      '-c session_preload_libraries=x',
      '-c log_statement=none',
    ])
      await expect(gateway.connect(port, attacker, { options }), options).rejects.toMatchObject({
        code: expect.stringMatching(/^(42501|55P02|42704|22023|58P01)$/) as unknown,
      })
  })

  test('F05, F06: channels and locks of two projects do not meet', async () => {
    const [one, other] = [await gateway.connect(port, attacker), await gateway.connect(port, victim)]
    await one.query('begin; select pg_advisory_xact_lock(42)')
    expect((await other.query('select pg_try_advisory_xact_lock(42) as free')).rows).toEqual([{ free: true }])
    await Promise.all([one.end(), other.end()])
  })
})

test('afterwards the victim is as it was, and signs in as before', async () => {
  const client = await gateway.connect('session', victim)
  expect((await client.query('select word, current_user::text as who from secrets')).rows).toEqual([
    { word: 'honey', who: 'postgres' },
  ])
  expect((await client.query('show work_mem')).rows).not.toEqual([{ work_mem: '1GB' }])
})

/** No right, no such thing, not here, not in this way; never a success and never an internal error. */
const refusals =
  /^(42501|42704|42883|42P01|42809|42601|42939|3D000|3F000|22023|0A000|55000|55006|25001|58P01|42710|2BP01|55P02)$/

async function whoIs(client: Client): Promise<string | undefined> {
  return (await client.query<{ who: string }>('select current_user::text as who')).rows[0]?.who
}
