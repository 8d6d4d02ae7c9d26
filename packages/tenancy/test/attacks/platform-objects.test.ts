import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from 'pg'
import { attempt, expectDone, expectRefused, startTenants, type Tenants } from '../tenants.ts'

// What belongs to the platform inside a customer's database: H01 … H10.
let tenants: Tenants
beforeAll(async () => {
  tenants = await startTenants()
})
afterAll(() => tenants.close())

const inTransaction = async (client: Client, ...statements: string[]) => {
  try {
    return await attempt(client, 'begin', ...statements)
  } finally {
    await client.query('rollback')
  }
}

const managed = /managed by the platform/

const refused: readonly (readonly [string, string, RegExp])[] = [
  ['H01', 'drop table auth.users cascade', managed],
  ['H01', 'drop table storage.objects cascade', managed],
  ['H01', 'drop schema auth cascade', managed],
  ['H01', 'drop owned by supabase_auth_admin', managed],
  ['H01', 'drop index auth.users_email_partial_key', managed],
  ['H01', 'drop trigger update_objects_updated_at on storage.objects', managed],
  ['H01', 'drop type auth.aal_level cascade', managed],
  ['H01', 'alter table auth.users drop column email', managed],
  ['H01', 'alter table auth.users rename column email to e', managed],
  ['H01', 'alter table auth.users drop constraint users_pkey cascade', managed],
  ['H01', 'alter table auth.users add constraint c check (true)', managed],
  ['H01', `alter table auth.users alter column email set default 'x'`, managed],
  ['H01', 'alter table auth.users disable row level security', managed],
  ['H01', 'alter table auth.users force row level security', managed],
  ['H01', 'alter table auth.users owner to postgres', managed],
  ['H01', 'alter table auth.users set schema public', managed],
  ['H01', 'alter table auth.users set (fillfactor = 50)', managed],
  ['H01', 'alter table storage.objects disable trigger update_objects_updated_at', managed],
  ['H01', 'alter index auth.users_pkey rename to x', managed],
  ['H01', 'alter schema auth rename to x', managed],
  ['H01', `alter type auth.aal_level add value 'x'`, managed],
  ['H01', 'create rule r as on insert to auth.users do instead nothing', /rules on tables of the platform/],
  ['H02', 'create or replace function auth.uid() returns uuid language sql return null::uuid', managed],
  ['H02', 'create or replace function auth.jwt() returns jsonb language sql return null::jsonb', managed],
  ['H02', `create or replace function storage.foldername(name text) returns text[] language sql return '{}'::text[]`, managed],
  ['H02', `create or replace function realtime.topic() returns text language sql return 'x'`, managed],
  ['H02', 'alter function auth.uid() set search_path = public', managed],
  ['H02', 'alter function auth.uid() security definer', managed],
  ['H02', 'alter function auth.uid() owner to postgres', managed],
  ['H02', 'create function auth.uid(int) returns int language sql return 1', /permission denied for schema auth/],
  ['H02', 'create table auth.mine (id int)', /permission denied for schema auth/],
  ['H02', 'create view storage.mine as select 1', /permission denied for schema storage/],
  ['H02', 'create table t (id int); alter table t set schema realtime', /permission denied for schema realtime/],
  ['H06', 'drop event trigger favo_guard_ddl', /must be owner/],
  ['H06', 'alter event trigger favo_guard_drop disable', /must be owner/],
  ['H06', 'drop function pg_favo.guard_ddl() cascade', /must be owner/],
  ['H06', 'create or replace function pg_favo.guard_ddl() returns event_trigger language plpgsql as $$begin end$$', /permission denied for schema/],
  ['H06', `insert into pg_favo.maintenance_sessions select pg_backend_pid(), now()`, /permission denied/],
  ['H06', 'delete from pg_favo.protected_objects', /permission denied/],
  ['H06', `insert into pg_favo.allowed_extensions values ('plperl')`, /permission denied/],
  ['H06', 'set role supabase_auth_admin; select pg_favo.record_migration($$auth$$, $$x$$, $$y$$)', /permission denied to record/],
  ['H06', 'set role supabase_auth_admin; drop table auth.users cascade', managed],
  ['H08', 'drop extension pgcrypto', /must be owner/],
  ['H08', 'create or replace function extensions.digest(text, text) returns bytea language sql return null::bytea', /must be owner/],
  ['H09', 'create extension citext; alter function citext_eq(citext, citext) owner to postgres', /must be owner/],
  ['H09', `create extension citext; create or replace function citext_eq(citext, citext) returns bool language sql return true`, /must be owner/],
] // prettier-ignore

