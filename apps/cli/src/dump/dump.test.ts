import { join } from 'node:path'
import type { ProjectConnection } from '@favo/contracts'
import { startPlatform, type TestPlatform } from '@favo/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli, writeFiles } from '../../test/run-cli.ts'
import { AnswerReader } from './answer-reader.ts'
import { RequestReader } from './request-reader.ts'
import { tidy } from './tidy.ts'

let platform: TestPlatform
let source: string
let target: string
beforeAll(async () => {
  platform = await startPlatform()
  const [one, other] = await Promise.all(
    ['source', 'target'].map((name) => json<ProjectConnection>(['projects', 'create', name])),
  )
  source = one?.ref ?? ''
  target = other?.ref ?? ''
  await query(source, definitions)
  await query(source, rows)
})
afterAll(() => platform.close())

const favo = (args: readonly string[]) =>
  runCli(args, { env: { FAVO_API_URL: platform.apiUrl, FAVO_ACCESS_TOKEN: platform.token } })
async function json<T>(args: readonly string[]): Promise<T> {
  const { code, out, err } = await favo([...args, '--json'])
  expect(code, err).toBe(0)
  return JSON.parse(out) as T
}
const query = (ref: string, text: string) => json<Record<string, unknown>[]>(['db', 'query', text, '-p', ref])
const dump = async (ref: string, ...options: string[]): Promise<string> => {
  const { code, out, err } = await favo(['db', 'dump', '-p', ref, ...options])
  expect(code, err).toBe(0)
  return out
}

const definitions = `
  create extension moddatetime schema extensions;
  create role reporting; create role app_reader login password 'secret-reader-1'; grant reporting to app_reader;
  alter role reporting set statement_timeout = '5s';
  create type mood as enum ('sad', 'it''s fine');
  create schema "My Shop";
  create sequence "My Shop".numbers start 7;
  create table notes (id bigint generated always as identity primary key, owner uuid default auth.uid(), body text,
    m mood, data jsonb, tags text[], raw bytea, at timestamptz default now(), n numeric(12, 3));
  create table "My Shop".items (id int primary key default nextval('"My Shop".numbers'), note bigint references notes (id), price numeric);
  create function "My Shop".touch() returns trigger language plpgsql as $$ begin new.price := new.price + 1; return new; end $$;
  create trigger touch before insert on "My Shop".items for each row execute function "My Shop".touch();
  alter table notes enable row level security;
  create policy "owners read" on notes for select to authenticated using (owner = auth.uid());
  create policy "reporting reads" on notes for select to reporting using (true);
  grant usage on schema "My Shop" to anon, reporting; grant select on "My Shop".items to anon, reporting;
  create view "My Shop".totals with (security_invoker) as select note, sum(price) from "My Shop".items group by note;
  create index on notes using gin (tags);
  comment on table notes is 'all of them';
  create publication news for table notes (id, body) where (id > 3) with (publish = 'insert, delete');
  alter publication supabase_realtime add table notes;
  create function ev() returns event_trigger language plpgsql as $$ begin null; end $$;
  create event trigger ev on ddl_command_end when tag in ('CREATE TABLE', 'DROP TABLE') execute function ev();
  alter default privileges in schema "My Shop" grant select on tables to anon`

/** Texts that look like parts of a dump are among them. */
const rows = String.raw`
  insert into notes (owner, body, m, data, tags, raw, n)
  select case when n % 3 = 0 then gen_random_uuid() end,
    E'line ' || n || E'\n\\restrict abc\nCREATE SCHEMA public;\n\\unrestrict abc\n--\n-- Name: x; Type: EVENT TRIGGER\n\\. ''quoted'' \\ ä 🦊',
    'it''s fine', jsonb_build_object('n', n, 's', E'a"b\\c'), array['a', 'b"c', null, ''], '\xdeadbeef', n / 7.0
  from generate_series(1, 1200) n;
  insert into "My Shop".items (note, price) select n, n * 1.5 from generate_series(1, 700) n`

const contents = `
  select (select count(*) || ' ' || md5(string_agg(n::text, ',' order by id)) from notes n) as notes,
    (select count(*) || ' ' || md5(string_agg(i::text, ',' order by id)) from "My Shop".items i) as items,
    (select json_agg((polname, polcmd, pg_get_expr(polqual, polrelid)) order by polname) from pg_policy) as policies,
    (select json_agg(t order by t) from pg_publication_tables t) as publications,
    (select json_agg((schemaname, sequencename, last_value) order by 1) from pg_sequences where schemaname in ('public', 'My Shop')) as sequences,
    has_table_privilege('anon', '"My Shop".items', 'select') as anon_reads,
    (select count(*)::int from pg_roles where rolname in ('reporting', 'app_reader')) as roles,
    (select count(*)::int from pg_largeobject_metadata) as large_objects`

test('definitions and rows of one project make another that is equal to it', async () => {
  const folder = await writeFiles({ 'roles.sql': await dump(source, '--role-only') })
  const file = join(folder, 'all.sql')
  expect(await dump(source, '--with-data', '--file', file)).toBe('')
  for (const name of ['roles.sql', 'all.sql'])
    expect(await favo(['db', 'query', '-p', target, '--file', join(folder, name)])).toMatchObject({ code: 0 })
  const [expected] = await query(source, contents)
  expect(expected).toMatchObject({ anon_reads: true, roles: 2, large_objects: 0 })
  expect(await query(target, contents)).toEqual([expected])
  // What reporting may do came along with its policy, though the role has another name in the server.
  expect(await query(target, 'set role reporting; select count(*)::int as n from "My Shop".items')).toEqual([
    { n: 700 },
  ])
  const plain = (text: string) => text.replaceAll(/p_[a-z]+_r/g, 'p_r')
  expect(plain(await dump(target))).toBe(plain(await dump(source)))
})

