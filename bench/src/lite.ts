/** @supabase/lite beside the platform: the same Postgres, the same tables and policies, the same reads. */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDb, sql } from '@favo/postgres'
import type { ProjectConnection } from '@favo/contracts'
import { runLoad } from './http-load.ts'
import { embed, readTen, schema, targetOf } from './rest-cases.ts'
import { cpuSeconds, type BenchServer } from './server.ts'

const port = 54_399
const database = 'lite_bench'
const keys = { publishable: 'sb_publishable_bench', secret: 'sb_secret_bench' }

/** @param folder where `npm install @supabase/lite` has been run; it is no dependency of the project */
export async function measureLite(
  server: BenchServer,
  project: ProjectConnection,
  folder: string,
  seconds: number,
): Promise<void> {
  const lite = await startLite(server, folder)
  try {
    console.log('\n| 32 connections | @supabase/lite | its CPU | Favo | its CPU |')
    console.log('| --- | --- | --- | --- | --- |')
    for (const kind of [readTen, embed]) {
      const measure = async (at: { path_url: string; keys: { anon: string } }, pid: number) => {
        const target = targetOf(at, kind)
        const before = await cpuSeconds(pid)
        const load = await runLoad({ targets: [target], connections: 32, seconds })
        const cpu = (await cpuSeconds(pid)) - before
        const micros = (cpu * 1e6) / (load.requestsPerSecond * (seconds + 1))
        return `${load.requestsPerSecond.toFixed(0)}/s, p99 ${load.p99Ms.toFixed(1)} ms | ${micros.toFixed(0)} µs`
      }
      const theirs = await measure(
        { path_url: `http://127.0.0.1:${port}`, keys: { anon: keys.publishable } },
        lite.pid,
      )
      console.log(`| ${kind.name} | ${theirs} | ${await measure(project, server.pid)} |`)
    }
  } finally {
    await lite.stop()
  }
}

export async function startLite(server: BenchServer, folder: string) {
  const { password, host, port: dbPort } = await server.superuser()
  const login = { endpoint: { host, port: dbPort }, user: 'favo_admin', password, max: 1 }
  const maintenance = openDb({ ...login, database: 'postgres' })
  await maintenance.run(sql`create database ${sql.ident(database)}`)
  await maintenance.close()
  const db = openDb({ ...login, database })
  await db.run(
    sql.trusted(
      `${schema}; grant usage on schema public to anon; grant all on all tables in schema public to anon`,
    ),
  )
  await db.close()

  const home = await mkdtemp(join(tmpdir(), 'favo-lite-'))
  await mkdir(join(home, 'supabase'))
  await writeFile(
    join(home, 'supabase/config.toml'),
    `[api]
port = ${port}
[db]
driver = "postgres"
url = "postgres://favo_admin:${password}@127.0.0.1:${dbPort}/${database}"
[auth]
enabled = true
jwt_secret = "a-secret-for-measuring-only-0123456789"
publishable_key = "${keys.publishable}"
secret_key = "${keys.secret}"
`,
  )
  const child = spawn(
    process.execPath,
    [join(folder, 'node_modules/@supabase/lite/dist/cli/index.js'), 'start'],
    {
      cwd: home,
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  const stop = async () => {
    // It has been seen to ignore SIGTERM for minutes.
    child.kill('SIGKILL')
    await rm(home, { recursive: true, force: true })
  }
  const until = performance.now() + 30_000
  const isUp = () =>
    fetch(`http://127.0.0.1:${port}/rest/v1/todos?limit=1`, { headers: { apikey: keys.publishable } }).then(
      (reply) => reply.ok,
      () => false,
    )
  while (!(await isUp())) {
    if (child.exitCode !== null || performance.now() > until) {
      await stop()
      throw new Error('@supabase/lite did not start')
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return { url: `http://127.0.0.1:${port}`, key: keys.publishable, pid: child.pid ?? 0, stop }
}
