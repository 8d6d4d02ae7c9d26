import type { ClusterCheck, ProjectConnection } from '@favo/contracts'
import { startPlatform, type TestPlatform } from '@favo/testkit'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** What Postgres lets a user do to a whole cluster, tried through every door that a customer's SQL comes in by. */
let favo: TestPlatform
let attacker: ProjectConnection
let victim: ProjectConnection

type Attempt = (text: string) => Promise<string>

/** `done`, or the SQLSTATE that it was refused with. */
async function overWire(url: string, text: string): Promise<string> {
  const client = new pg.Client(url)
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query(text)
    return 'done'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  } finally {
    await client.end()
  }
}

async function overHttp(url: string, headers: Record<string, string>, body: unknown): Promise<string> {
  const reply = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (reply.ok) return 'done'
  return ((await reply.json()) as { code: string }).code
}

const doors: readonly (readonly [door: string, attempt: Attempt])[] = [
  ['the session port', (text) => overWire(attacker.database.url, text)],
  ['the transaction port', (text) => overWire(attacker.database.transaction_url, text)],
  [
    'the query endpoint',
    (text) =>
      overHttp(
        `${favo.apiUrl}/v1/projects/${attacker.ref}/database/query`,
        { authorization: `Bearer ${favo.token}` },
        { query: text },
      ),
  ],
  ...(['anon', 'service_role'] as const).flatMap((key) =>
    // As the caller, and as the owner of a function that lends its rights.
    ['run', 'run_as_owner'].map((name): readonly [string, Attempt] => [
      `REST, ${name} with the ${key} key`,
      (text) =>
        overHttp(
          `${favo.apiUrl}/p/${attacker.ref}/rest/v1/rpc/${name}`,
          { apikey: attacker.keys[key], authorization: `Bearer ${attacker.keys[key]}` },
          { statement: text },
        ),
    ]),
  ),
]

beforeAll(async () => {
  favo = await startPlatform()
  ;[attacker, victim] = await Promise.all([favo.createProject(), favo.createProject()])
  const owner = (ref: string, query: string) =>
    favo.api('POST', `/v1/projects/${ref}/database/query`, { query })
  await owner(victim.ref, `create table secrets (word text); insert into secrets values ('honey')`)
  await owner(
    attacker.ref,
    `create function run(statement text) returns void language plpgsql as $$ begin execute statement; end $$;
     create function run_as_owner(statement text) returns void language plpgsql security definer
       as $$ begin execute statement; end $$;
     notify pgrst`,
  )
})
afterAll(async () => {
  await favo.close()
})

const attacks = (): readonly (readonly [what: string, text: string])[] => {
  const theirs = victim.database.name
  return [
    ['become the superuser', 'set role favo_admin'],
    ['become the superuser’s session', 'set session authorization favo_admin'],
    ['become the victim’s owner', `set role ${theirs}_db`],
    ['become the victim’s services', `set role ${theirs}_svc`],
    ['become the victim’s API', `set session authorization ${theirs}_api`],
    ['join the victim', `grant ${theirs} to postgres`],
    ['join the superuser', 'grant favo_admin to postgres'],
    ['join those who run programs', 'grant pg_execute_server_program to postgres'],
    ['make a superuser', 'create role evil superuser login'],
    ['be made a superuser', 'alter role postgres superuser'],
    ['change the superuser’s password', `alter role favo_admin password 'x'`],
    ['change the victim’s password', `alter role ${theirs}_db password 'x'`],
    ['write the catalog of roles', `update pg_catalog.pg_authid set rolsuper = true`],
    ['read verifiers', 'select rolpassword from pg_catalog.pg_authid'],
    ['read settings of others', 'select * from pg_catalog.pg_db_role_setting'],
    ['read dependencies of others', 'select * from pg_catalog.pg_shdepend'],
    ['measure the victim', `select pg_catalog.pg_database_size('${theirs}')`],
    ['look where the log of changes stands', 'select pg_catalog.pg_current_wal_lsn()'],
    ['write to the log of changes', `select pg_catalog.pg_logical_emit_message(false, 'x', 'y')`],
    ['hold back the log of changes', `select pg_catalog.pg_create_physical_replication_slot('x')`],
    ['decode it', `select pg_catalog.pg_create_logical_replication_slot('x', 'pgoutput')`],
    ['subscribe', `create subscription s connection 'host=127.0.0.1' publication p`],
    ['read files', `select pg_catalog.pg_read_file('/etc/passwd')`],
    ['list files', `select pg_catalog.pg_ls_dir('.')`],
    ['write files', `copy (select 1) to '/tmp/favo-attack'`],
    ['run programs', `copy (select 1) to program 'true'`],
    ['import files', `select pg_catalog.lo_import('/etc/passwd')`],
    ['load libraries', `load 'auto_explain'`],
    ['make functions of libraries', `create function evil() returns int language c as 'libc.so.6', 'system'`],
    ['make a language without a sandbox', 'create extension plpython3u'],
    ['make a language with one', 'create extension plperl'],
    ['reach other servers', 'create extension dblink'],
    ['reach files as tables', 'create extension file_fdw'],
    ['configure the server', 'alter system set work_mem = 1'],
    ['reload the server', 'select pg_catalog.pg_reload_conf()'],
    ['lift its limit on disk', `set temp_file_limit = '-1'`],
    ['switch the guards off', 'set event_triggers = off'],
    ['switch triggers off', 'set session_replication_role = replica'],
    ['change catalogs', 'set allow_system_table_mods = on'],
    ['log what others do', 'set log_statement = all'],
    ['drop the guard', 'drop event trigger favo_guard_ddl'],
    ['disable the guard', 'alter event trigger favo_guard_drop disable'],
    ['catch sign-ins', 'create event trigger evil on login execute function pg_catalog.now()'],
    ['write where the platform keeps its own', 'create table pg_favo.mine (id int)'],
    ['say that it maintains', 'insert into pg_favo.maintenance_sessions values (1, now())'],
    ['drop the users', 'drop table auth.users cascade'],
    [
      'replace what tells who calls',
      `create or replace function auth.uid() returns uuid language sql as 'select null::uuid'`,
    ],
    ['make a database', 'create database p_another'],
    ['drop the victim', `drop database ${theirs}`],
    ['rename the victim', `alter database ${theirs} rename to p_gone`],
    ['set the victim’s defaults', `alter database ${theirs} set role = 'favo_admin'`],
    ['set defaults of all', `alter role all set role = 'favo_admin'`],
    ['take what the superuser owns', 'reassign owned by favo_admin to postgres'],
    ['make a tablespace', `create tablespace evil location '/tmp'`],
  ]
}

