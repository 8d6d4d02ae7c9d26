/** What is asked in `npm run bench rest`, and the statement that the server makes of it. */
import type { LoadTarget } from './http-load.ts'
import { readStatement } from './rest-statements.ts'

export const schema = `
  create table authors (id int primary key, name text not null);
  insert into authors select n, 'author ' || n from generate_series(1, 100) n;
  create table todos (
    id bigint generated always as identity primary key,
    author_id int not null references authors,
    title text not null,
    is_public boolean not null,
    data jsonb not null,
    created_at timestamptz not null default now()
  );
  insert into todos (author_id, title, is_public, data)
    select 1 + n % 100, 'todo number ' || n, n % 10 <> 0, jsonb_build_object('tag', 'tag' || n % 50)
    from generate_series(1, 2000) n;
  create index on todos ((data ->> 'tag'));
  alter table authors enable row level security;
  alter table todos enable row level security;
  create policy "anybody reads authors" on authors for select to anon using (true);
  create policy "anybody reads public todos" on todos for select to anon using (is_public);
  create table notes (id bigint generated always as identity primary key, body text not null);
  alter table notes enable row level security;
  create policy "anybody writes notes" on notes for insert to anon with check (true);
  create function add_up(a int, b int) returns int language sql immutable as 'select a + b';
  analyze authors; analyze todos;
`

export interface Case {
  readonly name: string
  readonly path: string
  readonly body?: string
  readonly statement: string
}

const columns = ['id', 'author_id', 'title', 'is_public', 'created_at']
const selected = columns.map((name) => `"todos"."${name}"`).join(', ')
const from = 'from "public"."todos" as "todos"'
const select = `select=${columns.join(',')}&order=id`
const rows = (limit: number) =>
  readStatement(`select ${selected} ${from} order by "todos"."id" limit '${limit}'`)
const bulk = JSON.stringify(Array.from({ length: 100 }, (_, i) => ({ body: `note ${i}` })))
const insert = (source: string) =>
  `with written as (insert into "public"."notes" ("body") select given."body" from ${source} as given("body" text) returning 1) ` +
  `select null, count(*), null, nullif(current_setting('response.headers', true), ''), ` +
  `nullif(current_setting('response.status', true), ''), null, null from (select * from written) as _page`

export const readTen: Case = { name: 'read, 10 rows', path: `todos?${select}&limit=10`, statement: rows(10) }

export const embed: Case = {
  name: 'embed, 10 rows with their author',
  path: 'todos?select=id,title,authors(id,name)&order=id&limit=10',
  statement: readStatement(
    `select "todos"."id", "todos"."title", row_to_json("a".*) as "authors" ${from} ` +
      'left join lateral (select "b"."id", "b"."name" from "public"."authors" as "b" where "b"."id" = "todos"."author_id") ' +
      `as "a" on true order by "todos"."id" limit '10'`,
  ),
}

export const cases: readonly Case[] = [
  { name: 'read, 1 row', path: `todos?${select}&limit=1`, statement: rows(1) },
  readTen,
  { name: 'read, 1,000 rows', path: `todos?${select}&limit=1000`, statement: rows(1_000) },
  embed,
  {
    name: 'filter on JSON, 10 rows',
    path: `todos?${select}&data->>tag=eq.tag7&limit=10`,
    statement: readStatement(
      `select ${selected} ${from} where ("todos"."data" ->> 'tag') = 'tag7' order by "todos"."id" limit '10'`,
    ),
  },
  {
    name: 'insert, single',
    path: 'notes',
    body: '{"body":"a note"}',
    statement: insert(`json_to_record('{"body":"a note"}')`),
  },
  { name: 'insert, 100 rows', path: 'notes', body: bulk, statement: insert(`json_to_recordset('${bulk}')`) },
  {
    name: 'function',
    path: 'rpc/add_up?a=3&b=4',
    statement:
      `with called as (select c.r from (select "public"."add_up"("a" := '3'::int, "b" := '4'::int) as r) as c) ` +
      `select null, 1, coalesce((json_agg(r) -> 0)::text, 'null'), nullif(current_setting('response.headers', true), ''), ` +
      `nullif(current_setting('response.status', true), '') from (select r from called) as _page`,
  },
]

export const targetOf = (
  project: { readonly path_url: string; readonly keys: { readonly anon: string } },
  { path, body }: Pick<Case, 'path' | 'body'>,
): LoadTarget => ({
  url: `${project.path_url}/rest/v1/${path.replaceAll('>', '%3E')}`,
  headers: {
    apikey: project.keys.anon,
    ...(body === undefined ? {} : { 'content-type': 'application/json', prefer: 'return=minimal' }),
  },
  ...(body === undefined ? {} : { method: 'POST', body }),
})

/** What a write cleans up beside, and that it is no read-only transaction. */
export const insertStatements = (statements: readonly string[]): string[] => [
  ...statements.slice(0, 2),
  'DISCARD TEMP',
  'DISCARD SEQUENCES',
  ...statements
    .slice(2)
    .map((text) => text.replace(`'transaction_read_only', 'on'`, `'transaction_read_only', 'off'`)),
  'UNLISTEN *',
]
