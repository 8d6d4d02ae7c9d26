import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attempt, expectDone, expectRefused, startTenants, type Tenants } from '../tenants.ts'

// The server behind the database: files, programs, languages, extensions, settings. D01 … D22, and R04, R08, R09, R12.
let tenants: Tenants
beforeAll(async () => {
  tenants = await startTenants()
})
afterAll(() => tenants.close())

const untrusted = [
  'adminpack', 'amcheck', 'bloom', 'dblink', 'file_fdw', 'pageinspect', 'pg_buffercache', 'pg_prewarm', 'pg_surgery',
  'pg_walinspect', 'plperlu', 'plpython3u', 'pltclu', 'postgres_fdw', 'sslinfo', 'xml2',
] as const // prettier-ignore

const attacks: readonly (readonly [string, string, string | RegExp])[] = [
  ['D01 read a file', `select pg_read_file('/etc/passwd')`, '42501'],
  ['D01 read a file as bytes', `select pg_read_binary_file('postgresql.conf')`, '42501'],
  ['D01 stat a file', `select pg_stat_file('/etc/passwd')`, '42501'],
  ['D01 list a folder', `select pg_ls_dir('/')`, '42501'],
  ['D02 list the log', `select * from pg_ls_logdir()`, '42501'],
  ['D02 list the WAL', `select * from pg_ls_waldir_raw()`, '42501'],
  ['D02 name the log', `select pg_current_logfile()`, '42501'],
  ['D03 copy from a file', `copy (select 1) to '/tmp/out'`, '42501'],
  ['D03 copy to a file', `create temp table t (x text); copy t from '/etc/passwd'`, '42501'],
  ['D04 run a program', `copy (select 1) to program 'id'`, '42501'],
  ['D05 import a large object', `select lo_import('/etc/passwd')`, '42501'],
  ['D05 export a large object', `select lo_export(1, '/tmp/out')`, '42501'],
  ['D06 a function in C', `create function f() returns int language c as 'libc', 'system'`, '42501'],
  ['D06 an internal function', `create function f() returns int language internal as 'int4in'`, '42501'],
  ['D07 plperl', 'create extension plperl', '42501'],
  ['D07 pltcl', 'create extension pltcl', '42501'],
  ['D07 bool_plperl, cascading', 'create extension bool_plperl cascade', '42501'],
  ['D07 jsonb_plperl, cascading', 'create extension jsonb_plperl cascade', '42501'],
  ['D07 a language without its extension', 'create language plperl', '42501'],
  ['D09 load a library', `load '/tmp/evil.so'`, '42501'],
  ['D09 preload a library', `set session_preload_libraries = 'x'`, '42501'],
  ['D09 look for libraries elsewhere', `set dynamic_library_path = '/tmp'`, '42501'],
  ['D10 use a shared tablespace', `create table t (x int) tablespace pg_global`, /42501|22023/],
  ['D11 make a tablespace', `create tablespace t location '/tmp'`, '42501'],
  ['D12 a foreign data wrapper', 'create foreign data wrapper w', '42501'],
  ['D14 a subscription', `create subscription s connection 'host=127.0.0.1' publication p`, '42501'],
  ['D15 an event trigger', 'create event trigger e on ddl_command_end execute function pg_favo.guard_ddl()', '42501'],
  ['D15 an access method', 'create access method m type index handler bthandler', '42501'],
  ['D15 a text search parser', 'create text search parser p (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype)', '42501'],
  ['D15 a base type', 'create type t; create type t (input = boolin, output = boolout)', '42501'],
  ['D15 a publication of all tables', 'create publication p for all tables', '42501'],
  ['D17 reload the configuration', 'select pg_reload_conf()', '42501'],
  ['D17 rotate the log', 'select pg_rotate_logfile()', '42501'],
  ['D17 switch WAL', 'select pg_switch_wal()', '42501'],
  ['D17 start a backup', `select pg_backup_start('x')`, '42501'],
  ['D17 checkpoint', 'checkpoint', '42501'],
  ['D18 alter system', `alter system set work_mem = '1GB'`, '42501'],
  ...['session_replication_role = replica', 'allow_system_table_mods = on', 'zero_damaged_pages = on', 'log_statement = all', 'event_triggers = off', 'log_min_messages = debug5', 'track_activities = off', 'lc_messages = C', 'temp_file_limit = -1', 'commit_delay = 1000', 'deadlock_timeout = 1'].map((setting) => ['D19 set ' + setting, `set ${setting.replace('= all', "= 'all'")}`, '42501'] as const),
  ['D20 set_config of a superuser setting', `select set_config('session_replication_role', 'replica', false)`, '42501'],
  ['D20 grant a parameter', 'grant set on parameter log_statement to postgres', '42501'],
  ['D21 write a catalog', `update pg_class set relname = 'x' where false`, '42501'],
  ['D21 delete from a catalog', 'delete from pg_event_trigger', '42501'],
  ['D21 create in pg_catalog', 'create function pg_catalog.evil() returns int language sql return 1', '42501'],
  ['D22 import collations', `select pg_import_system_collations('public')`, '42501'],
  ['D22 set a replication origin', `select pg_replication_origin_create('x')`, '42501'],
  ['R04 reset the limit of temporary files', 'reset temp_file_limit', '42501'],
  ['R08 a logical replication slot', `select pg_create_logical_replication_slot('s', 'pgoutput')`, '42501'],
  ['R08 a physical replication slot', `select pg_create_physical_replication_slot('s', true)`, '42501'],
  ['R09 flood the WAL without a table', `select pg_logical_emit_message(false, 'x', repeat('x', 1000))`, '42501'],
  ['E19 reset statistics of the cluster', `select pg_stat_reset_shared('bgwriter')`, '42501'],
  ['E20 dump memory of a backend', 'select pg_log_backend_memory_contexts(1)', '42501'],
] // prettier-ignore