test.each(doors)(
  'through %s nothing of the cluster or of another project is in reach',
  async (_door, attempt) => {
    // So that refusals mean something.
    expect(await attempt('select 1')).toBe('done')
    for (const [what, text] of attacks()) {
      const outcome = await attempt(text)
      expect(outcome, what).toMatch(/^[0-9A-Z]{5}$/)
      expect(outcome, what).not.toBe('XX000')
    }
  },
)

test.each(doors)('through %s the victim’s sessions are neither seen nor ended', async (_door, attempt) => {
  const sitting = new pg.Client(victim.database.url)
  sitting.on('error', () => undefined)
  await sitting.connect()
  const { rows } = await sitting.query<{ pid: number }>('select pg_backend_pid() as pid')
  const pid = rows[0]?.pid ?? 0
  const isThere = `do $$ begin if exists (select from pg_catalog.pg_stat_activity where pid = ${pid}) then
    raise exception 'seen'; end if; end $$`
  // Not everybody may look; nobody sees.
  expect(await attempt(isThere)).toMatch(/^(done|42501)$/)
  for (const name of ['pg_terminate_backend', 'pg_cancel_backend'])
    await attempt(`select pg_catalog.${name}(${pid})`)
  expect((await sitting.query('select word from secrets')).rows).toEqual([{ word: 'honey' }])
  await sitting.end()
})

test.each(doors)('through %s a right that one may not give is not given', async (_door, attempt) => {
  // Postgres warns where it could refuse: postgres has other rights there.
  await attempt(`grant all on database ${victim.database.name} to public`)
  const check = await favo.api<ClusterCheck>('POST', '/v1/clusters/home/check')
  expect(check.findings.find(({ rule }) => rule === 'databases')?.status).toBe('ok')
})

test('afterwards the victim is as it was, and the attacker still nobody', async () => {
  const query = (ref: string, text: string) =>
    favo.api('POST', `/v1/projects/${ref}/database/query`, { query: text })
  expect(await query(victim.ref, 'select word from secrets')).toEqual([{ word: 'honey' }])
  expect(await overWire(victim.database.url, 'select 1')).toBe('done')
  expect(
    await query(
      attacker.ref,
      `select rolsuper, rolcreaterole, rolcreatedb, rolreplication from pg_roles where rolname = current_user`,
    ),
  ).toEqual([{ rolsuper: false, rolcreaterole: false, rolcreatedb: false, rolreplication: false }])
  const check = await favo.api<ClusterCheck>('POST', '/v1/clusters/home/check')
  expect(check.is_safe).toBe(true)
})
