/**
 * `npm run bench rest-read [seconds] [rounds]`: ten rows under a policy, read over HTTP by 32 connections through the whole
 * platform, as a share of what pgbench gets from the same database with the same statements pipelined (8 clients, prepared); and
 * as a share of the barest pipeline that could answer: role, claims and search_path, and a plain select, nothing cleaned up.
 */
import { runPgbench, runPipeline } from './calibrate.ts'
import { runRawClients } from './raw-client.ts'
import { runLoad } from './http-load.ts'
import { readStatement, restStatements } from './rest-statements.ts'
import { cpuSeconds, startBenchServer } from './server.ts'

const seconds = Number(process.argv[2] ?? 5)
const rounds = Number(process.argv[3] ?? 3)

const server = await startBenchServer()
try {
  const project = await server.createProject({ name: 'read' })
  await server.query(
    project.ref,
    `create table todos (
      id bigint generated always as identity primary key,
      title text not null,
      is_public boolean not null,
      created_at timestamptz not null default now()
    );
    insert into todos (title, is_public) select 'todo number ' || n, n % 10 <> 0 from generate_series(1, 1000) n;
    alter table todos enable row level security;
    create policy "anybody reads public todos" on todos for select to anon using (is_public);`,
  )
  await server.query(project.ref, 'analyze todos')
  const login = await server.login(project)
  const target = {
    endpoint: { host: login.host, port: login.port },
    database: login.database,
    password: login.password,
  }
  const url = `${project.path_url}/rest/v1/todos?select=id,title,is_public,created_at&order=id&limit=10`
  const headers = { apikey: project.keys.anon }

  const rows =
    'select "todos"."id", "todos"."title", "todos"."is_public", "todos"."created_at" ' +
    `from "public"."todos" as "todos" order by "todos"."id" limit '10'`
  const sent = restStatements('/todos', new URL(url).host, project.keys.anon, readStatement(rows))
  const measureBare = async () =>
    (await runPgbench(target, seconds)) ?? (await runRawClients(target, 8, seconds))

  for (let round = 1; round <= rounds; round++) {
    const bareBefore = await measureBare()
    const sameBefore = await runPipeline(target, seconds, sent)
    const cpuBefore = await cpuSeconds(server.pid)
    const load = await runLoad({ targets: [{ url, headers }], connections: 32, seconds })
    const cpu = (await cpuSeconds(server.pid)) - cpuBefore
    const sameAfter = await runPipeline(target, seconds, sent)
    const bareAfter = await measureBare()
    const share = (before: number, after: number) =>
      (load.requestsPerSecond / ((before + after) / 2)).toFixed(2)
    const same =
      sameBefore === null || sameAfter === null
        ? 'no pgbench'
        : `${share(sameBefore, sameAfter)} of pgbench's ${sameBefore.toFixed(0)}/s and ${sameAfter.toFixed(0)}/s`
    console.log(
      `round ${round}: HTTP ${load.requestsPerSecond.toFixed(0)}/s = ${same} with the same statements, ` +
        `${share(bareBefore, bareAfter)} of the bare pipeline's ${bareBefore.toFixed(0)}/s and ${bareAfter.toFixed(0)}/s; ` +
        `p50 ${load.p50Ms.toFixed(2)} ms, p99 ${load.p99Ms.toFixed(2)} ms; ` +
        `server CPU ${((cpu * 1e6) / (load.requestsPerSecond * (seconds + 1))).toFixed(0)} µs a request`,
    )
  }
} finally {
  await server.stop()
}