describe('the owner of a project cannot', () => {
  test.each(attacks)('%s', async (_what, sql, code) => {
    const owner = await tenants.login(tenants.attacker, 'db')
    try {
      const outcome = await attempt(owner, sql)
      if (typeof code === 'string') expectRefused(outcome, code)
      else expect(outcome.code).toMatch(code)
    } finally {
      await owner.end()
    }
  })

  test.each(untrusted)('D08, D13: create the extension %s', async (extension) => {
    const owner = await tenants.login(tenants.attacker, 'db')
    const outcome = await attempt(owner, `create extension ${extension} cascade`)
    // Not shipped at all is as good as refused.
    expect(outcome.code).toMatch(/^(42501|0A000|58P01)$/)
    await owner.end()
  })

  test('D08: reach an extension that Postgres trusts but the platform does not allow', async () => {
    const tenant = await tenants.newTenant()
    const admin = await tenants.superuser(tenant.database)
    await admin.query(`delete from pg_favo.allowed_extensions where name = 'hstore'`)
    await admin.end()
    const owner = await tenants.login(tenant, 'db')
    expectRefused(await attempt(owner, 'create extension hstore'), '42501', /not available on this platform/)
    expectDone(await attempt(owner, 'create extension ltree'))
    await owner.end()
  })

  test('D16: read files through XML entities or dictionaries', async () => {
    const owner = await tenants.login(tenants.attacker, 'db')
    const xml = `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>`
    const parsed = await attempt(owner, `select xmlparse(document '${xml}')::text as text`)
    expect(JSON.stringify(parsed)).not.toContain('root:')
    const dictionary = await attempt(
      owner,
      `create text search dictionary d (template = ispell, dictfile = '../../../../etc/passwd', afffile = 'x')`,
    )
    expect(dictionary.code).toBe('22023')
    await owner.end()
  })

  test.each(['vacuum full pg_database', 'reindex system', 'cluster pg_database using pg_database_oid_index', 'analyze pg_database', 'lock table pg_authid in access exclusive mode'])(
    'R12: disturb the shared catalogs with %s',
    async (statement) => {
      const owner = await tenants.login(tenants.attacker, 'db')
      const notices: string[] = []
      owner.on('notice', (notice) => notices.push(notice.message ?? ''))
      const text = statement === 'reindex system' ? `reindex system ${tenants.attacker.database}` : statement
      const outcome = await attempt(owner, 'begin; commit', statement.startsWith('lock') ? `begin; ${text}` : text)
      // VACUUM and ANALYZE of what is not ours are skipped with a warning.
      expect(outcome.code ?? notices.join()).toMatch(/42501|permission denied to (vacuum|analyze)/)
      await owner.end()
    },
  ) // prettier-ignore
})

test('control: what Supabase lets an owner do, the owner can do', async () => {
  const owner = await tenants.login(tenants.attacker, 'db')
  expectDone(
    await attempt(
      owner,
      'create extension if not exists moddatetime schema extensions',
      'create extension pg_trgm schema extensions',
      'create schema app',
      'create table app.notes (id int primary key, body text)',
      'create temp table scratch (id int)',
      `create function app.f() returns int language plpgsql as 'begin return 1; end'`,
      'create publication mine for table app.notes',
      'create policy p on storage.objects for select using (true)',
      'select pg_advisory_lock(1)',
      'vacuum app.notes',
      `set work_mem = '8MB'`,
    ),
  )
  await owner.end()
})