test('rows alone come in as they were, triggers or not', async () => {
  const text = await dump(source, '--data-only', '-s', 'public,My Shop')
  await query(target, 'truncate notes, "My Shop".items')
  const folder = await writeFiles({ 'rows.sql': text })
  expect(await favo(['db', 'query', '-p', target, '--file', join(folder, 'rows.sql')])).toMatchObject({
    code: 0,
  })
  expect(await query(target, contents)).toEqual(await query(source, contents))
  expect(text).not.toMatch(/^CREATE (?:TABLE|TRIGGER|POLICY)/m)
})

test('no password, no login of the platform and no other project is in a dump', async () => {
  const [own] = await query(source, 'select current_database() as name')
  const text = (await dump(source, '--with-data')) + (await dump(source, '--role-only'))
  expect(text).not.toMatch(/password|favo_admin|_cli[0-9a-f]{16}|_(?:db|api|svc|own)\b/i)
  const databases = new Set([...text.matchAll(/\bp_[a-z]{16}/g)].map(([name]) => name))
  expect([...databases]).toEqual([own?.['name']])
})

test('who may not write SQL gets none of it, and a wrong option says so', async () => {
  const stranger = await runCli(['db', 'dump', '-p', source], {
    env: { FAVO_API_URL: platform.apiUrl, FAVO_ACCESS_TOKEN: `sbp_${'0'.repeat(40)}` },
  })
  expect(stranger).toMatchObject({ code: 1, out: '' })
  expect(await favo(['db', 'dump', '-p', source, '--data-only', '--role-only'])).toMatchObject({ code: 2 })
  expect(await favo(['db', 'dump', '-p', source, '-s', 'nowhere'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('no matching schemas were found') as unknown,
  })
})

test('an answer is whole when the server waits, however it is cut', () => {
  const message = (type: string, body: Buffer): Buffer => {
    const head = Buffer.alloc(5)
    head.write(type)
    head.writeInt32BE(body.length + 4, 1)
    return Buffer.concat([head, body])
  }
  const stream = Buffer.concat([
    message('R', Buffer.from([0, 0, 0, 12, 1, 2])),
    message('R', Buffer.from([0, 0, 0, 0])),
    message('D', Buffer.from('Z\0\0\0\x05I'.repeat(50))),
    message('Z', Buffer.from('I')),
  ])
  for (const size of [1, 2, 5, 7, 10_000]) {
    const reader = new AnswerReader()
    const answers: Buffer[] = []
    for (let at = 0; at < stream.length; at += size) {
      const whole = reader.push(stream.subarray(at, at + size))
      if (whole !== null) answers.push(whole)
    }
    expect(answers).toEqual([stream])
  }
  const question = message('R', Buffer.from([0, 0, 0, 10, 0]))
  expect(new AnswerReader().push(question)).toEqual(question)
})

test('a request is whole when its last message is, however it is cut', () => {
  const startup = Buffer.from([0, 0, 0, 8, 0, 3, 0, 0])
  const query = Buffer.concat([Buffer.from([0x51, 0, 0, 0, 9]), Buffer.from('abcd\0')])
  const farewell = Buffer.from([0x58, 0, 0, 0, 4])
  const sent = Buffer.concat([startup, query, query, farewell])
  const ends = new Set([8, 18, 28, 33])
  for (const size of [1, 3, 7, 11, 33]) {
    const requests = new RequestReader()
    for (let from = 0; from < sent.length; from += size)
      expect(requests.push(sent.subarray(from, from + size))).toBe(
        ends.has(Math.min(from + size, sent.length)),
      )
  }
})

test('a query of pg_dump’s own that is longer than its buffer does not hold the dump up', async () => {
  const names = Array.from({ length: 900 }, (_, n) => `"many columns, one of them is number ${n}"`)
  await query(
    target,
    `create table wide (${names.map((name) => `${name} int`).join(', ')}); insert into wide default values`,
  )
  const text = await dump(target, '--data-only', '--schema', 'public')
  expect(text).toContain('INSERT INTO public.wide VALUES')
})

test('only what pg_dump itself wrote for psql is taken out', () => {
  const data = "INSERT INTO t VALUES ('\n\\restrict abc\n\\unrestrict abc\nCREATE SCHEMA public;\n');\n"
  const before = `--\n\n\\restrict abc\n\nSET x = 1;\n\nCREATE SCHEMA public;\n\n${data}\n\\unrestrict abc\n\n`
  const after = `--\n\n\nSET x = 1;\n\nCREATE SCHEMA IF NOT EXISTS public;\n\n${data}\n`
  expect(
    Buffer.concat(tidy(Buffer.from(before)))
      .toString()
      .trim(),
  ).toBe(after.trim())
  expect(Buffer.concat(tidy(Buffer.from(data))).toString()).toContain('\n\\restrict abc\n')
})