describe('the owner cannot', () => {
  test.each(refused)('%s: %s', async (_id, sql, message) => {
    const owner = await tenants.login(tenants.attacker, 'db')
    try {
      expectRefused(await inTransaction(owner, ...sql.split('; ')), '42501', message)
    } finally {
      await owner.end()
    }
  })
})

describe('the owner can, as on Supabase', () => {
  test.each([
    'create trigger t after insert on auth.users for each row execute function public.on_user()',
    'create trigger t after insert on auth.users for each row execute function public.on_user(); drop trigger t on auth.users',
    'alter table storage.objects enable row level security',
    'create policy p on storage.objects for select to authenticated using (true); drop policy p on storage.objects',
    'create policy p on realtime.messages for insert to authenticated with check (true)',
    'create index on auth.sessions (user_id, created_at)',
    'create table public.profiles (id uuid primary key references auth.users (id) on delete cascade)',
    'grant select on auth.users to service_role',
    'alter table auth.users owner to supabase_auth_admin',
    'alter function auth.uid() owner to supabase_auth_admin',
    'create schema if not exists auth',
    'alter schema auth owner to supabase_admin; alter schema auth owner to supabase_auth_admin',
    `comment on table auth.users is 'people'`,
    'drop schema public cascade; create schema public',
    `insert into storage.buckets (id, name) values ('b', 'b')`,
    'delete from auth.users',
    `select realtime.send('{}', 'event', 'topic', true)`,
  ])('%s', async (sql) => {
    const owner = await tenants.login(tenants.attacker, 'own')
    await owner.query(`
      create or replace function public.on_user() returns trigger language plpgsql as 'begin return new; end'
    `)
    expectDone(await inTransaction(owner, ...sql.split('; ')))
    await owner.end()
  })
})

test('taking tables by REASSIGN OWNED does not open them, and repair gives them back', async () => {
  const tenant = await tenants.newTenant()
  const owner = await tenants.login(tenant, 'db')
  expectDone(await attempt(owner, 'reassign owned by supabase_auth_admin to postgres'))
  expectRefused(await attempt(owner, 'alter table auth.users drop column email'), '42501', managed)
  expectRefused(await attempt(owner, 'drop table auth.users cascade'), '42501', managed)

  const service = await tenants.login(tenant, 'svc')
  expectRefused(await attempt(service, 'set role supabase_auth_admin', 'select from auth.users'), '42501')
  expect(await tenants.tenancy.repairDatabase(tenant.database)).toBeGreaterThan(0)
  expectDone(await attempt(service, 'select from auth.users'))
  expect(await tenants.tenancy.repairDatabase(tenant.database)).toBe(0)
  await Promise.all([owner.end(), service.end()])
})

test('H03: a trigger of the customer’s on auth.users runs without superuser rights', async () => {
  const owner = await tenants.login(tenants.attacker, 'own')
  await owner.query(`
    create table public.seen (who text, me text, super text);
    grant insert on public.seen to public;
    create function public.spy() returns trigger language plpgsql as $$
    begin
      insert into public.seen values (current_user, session_user, current_setting('is_superuser'));
      return new;
    end $$;
    create trigger spy after insert on auth.users for each row execute function public.spy()
  `)
  const service = await tenants.login(tenants.attacker, 'svc')
  expectDone(
    await attempt(
      service,
      'set role supabase_auth_admin',
      `insert into auth.users (id, email) values (gen_random_uuid(), 'bob@example.com')`,
    ),
  )
  const { rows } = await owner.query('select * from public.seen')
  expect(rows).toEqual([{ who: 'supabase_auth_admin', me: `${tenants.attacker.database}_svc`, super: 'off' }])
  await Promise.all([owner.end(), service.end()])
})

