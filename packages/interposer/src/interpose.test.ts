import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { interpose, interposeStatement, labels, mayNeedInterposing } from './index.ts'

const only = async (text: string) => {
  const [piece] = await interpose(text)
  return piece?.sql ?? ''
}
const calls = async (text: string): Promise<string[]> =>
  [...(await only(text)).matchAll(/perform pg_favo\.(\w+)\(/g)].map(([, name]) => name ?? '')

describe('statements that a shared cluster would refuse become calls', () => {
  test.each([
    ['alter database postgres set a.b = 1', ['db_setting']],
    ['alter database postgres reset all', ['reset_db_settings']],
    ['alter role all in database postgres set jit = off', ['db_setting']],
    ['alter role anon set statement_timeout = 0', ['role_setting']],
    ['alter user current_user reset all', ['reset_role_settings']],
    ["alter user postgres password 'x'", ['alter_role']],
    ['alter role current_user password null', ['alter_role']],
    ["alter role session_user with password 'x'", ['alter_role']],
    ['create role a in role b, c role d admin e', ['create_role_with', 'grant_role', 'grant_role', 'grant_role', 'grant_role']],
    ['create user a', ['create_role_with']],
    ['drop role a, b', ['drop_role', 'drop_role']],
    ['alter group a drop user b', ['revoke_role']],
    ['alter role a rename to b', ['rename_role']],
    ['grant a, b to c with admin option', ['grant_role', 'grant_role']],
    ['revoke a from c', ['revoke_role']],
    ['set session role a', ['set_role']],
    ['reassign owned by a to postgres', ['reassign_owned']],
    ['drop owned by a cascade', ['drop_owned']],
    ['create event trigger e on sql_drop execute function f()', ['create_event_trigger']],
    ['alter event trigger e enable always', ['alter_event_trigger']],
    ['drop event trigger if exists e, f cascade', ['drop_event_trigger', 'drop_event_trigger']],
    ['grant create on database postgres to a', ['database_privileges']],
    ["comment on database postgres is 'x'", ['comment_on']],
    ['alter extension hstore set schema a', ['alter_extension']],
    ['create extension if not exists postgis with schema extensions', ['create_extension']],
    ["create extension vector version '0.7'", ['create_extension']],
    ['create publication p for all tables', ['publish_tables']],
    ['alter publication p add tables in schema a, b', ['publish_tables']],
    ['grant select on t to a', ['run_for_roles']],
    ['alter table s.t owner to a', ['change_owner']],
    ['alter view v owner to a', ['change_owner']],
    ['alter schema s owner to a', ['change_owner']],
    ['alter function f(int) owner to a', ['run_for_roles']],
    ['create policy p on t to anon, a using (true)', ['run_for_roles']],
    ['alter default privileges for role a grant select on tables to b', ['run_for_roles']],
    ['create schema s authorization a', ['change_owner']],
  ])('%s', async (text, expected) => {
    expect(mayNeedInterposing(text)).toBe(true)
    expect(await calls(text)).toEqual(expected)
  }) // prettier-ignore
})

describe('everything else stays as it is', () => {
  test.each([
    'select 1',
    'alter database other set a.b = 1',
    'alter role anon superuser',
    'alter role postgres in database other set a.b = 1',
    'grant select on t to anon, authenticated, postgres, public, current_user',
    'create policy p on t to authenticated using (true)',
    'set role anon',
    'set role none',
    'reset role',
    'set session authorization a',
    'alter table t owner to postgres',
    'reassign owned by postgres to supabase_admin',
    'create publication p for table a',
    'create publication p for tables in schema a, table b',
    'create extension if not exists pgcrypto with schema extensions',
    'grant all on database other to anon',
    'alter system set work_mem = 1',
    "select 'create role x'; select $$ drop role x $$; /* create role x */ select 1 -- drop role x",
    'create function f() returns void language plpgsql as $$ begin create role x; end $$',
    "insert into t values (1) on conflict\ndo update set role = 'x'",
    'create role x; \\connect other',
    'create role',
    'alter user postgres password',
    '',
  ])('%s', async (text) => {
    expect(await interpose(text)).toEqual([{ sql: text, original: text, interposed: false }])
  })

  test('ordinary statements are told apart without the parser', () => {
    for (const text of [
      'select * from users where role = $1 and "group" = $2',
      'update users set role = $1 where id = $2',
      'insert into events (event) values ($1) returning id',
      'begin',
      'set local search_path = a',
      'create table t (id int)',
    ])
      expect(mayNeedInterposing(text), text).toBe(false)
    const large = `insert into t values ${"('some text; that is long'), ".repeat(100_000)}(1)`
    const start = performance.now()
    for (let i = 0; i < 10; i++) mayNeedInterposing(large)
    expect((performance.now() - start) / 10).toBeLessThan(500)
  })
})

describe('statements are found by the rules of Postgres’ lexer', () => {
  test.each([
    ['after a nested comment', '/* a /* b */ ; */ create role x'],
    ['between comments', 'create/**/role--\nx'],
    ['in capitals', 'CREATE ROLE X'],
    ['by a name in unicode escapes', `create role U&"\\0078"`],
    ['after an empty statement', ';; create role x'],
  ])('%s', async (_, text) => {
    expect(await calls(text)).toEqual(['create_role_with'])
    expect(await only(text)).toContain('$f$x$f$')
  })

  test('the pieces joined are the text, with as many lines', async () => {
    const text = `select 1;\n\n-- a role\ncreate role\n  a;; select ';';\ngrant\na to b\n;\nselect 2;\n`
    const pieces = await interpose(text)
    expect(pieces.map(({ interposed }) => interposed)).toEqual([false, true, false, true, false])
    expect(`${pieces.map(({ original }) => original).join(';')};\n`).toBe(text)
    expect(pieces.map(({ sql }) => sql).join(';').split('\n')).toHaveLength(text.split('\n').length - 1) // prettier-ignore
  })

  test('names of roles are cut out where they stand, whatever they are called', async () => {
    const sql = await only(`grant select on "to reporting" to /* é ü 🦊 */ "Re""porting", Mixed, anon`)
    expect(sql).toContain('$f$Re"porting$f$')
    expect(sql).toContain('$f$mixed$f$')
    expect(sql).toContain('🦊')
    expect(await interposeStatement(`grant select on t to U&"\\0061"`)).toBeNull()
  })
})

describe('bodies of DO', () => {
  test('plain statements and EXECUTE of a constant are rewritten, the rest stays', async () => {
    const text = `do language plpgsql $do$
declare
  create_role text := 'create role no';
begin
  if not exists (select from pg_roles where rolname = 'x') then create role x; else
    -- create role commented;
    alter role x set a.b = 'c;d';
  end if;
  execute 'create role y';
  execute $$create role z$$;
  execute format('create role %I', 'dynamic');
  for i in 1..2 loop grant x to y; end loop;
exception when duplicate_object then
  drop role x;
end
$do$`
    const sql = await only(text)
    expect(await calls(text)).toEqual([
      'create_role_with',
      'role_setting',
      'create_role_with',
      'create_role_with',
      'grant_role',
      'drop_role',
    ])
    expect(sql).toContain("execute format('create role %I', 'dynamic');")
    expect(sql).toContain("create_role text := 'create role no';")
    expect(sql.split('\n')).toHaveLength(text.split('\n').length)
  })

  test('a body in quotes is a body as well', async () => {
    expect(await only(`do 'begin create role x; raise notice ''it''''s''; end'`)).toBe(
      `do $favo$begin perform pg_favo.create_role_with($f$x$f$, $f\${}$f$::pg_catalog.jsonb); raise notice 'it''s'; end$favo$`,
    )
  })

  test('other languages are none of ours', async () => {
    const text = 'do language sql $$ create role x; $$'
    expect(await only(text)).toBe(text)
  })
})

describe('hostile text', () => {
  const nasty = [
    `'; drop table t; --`,
    `$f$; drop table t; --`,
    `$favo$ end $favo$`,
    `\\'`,
    `"`,
    `')`,
    'a$f',
    '🦊',
    'f$',
  ]

  test.each(nasty)('a value of %j stays one value', async (value) => {
    const quoted = `'${value.replaceAll("'", "''")}'`
    const name = `"${value.replaceAll('"', '""')}"`
    for (const text of [
      `alter role x set a.b = ${quoted}`,
      `alter user postgres password ${quoted}`,
      `create role ${name} password ${quoted}`,
      `grant select on ${name} to ${name}`,
      `comment on event trigger ${name} is ${quoted}`,
      `create event trigger ${name} on ddl_command_end execute function ${name}.${name}()`,
      `drop owned by ${name}`,
    ]) {
      const sql = await only(text)
      // One statement for Postgres, too.
      expect((await interpose(`${sql};select 1 as role`)).length).toBeLessThanOrEqual(1)
      expect(sql.startsWith('do $favo'), text).toBe(true)
      // Nothing in it ends a string for a session that reads backslashes in another way.
      expect(sql, text).not.toMatch(/['\\]/)
    }
  }) // prettier-ignore

  test('a publication’s name cannot bring quotes along', async () => {
    const text = `create publication "a'; drop table t; --" for all tables`
    expect(await only(text)).toBe(text)
  })

  test('deep nesting and large texts neither crash nor hold up the process', async () => {
    const deep = `create policy p on t to a using (${'('.repeat(50_000)}1${')'.repeat(50_000)})`
    expect(await only(deep)).toBe(deep)
    const chain = `create policy p on t to a using (${'1+'.repeat(60_000)}1)`
    expect(typeof (await only(chain))).toBe('string')
    const nested = `do $$ begin ${'begin '.repeat(20_000)} create role x; ${'end; '.repeat(20_000)} end $$`
    expect(typeof (await only(nested))).toBe('string')
    const large = `create role x; select '${'x'.repeat(10_000_000)}'; do $$ ${'y '.repeat(5_000_000)} $$`
    const start = performance.now()
    expect((await interpose(large)).length).toBe(3)
    expect(performance.now() - start).toBeLessThan(5_000)
    expect(await calls('create role after_all_that')).toEqual(['create_role_with'])
  })

  test('no text takes more than its length', async () => {
    const size = 300_000
    for (const text of [
      ' '.repeat(size),
      '\n'.repeat(size),
      `${'/*'.repeat(size / 2)}*/`,
      'do '.repeat(size / 3),
      '\n do'.repeat(size / 4),
      `create role ${'"'.repeat(size)}`,
      `create role ${'$a'.repeat(size / 2)}`,
      `create role ${"e'\\'".repeat(size / 4)}`,
      'role ;'.repeat(size / 6),
      `do $$ begin ${'/*'.repeat(size / 4)} $$`,
    ]) {
      const start = performance.now()
      await interpose(`${text} create role x`)
      expect(performance.now() - start, text.slice(0, 30)).toBeLessThan(5_000)
    }
  })

  test('a long list of statements lets others have their turn', async () => {
    let turns = 0
    const ticking = setInterval(() => turns++, 0)
    await interpose('grant a to b;'.repeat(3_000))
    clearInterval(ticking)
    expect(turns).toBeGreaterThan(10)
  })

  test('a zero byte is left to Postgres', async () => {
    const text = 'create role x\0; drop role y'
    expect(await interposeStatement(text)).toBeNull()
  })
})

test('the labels are those of the cluster', () => {
  const sql = readFileSync(join(import.meta.dirname, '../../tenancy/sql/cluster/0001_labels.sql'), 'utf8')
  const list = /foreach label in array array\[([^\]]*)\]/.exec(sql)?.[1] ?? ''
  const names = [...list.matchAll(/'(\w+)'/g)].map(([, name]) => name)
  expect(names.filter((name) => name !== 'favo_evt').sort()).toEqual([...labels].sort())
})
