/**
 * `npm run bench rest [seconds] [folder]`: kinds of requests over HTTP through the whole platform, each as a share of what pgbench
 * gets from the same database with the same statements pipelined (8 clients, prepared) right before; what a project's slow
 * queries do to another's quick ones; many projects at once. With a folder in which @supabase/lite is installed
 * (`npm install @supabase/lite`), the same reads by it, on the same Postgres.
 */
import type { ProjectConnection } from '@favo/contracts'
import { runPipeline } from './calibrate.ts'
import { runLoad } from './http-load.ts'
import { cases, insertStatements, readTen, schema, targetOf } from './rest-cases.ts'
import { measureLite } from './lite.ts'
import { restStatements } from './rest-statements.ts'
import { cpuSeconds, startBenchServer, type BenchServer } from './server.ts'

const seconds = Number(process.argv[2] ?? 3)
const liteFolder = process.argv[3]
const many = 100

async function measureKinds(server: BenchServer, project: ProjectConnection): Promise<void> {
  const login = await server.login(project)
  const at = {
    endpoint: { host: login.host, port: login.port },
    database: login.database,
    password: login.password,
  }
  const { host } = new URL(project.path_url)
  console.log(
    '| request | pgbench | 1 connection | 32 connections | 256 connections | p99 at 32 | server CPU |',
  )
  console.log('| --- | --- | --- | --- | --- | --- | --- |')
  for (const kind of cases) {
    const target = targetOf(project, kind)
    const [path = ''] = kind.path.split('?')
    const statements = restStatements(`/${path}`, host, project.keys.anon, kind.statement)
    const limit = await runPipeline(
      at,
      seconds,
      kind.body === undefined ? statements : insertStatements(statements),
    )
    if (limit === null)
      throw new Error('pgbench is needed: apt install postgresql-contrib, or any Postgres client package')
    const cells: string[] = []
    let rest = ''
    for (const connections of [1, 32, 256]) {
      const before = await cpuSeconds(server.pid)
      const load = await runLoad({ targets: [target], connections, seconds })
      const cpu = (await cpuSeconds(server.pid)) - before
      cells.push(`${load.requestsPerSecond.toFixed(0)}/s = ${(load.requestsPerSecond / limit).toFixed(2)}`)
      if (connections !== 32) continue
      const micros = (cpu * 1e6) / (load.requestsPerSecond * (seconds + 1))
      rest = `${load.p99Ms.toFixed(1)} ms | ${micros.toFixed(0)} µs`
    }
    console.log(`| ${kind.name} | ${limit.toFixed(0)}/s | ${cells.join(' | ')} | ${rest} |`)
  }
}

async function measureMany(server: BenchServer, one: ProjectConnection): Promise<void> {
  const projects: ProjectConnection[] = []
  for (let i = 0; i < many; i++) {
    const project = await server.createProject({ name: `many ${i}` })
    await server.query(project.ref, schema)
    projects.push(project)
  }
  const targets = projects.map((project) => targetOf(project, readTen))
  const started = performance.now()
  await Promise.all(
    targets.map(async ({ url, headers }) => {
      const reply = await fetch(url, { headers })
      if (!reply.ok) throw new Error(`${url}: ${reply.status} ${await reply.text()}`)
      await reply.arrayBuffer()
    }),
  )
  const firstMs = performance.now() - started
  const alone = await runLoad({ targets: [targetOf(one, readTen)], connections: many, seconds, tool: 'own' })
  const together = await runLoad({ targets, connections: many, seconds, tool: 'own' })
  console.log(
    `\n${many} projects asked for the first time, all at once: ${firstMs.toFixed(0)} ms, ${(firstMs / many).toFixed(0)} ms each. ` +
      `Then ${many} connections reading 10 rows: one project ${alone.requestsPerSecond.toFixed(0)}/s (p99 ${alone.p99Ms.toFixed(1)} ms), ` +
      `one connection to each of ${many} projects ${together.requestsPerSecond.toFixed(0)}/s (p99 ${together.p99Ms.toFixed(1)} ms)`,
  )
}

async function measureSlowNeighbour(server: BenchServer, quick: ProjectConnection): Promise<void> {
  const slow = await server.createProject({ name: 'slow' })
  await server.query(slow.ref, `create function doze() returns void language sql as 'select pg_sleep(5)'`)
  const read = { targets: [targetOf(quick, readTen)], connections: 8, seconds: 3 }
  const before = await runLoad(read)
  const { keys } = slow
  const sleepers = Array.from({ length: 8 }, () =>
    fetch(`${slow.path_url}/rest/v1/rpc/doze`, {
      method: 'POST',
      // The anonymous role's statements end after three seconds.
      headers: { apikey: keys.service_role, 'content-type': 'application/json' },
      body: '{}',
    }),
  )
  const during = await runLoad(read)
  const statuses = (await Promise.all(sleepers)).map((reply) => reply.status)
  if (statuses.some((status) => status !== 204))
    throw new Error(`the slow queries answered ${statuses.join()}`)
  console.log(
    `\nquick reads of one project: p99 ${before.p99Ms.toFixed(1)} ms alone, ${during.p99Ms.toFixed(1)} ms while eight 5 s queries of another run`,
  )
}

const server = await startBenchServer()
try {
  const project = await server.createProject({ name: 'one' })
  await server.query(project.ref, schema)
  await server.query(project.ref, 'analyze')
  await measureKinds(server, project)
  await measureSlowNeighbour(server, project)
  if (liteFolder !== undefined) await measureLite(server, project, liteFolder, seconds)
  await measureMany(server, project)
} finally {
  await server.stop()
}
