import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  attempt,
  attemptConnect,
  expectDone,
  expectRefused,
  newName,
  startTenants,
  type Tenant,
  type Tenants,
} from '../test/tenants.ts'
import type { CloneStep } from './clone-database.ts'

let tenants: Tenants
let source: Tenant
let copy: Tenant
const steps: CloneStep[] = []

beforeAll(async () => {
  tenants = await startTenants()
  source = await tenants.newTenant()
  const owner = await tenants.login(source, 'db')
  expectDone(
    await attempt(
      owner,
      'create table public.notes (id int primary key, body text)',
      "insert into public.notes select i, 'note ' || i from generate_series(1, 500) i",
      'alter table public.notes enable row level security',
      "select pg_favo.create_role('reporter')",
      "select pg_favo.create_role('robot', true, 'robot-password')",
      "select pg_favo.grant_role('reporter', 'robot')",
      "select pg_favo.grant_role('reporter', 'authenticator')",
      "select pg_favo.db_setting('work_mem', '9MB')",
      "select pg_favo.db_setting('search_path', 'public, extensions, private')",
      `do $do$ declare reporter text := (select role from pg_favo.roles where name = 'reporter'); begin
        execute format('grant select, insert on public.notes to %I', reporter);
        execute format('grant select (body) on public.notes to %I with grant option', reporter);
        execute format('create policy reads on public.notes for select to %I, anon using (true)', reporter);
        execute format('alter default privileges in schema public grant select on tables to %I', reporter);
        execute format('grant usage, create on schema public to %I', reporter);
        execute format('grant usage, create on schema public to %I', current_database() || '_db');
      end $do$`,
      // Things that belong to roles of the project and not to postgres.
      `do $do$ begin execute format('set role %I', (select role from pg_favo.roles where name = 'reporter')); end $do$`,
      'create table public.reports (id int)',
      'alter default privileges grant select on tables to anon',
      'grant select on public.reports to anon',
      'create function public.report() returns int language sql security definer return 1',
      'set role none',
      'create table public.by_the_login (id int)',
      "create type public.mood as enum ('good')",
    ),
  )
  await owner.end()
  copy = { database: newName(), ownerPassword: randomBytes(12).toString('hex') }
  await tenants.tenancy.cloneDatabase({
    ...copy,
    source: source.database,
    onStep: (step) => void steps.push(step),
  })
})
afterAll(async () => {
  await tenants.tenancy.dropDatabase(copy.database)
  await tenants.close()
})

const asAdmin = async <Row extends object>(database: string, text: string): Promise<Row[]> => {
  const admin = await tenants.superuser(database)
  try {
    return (await admin.query<Row>(text)).rows
  } finally {
    await admin.end()
  }
}

test('a copy has the data, and says what it is doing', async () => {
  expect(steps).toEqual(['hold', 'copy', 'release', 'roles', 'open'])
  const owner = await tenants.login(copy, 'db')
  expect((await owner.query('select count(*)::int as n from public.notes')).rows).toEqual([{ n: 500 }])
  // The customer goes on as before: makes, alters, drops.
  expectDone(
    await attempt(
      owner,
      'alter table public.notes add column done boolean',
      'create table public.more (id int)',
      'drop policy reads on public.notes',
      'drop table public.more',
    ),
  )
  await owner.end()
})

test('the source is open again and unchanged', async () => {
  const owner = await tenants.login(source, 'db')
  expect((await owner.query('select count(*)::int as n from public.notes')).rows).toEqual([{ n: 500 }])
  await owner.end()
  expect(
    (await tenants.tenancy.listDatabases()).filter(({ database }) => database === source.database),
  ).toMatchObject([{ state: 'complete' }])
})

test('logins of the one do not get into the other', async () => {
  for (const [from, to] of [
    [source, copy],
    [copy, source],
  ] as const) {
    for (const suffix of ['db', 'own', 'api', 'svc'] as const) {
      const login = await tenants.login(from, suffix)
      await login.end()
    }
    expectRefused(
      await attemptConnect(tenants, {
        user: `${from.database}_db`,
        password: from.ownerPassword,
        database: to.database,
      }),
      '28000',
    )
  }
  // The source's password under the copy's name.
  expectRefused(
    await attemptConnect(tenants, {
      user: `${copy.database}_db`,
      password: source.ownerPassword,
      database: copy.database,
    }),
    '28P01',
  )
})

