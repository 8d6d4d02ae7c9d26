import type { Advisors, Lint } from '@favo/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'
import { rules } from './run-advisors.ts'

let database: TestPlatformDatabase
let plane: TestControlPlane
let ref: string

beforeAll(async () => {
  database = await createPlatformDatabase()
  plane = await database.start()
  const created = await plane.request<{ ref: string }>('POST', '/projects', { name: 'advised' })
  ref = created.body.ref
})
afterAll(() => database.close())

const run = async (query: string) => {
  const reply = await plane.request('POST', `/projects/${ref}/database/query`, { query })
  expect(reply.body).not.toHaveProperty('message')
}

/** All findings, of both categories. */
async function advise(): Promise<Lint[]> {
  const replies = await Promise.all(
    ['security', 'performance'].map((category) =>
      plane.request<Advisors>('GET', `/projects/${ref}/advisors/${category}`),
    ),
  )
  expect(replies.map(({ status }) => status)).toEqual([200, 200])
  return replies.flatMap(({ body }) => body.lints)
}

/** Names of the rules that spoke of what has this in its name. */
const about = (lints: readonly Lint[], part: string) =>
  lints
    .filter((lint) => lint.cache_key.includes(part))
    .map(({ name }) => name)
    .sort()

test('a fresh project has nothing to mend', async () => {
  expect(await advise()).toEqual([])
})

const good = 'id int primary key, owner uuid'
/** What is made with `$` as the stem of its names, and the rules that must speak; nothing else may. */
const cases: readonly (readonly [sql: string, rules: readonly string[]])[] = [
  [`create table $ (${good})`, ['rls_disabled_in_public']],
  [`create table $ (${good}); revoke all on $ from anon, authenticated`, []],
  [`create table $ (${good}); alter table $ enable row level security`, ['rls_enabled_no_policy']],
  [
    `create table $ (${good}); create policy mine on $ using (owner = (select auth.uid()))`,
    ['policy_exists_rls_disabled', 'rls_disabled_in_public'],
  ],
  [
    `create table $ (${good}); alter table $ enable row level security;
     create policy mine on $ using (owner = (select auth.uid()))`,
    [],
  ],
  [
    `create table $ (${good}); alter table $ enable row level security;
     create policy mine on $ using (owner = auth.uid())`,
    ['auth_rls_initplan'],
  ],
  [
    `create table $ (${good}); alter table $ enable row level security;
     create policy open on $ for select using (true)`,
    [],
  ],
  [
    `create table $ (${good}); alter table $ enable row level security;
     create policy open on $ for insert to anon with check (true)`,
    ['rls_policy_always_true'],
  ],
  [
    `create table $ (${good}); alter table $ enable row level security;
     create policy mine on $ using ((select auth.jwt()) -> 'user_metadata' ->> 'team' = 'x')`,
    ['rls_references_user_metadata'],
  ],
  [
    `create table $ (${good}); alter table $ enable row level security;
     create policy one on $ for select to authenticated using (owner is null);
     create policy two on $ for select to authenticated using (id > 0)`,
    ['multiple_permissive_policies'],
  ],
  [`create table $ (${good}, password_hash text)`, ['rls_disabled_in_public', 'sensitive_columns_exposed']],
  [`create schema s$; create table s$.t$ (id int)`, ['no_primary_key']],
  [
    `create schema s$; create table s$.t$ (id int primary key, parent int references s$.t$)`,
    ['unindexed_foreign_keys'],
  ],
  [
    `create schema s$; create table s$.t$ (id int primary key, parent int references s$.t$);
     create index on s$.t$ (parent, id)`,
    ['unused_index'],
  ],
  [
    `create schema s$; create table s$.t$ (id int primary key, name text);
     create unique index on s$.t$ (name); create unique index on s$.t$ (name)`,
    ['duplicate_index'],
  ],
  [`create view $ as select 1 as one`, ['security_definer_view']],
  [`create view $ with (security_invoker = on) as select id from auth.users`, []],
  [`create view $ as select id from auth.users`, ['auth_users_exposed', 'security_definer_view']],
  [`create materialized view $ as select 1 as one`, ['materialized_view_in_api']],
  [`create function $() returns int language sql return 1`, []],
  [
    `create function $() returns int language plpgsql as 'begin return 1; end'`,
    ['function_search_path_mutable'],
  ],
  [
    `create function $() returns text language sql set search_path = '' as 'select session_user::text'`,
    ['session_user_in_function'],
  ],
  [
    `create function $() returns int language sql security definer set search_path = '' as 'select 1'`,
    ['anon_security_definer_function_executable'],
  ],
  [
    `create function $() returns trigger language plpgsql security definer set search_path = ''
     as 'begin return new; end'`,
    [],
  ],
]

test('each rule speaks of what it is for, and of nothing else', async () => {
  await run(cases.map(([sql], i) => `${sql.replaceAll('$', `case_${i}_x`)};`).join('\n'))
  await run('create extension citext schema public')
  const lints = await advise()
  for (const [i, [sql, expected]] of cases.entries())
    expect(about(lints, `case_${i}_x`), sql).toEqual(expected)
  expect(about(lints, 'citext')).toEqual(['extension_in_public'])
  const spoken = new Set(cases.flatMap(([, names]) => names))
  expect(rules.map(({ name }) => name).filter((name) => !spoken.has(name))).toEqual([
    'foreign_table_in_api',
    'extension_in_public',
  ])
})

test('a finding has Supabase’s shape, and the gravest come first', async () => {
  const { body } = await plane.request<Advisors>('GET', `/projects/${ref}/advisors/performance`)
  expect(body.lints.find(({ name }) => name === 'unindexed_foreign_keys')).toEqual({
    name: 'unindexed_foreign_keys',
    title: 'Unindexed foreign keys',
    level: 'INFO',
    facing: 'EXTERNAL',
    categories: ['PERFORMANCE'],
    description: expect.any(String) as string,
    detail: expect.stringContaining('_parent_fkey` without a covering index') as string,
    remediation: 'https://supabase.com/docs/guides/database/database-linter?lint=0001_unindexed_foreign_keys',
    metadata: {
      schema: expect.stringMatching(/^scase_/) as string,
      name: expect.stringMatching(/^tcase_/) as string,
      type: 'table',
      fkey_name: expect.stringMatching(/_parent_fkey$/) as string,
      fkey_columns: [2],
    },
    cache_key: expect.stringMatching(/^unindexed_foreign_keys_scase_/) as string,
  })
  const levels = body.lints.map(({ level }) => level)
  expect(levels.indexOf('INFO')).toBeGreaterThan(levels.lastIndexOf('WARN'))
})

test('functions and operators of the customer are not taken for Postgres’ own', async () => {
  await run(`
    create function public.has_table_privilege(text, oid, text) returns boolean language plpgsql as
      'begin raise exception ''hijacked''; end';
    create function public.always(name, name) returns boolean language plpgsql as
      'begin raise exception ''hijacked''; end';
    create operator public.= (leftarg = name, rightarg = name, function = public.always)`)
  expect((await plane.request('GET', `/projects/${ref}/advisors/security`)).status).toBe(200)
})

test('only the kind of lint that is here may be asked for, and only of projects that run', async () => {
  expect((await plane.request('GET', `/projects/${ref}/advisors/security?lint_type=sql`)).status).toBe(200)
  expect((await plane.request('GET', `/projects/${ref}/advisors/security?lint_type=x'--`)).status).toBe(422)
  expect((await plane.request('GET', '/projects/nosuchprojectanywher/advisors/security')).status).toBe(404)
})
