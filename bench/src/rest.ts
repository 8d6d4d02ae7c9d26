/**
 * `npm run bench rest [seconds]`: kinds of requests over HTTP through the whole platform, each as a share of what pgbench gets from
 * the same database with the same work pipelined (8 clients, prepared) right before; then many projects at once, and what a
 * project's slow query does to another's quick ones.
 */
import type { ProjectConnection } from '@favo/contracts'
import { runPgbench } from './calibrate.ts'
import { runLoad, type LoadTarget } from './http-load.ts'
import { startBenchServer, type BenchServer } from './server.ts'

const seconds = Number(process.argv[2] ?? 3)
const many = 100

const schema = `
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
`

interface Case {
  readonly name: string
  readonly path: string
  readonly body?: string
  /** The same work, as one would write it by hand. */
  readonly statement: string
}

const columns = 'id, author_id, title, is_public, created_at'
const rows = (limit: number) =>
  `select coalesce(json_agg(t), '[]')::text, count(*) from (select ${columns} from todos order by id limit ${limit}) t`
const select = `select=${columns.replaceAll(', ', ',')}&order=id`
const bulk = JSON.stringify(Array.from({ length: 100 }, (_, i) => ({ body: `note ${i}` })))

const cases: readonly Case[] = [
  { name: 'read, 1 row', path: `todos?${select}&limit=1`, statement: rows(1) },
  { name: 'read, 10 rows', path: `todos?${select}&limit=10`, statement: rows(10) },
  { name: 'read, 1,000 rows', path: `todos?${select}&limit=1000`, statement: rows(1_000) },
  {
    name: 'embed, 10 rows with their author',
    path: 'todos?select=id,title,authors(id,name)&order=id&limit=10',
    statement: `select coalesce(json_agg(t), '[]')::text, count(*) from (
      select todos.id, todos.title, row_to_json(a.*) as authors from todos
      left join lateral (select authors.id, authors.name from authors where authors.id = todos.author_id) a on true
      order by todos.id limit 10) t`,
  },
  {
    name: 'filter on JSON, 10 rows',
    path: `todos?${select}&data->>tag=eq.tag7&limit=10`,
    statement: `select coalesce(json_agg(t), '[]')::text, count(*) from (
      select ${columns} from todos where data ->> 'tag' = 'tag7' order by id limit 10) t`,
  },
  {
    name: 'insert, single',
    path: 'notes',
    body: '{"body":"a note"}',
    statement: `insert into notes (body) select body from json_to_record('{"body":"a note"}') as x(body text)`,
  },
  {
    name: 'insert, 100 rows',
    path: 'notes',
    body: bulk,
    statement: `insert into notes (body) select body from json_to_recordset('${bulk}') as x(body text)`,
  },
  { name: 'function', path: 'rpc/add_up?a=3&b=4', statement: 'select to_json(add_up(3, 4))::text' },
]

const targetOf = (project: ProjectConnection, { path, body }: Pick<Case, 'path' | 'body'>): LoadTarget => ({
  url: `${project.path_url}/rest/v1/${path.replaceAll('>', '%3E')}`,
  headers: {
    apikey: project.keys.anon,
    ...(body === undefined ? {} : { 'content-type': 'application/json', prefer: 'return=minimal' }),
  },
  ...(body === undefined ? {} : { method: 'POST', body }),
})

async function measureKinds(server: BenchServer, project: ProjectConnection): Promise<void> {
  const login = await server.login(project)
  const at = {
    endpoint: { host: login.host, port: login.port },
    database: login.database,
    password: login.password,
  }
  console.log('| request | pgbench | 1 connection | 32 connections | 256 connections | p99 at 32 |')
  console.log('| --- | --- | --- | --- | --- | --- |')
  for (const kind of cases) {
    const limit = await runPgbench(at, seconds, kind.statement)
    if (limit === null)
      throw new Error('pgbench is needed: apt install postgresql-contrib, or any Postgres client package')
    const cells = []
    let p99 = 0
    for (const connections of [1, 32, 256]) {
      const load = await runLoad({ targets: [targetOf(project, kind)], connections, seconds })
      if (connections === 32) p99 = load.p99Ms
      cells.push(`${load.requestsPerSecond.toFixed(0)}/s = ${(load.requestsPerSecond / limit).toFixed(2)}`)
    }
    console.log(`| ${kind.name} | ${limit.toFixed(0)}/s | ${cells.join(' | ')} | ${p99.toFixed(1)} ms |`)
  }
}

async function measureMany(server: BenchServer, one: ProjectConnection): Promise<void> {
  const read = { path: `todos?${select}&limit=10` }
  const projects: ProjectConnection[] = []
  for (let i = 0; i < many; i++) {
    const project = await server.createProject({ name: `many ${i}` })
    await server.query(project.ref, schema)
    projects.push(project)
  }
  const alone = await runLoad({ targets: [targetOf(one, read)], connections: many, seconds })
  const together = await runLoad({
    targets: projects.map((project) => targetOf(project, read)),
    connections: many,
    seconds,
  })
  console.log(
    `\n${many} connections reading 10 rows: one project ${alone.requestsPerSecond.toFixed(0)}/s (p99 ${alone.p99Ms.toFixed(1)} ms), ` +
      `${many} projects ${together.requestsPerSecond.toFixed(0)}/s (p99 ${together.p99Ms.toFixed(1)} ms)`,
  )
}

async function measureSlowNeighbour(server: BenchServer, quick: ProjectConnection): Promise<void> {
  const slow = await server.createProject({ name: 'slow' })
  await server.query(slow.ref, `create function doze() returns void language sql as 'select pg_sleep(5)'`)
  const read = {
    targets: [targetOf(quick, { path: `todos?${select}&limit=10` })],
    connections: 8,
    seconds: 4,
  }
  const before = await runLoad(read)
  const sleepers = Array.from({ length: 8 }, () =>
    fetch(`${slow.path_url}/rest/v1/rpc/doze`, {
      method: 'POST',
      headers: { apikey: slow.keys.anon, 'content-type': 'application/json' },
      body: '{}',
    }),
  )
  const during = await runLoad(read)
  await Promise.all(sleepers)
  console.log(
    `quick reads of one project: p99 ${before.p99Ms.toFixed(1)} ms alone, ${during.p99Ms.toFixed(1)} ms while eight 5 s queries of another run`,
  )
}

const server = await startBenchServer()
try {
  const project = await server.createProject({ name: 'one' })
  await server.query(project.ref, schema)
  await server.query(project.ref, 'analyze')
  await measureKinds(server, project)
  await measureSlowNeighbour(server, project)
  await measureMany(server, project)
} finally {
  await server.stop()
}