test('a login that the customer made has no password in the copy until it gets one', async () => {
  const [robot] = await asAdmin<{ role: string }>(
    copy.database,
    `select role from pg_favo.roles where name = 'robot'`,
  )
  expect(robot?.role.startsWith(`${copy.database}_r`)).toBe(true)
  const user = robot?.role ?? ''
  expectRefused(
    await attemptConnect(tenants, { user, password: 'robot-password', database: copy.database }),
    '28P01',
  )
  const [original] = await asAdmin<{ role: string }>(
    source.database,
    `select role from pg_favo.roles where name = 'robot'`,
  )
  const asOriginal = { user: original?.role ?? '', password: 'robot-password' }
  expectDone(await attemptConnect(tenants, { ...asOriginal, database: source.database }))
  expectRefused(await attemptConnect(tenants, { ...asOriginal, database: copy.database }), '28000')
})

test('nothing in the copy refers to a role of its source', async () => {
  const left = await asAdmin<{ left: string }>(
    copy.database,
    `select rolname || ' of ' || classid::regclass as left from pg_shdepend join pg_roles on pg_roles.oid = refobjid
      where refclassid = 'pg_authid'::regclass and starts_with(rolname, '${source.database}')
        and dbid = (select oid from pg_database where datname = current_database())`,
  )
  expect(left).toEqual([])
  // Whatever the dependencies say: every owner and every grant in every catalog.
  const columns = await asAdmin<{ catalog: string; name: string; is_list: boolean }>(
    copy.database,
    `select attrelid::regclass::text as catalog, attname as name, false as is_list
      from pg_attribute join pg_class on pg_class.oid = attrelid
      where relnamespace = 'pg_catalog'::regnamespace and relkind = 'r' and not relisshared
        and (atttypid = 'aclitem[]'::regtype)
      union all
      select fktable::regclass::text, fkcols[1], true from pg_get_catalog_foreign_keys() join pg_class on pg_class.oid = fktable
      where pktable = 'pg_authid'::regclass and not relisshared`,
  )
  expect(columns.length).toBeGreaterThan(25)
  for (const { catalog, name, is_list } of columns) {
    const text = is_list
      ? `(select string_agg(rolname, ' ') from pg_roles where pg_roles.oid = any (array[]::oid[] || t.${name}))`
      : `t.${name}::text`
    expect(
      await asAdmin(copy.database, `select 1 from ${catalog} t where ${text} like '%${source.database}%'`),
      `${catalog}.${name}`,
    ).toEqual([])
  }
})

test('owners, grants, policies, default privileges and settings are the same under the new names', async () => {
  const describe = (database: string) =>
    asAdmin(
      database,
      `select kind, replace(line, '${database}', 'X') as line from (
        select 'table' as kind, concat_ws(' ', relname, relowner::regrole, relacl::text) as line
          from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v') and relname <> 'more'
        union all select 'column', concat_ws(' ', attname, attacl::text) from pg_attribute
          where attrelid = 'public.notes'::regclass and attacl is not null
        union all select 'function', concat_ws(' ', proname, proowner::regrole, proacl::text)
          from pg_proc where pronamespace = 'public'::regnamespace
        union all select 'schema', concat_ws(' ', nspname, nspowner::regrole, nspacl::text) from pg_namespace
        union all select 'type', concat_ws(' ', typname, typowner::regrole) from pg_type
          where typnamespace = 'public'::regnamespace
        union all select 'default', concat_ws(' ', defaclrole::regrole, defaclnamespace::regnamespace, defaclacl::text)
          from pg_default_acl
        union all select 'role', concat_ws(' ', name, role, can_login) from pg_favo.roles
        union all select 'member', granted.rolname || ' ' || member.rolname from pg_auth_members
          join pg_roles granted on granted.oid = roleid join pg_roles member on member.oid = pg_auth_members.member
          where starts_with(member.rolname, current_database())
        union all select 'setting', setrole::regrole || ' ' || setconfig::text from pg_db_role_setting
          where setdatabase = (select oid from pg_database where datname = current_database()) and setrole <> 0
        union all select 'database', replace(unnest(datacl)::text, 'favo_admin', '') from pg_database
          where datname = current_database()
      ) lines order by 1, 2`,
    )
  const [before, after] = [await describe(source.database), await describe(copy.database)]
  expect(after.length).toBeGreaterThan(40)
  expect(after).toEqual(before)
})