test('H07: every SECURITY DEFINER function of a superuser fixes its search_path, and few may call it', async () => {
  const admin = await tenants.superuser(tenants.victim.database)
  const { rows } = await admin.query<{ name: string; fixed: boolean; public: boolean }>(`
    select oid::regprocedure::text as name,
      exists (select from unnest(proconfig) c where starts_with(c, 'search_path=pg_catalog')) as fixed,
      has_function_privilege('anon', oid, 'execute') as public
    from pg_proc where prosecdef and proowner = 'favo_admin'::regrole
  `)
  expect(rows.length).toBeGreaterThan(10)
  expect(rows.filter(({ fixed }) => !fixed)).toEqual([])
  // A count, and what a role of the project's own is called.
  expect(
    rows
      .filter((row) => row.public)
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['pg_favo.count_prepared()', 'pg_favo.resolve_role(text)'])
  await admin.end()
})

test('H08: nothing of the superuser’s lies where a customer may create, extensions aside', async () => {
  const admin = await tenants.superuser(tenants.victim.database)
  const { rows } = await admin.query(`
    select oid::regprocedure from pg_proc
    where proowner = 'favo_admin'::regrole
      and has_schema_privilege('postgres', pronamespace, 'create')
      and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
  `)
  expect(rows).toEqual([])
  await admin.end()
})

test('the guard’s own text does not change its meaning under a session’s settings', async () => {
  const owner = await tenants.login(tenants.attacker, 'db')
  expectDone(
    await attempt(
      owner,
      'set standard_conforming_strings = off',
      'set quote_all_identifiers = on',
      'set transform_null_equals = on',
      `set search_path = 'public'`,
      'create function public.lower(varchar) returns text language sql return 1::text',
    ),
  )
  expectRefused(await attempt(owner, 'alter table auth.users drop column email'), '42501', managed)
  expectRefused(await attempt(owner, 'create extension plperl'), '42501')
  expectRefused(await attempt(owner, `select pg_favo.db_setting('xlog_directory', 'x')`), '42501')
  expectDone(await attempt(owner, 'alter table auth.users enable row level security'))
  await owner.end()
})

test('DDL tells listeners of pgrst, temporary tables do not', async () => {
  const listener = await tenants.login(tenants.victim, 'svc')
  const heard: string[] = []
  listener.on('notification', ({ payload }) => heard.push(payload ?? ''))
  await listener.query('listen pgrst')
  const owner = await tenants.login(tenants.victim, 'own')
  const hears = async (...statements: string[]) => {
    heard.length = 0
    expectDone(await attempt(owner, ...statements))
    // The listener's answer comes after notifications that were committed before.
    await listener.query('select 1')
    return heard.length
  }
  expect(await hears('create table public.a (id int)')).toBe(1)
  expect(
    await hears(
      'begin',
      'create view public.b as select 1 as x',
      'grant select on public.b to anon',
      'commit',
    ),
  ).toBe(1)
  expect(await hears('create function public.c() returns int language sql return 1')).toBe(1)
  expect(await hears('drop table public.a')).toBe(1)
  expect(
    await hears(
      'create temp table d (id int)',
      'drop table d',
      'insert into auth.instances (id) values (gen_random_uuid())',
    ),
  ).toBe(0)
  // The operator's own session, when its event triggers are on, is heard as well.
  const admin = await tenants.superuser(tenants.victim.database, { options: '-c event_triggers=on' })
  await admin.query('create table public.e (id int)')
  await listener.query('select 1')
  expect(heard).toEqual(['reload schema'])
  await Promise.all([owner.end(), listener.end(), admin.end()])
})