test('the source can be dropped while its copy lives on, and the copy copied again', async () => {
  const first = await tenants.newTenant()
  const owner = await tenants.login(first, 'db')
  expectDone(
    await attempt(
      owner,
      "select pg_favo.create_role('reader')",
      'create table public.t (id int)',
      `do $do$ begin execute format('grant select on public.t to %I',
        (select role from pg_favo.roles where name = 'reader')); end $do$`,
    ),
  )
  await owner.end()
  const [second, third] = [newName(), newName()]
  await tenants.tenancy.cloneDatabase({ source: first.database, database: second, ownerPassword: 'second' })
  await tenants.tenancy.dropDatabase(first.database)
  await tenants.tenancy.cloneDatabase({ source: second, database: third, ownerPassword: 'third' })
  await tenants.tenancy.dropDatabase(second)
  expectDone(await attemptConnect(tenants, { user: `${third}_db`, password: 'third', database: third }))
  await tenants.tenancy.dropDatabase(third)
  const roles = await asAdmin(
    'postgres',
    `select rolname from pg_roles where rolname ~ '^(${first.database}|${second}|${third})'`,
  )
  expect(roles).toEqual([])
})

test.each(['hold', 'copy', 'release', 'roles', 'open'] as const)(
  'a failure at the step %s leaves no copy, and the source open',
  async (failing) => {
    const database = newName()
    const failure = new Error('injected')
    await expect(
      tenants.tenancy.cloneDatabase({
        source: source.database,
        database,
        ownerPassword: 'secret',
        onStep: (step) => {
          if (step === failing) throw failure
        },
      }),
    ).rejects.toBe(failure)
    expect(
      await asAdmin(
        'postgres',
        `select 1 from pg_database where datname = '${database}' union all select 1 from pg_roles where rolname ~ '^${database}'`,
      ),
    ).toEqual([])
    const owner = { user: `${source.database}_db`, password: source.ownerPassword, database: source.database }
    expectDone(await attemptConnect(tenants, owner))
  },
)

test('sessions of the source are ended, and new ones wait until the copy is made', async () => {
  const old = await tenants.login(source, 'db')
  const ended = new Promise<void>((resolve) => old.once('end', () => resolve()))
  const database = newName()
  const refused: string[] = []
  await tenants.tenancy.cloneDatabase({
    source: source.database,
    database,
    ownerPassword: 'secret',
    onHeld: async () => {
      const owner = {
        user: `${source.database}_db`,
        password: source.ownerPassword,
        database: source.database,
      }
      refused.push((await attemptConnect(tenants, owner)).code ?? 'none')
    },
  })
  await ended
  expect(refused).toEqual(['53300'])
  await tenants.tenancy.dropDatabase(database)
})

test('the vacuum of a large table does not stand in the way', async () => {
  const vacuum = await tenants.superuser(source.database, { application_name: 'favo tenancy' })
  vacuum.on('error', () => undefined)
  const ended = vacuum.query('select pg_sleep(60)').catch((error: Error) => error)
  const second = { database: newName(), ownerPassword: 'x' }
  await tenants.tenancy.cloneDatabase({ ...second, source: source.database })
  expect(await ended).toMatchObject({ code: '57P01' })
  await tenants.tenancy.dropDatabase(second.database)
})

test('the platform’s own database is not copied', async () => {
  const platform = await tenants.newTenant()
  await tenants.tenancy.ensureControlLogin(platform.database)
  await expect(
    tenants.tenancy.cloneDatabase({ source: platform.database, database: newName(), ownerPassword: 'x' }),
  ).rejects.toMatchObject({ code: 'not_cloneable' })
})
