/** The platform as people run it: a process of its own on a data folder of its own, fsync and all. */
import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { CreatedProject, ProjectConnection } from '@favo/contracts'
import { loginPassword, SecretBox } from '@favo/tokens'

export interface BenchServer {
  readonly apiUrl: string
  readonly pid: number
  readonly postmasterPid: number
  readonly home: string
  /** Milliseconds from the spawn to the first answered request. */
  readonly startMs: number
  createProject(body: Record<string, unknown>): Promise<ProjectConnection>
  query(ref: string, text: string): Promise<unknown>
  /** A request to the control plane as its operator, `path` from `/v1` on. Throws when the answer is not a 2xx. */
  request(method: string, path: string, body?: unknown): Promise<unknown>
  /** How pgbench gets at the same database. */
  login(
    project: ProjectConnection,
  ): Promise<{ host: string; port: number; database: string; password: string }>
  /** The cluster's superuser, over loopback. */
  superuser(): Promise<{ host: string; port: number; password: string }>
  stop(): Promise<void>
}

/** `nodeFlags` for profiling: `--cpu-prof --cpu-prof-dir=…`. */
export async function startBenchServer(
  env: Record<string, string> = {},
  nodeFlags: readonly string[] = [],
): Promise<BenchServer> {
  const base = await mkdtemp(join(tmpdir(), 'favo-bench-'))
  await chmod(base, 0o711)
  const home = join(base, 'home')
  const started = performance.now()
  const root = resolve(import.meta.dirname, '../..')
  const child = spawn(
    process.execPath,
    [...nodeFlags, '--max-semi-space-size=32', join(root, 'tools/start.mjs')],
    {
      cwd: root,
      env: { ...process.env, NODE_ENV: 'production', FAVO_LOG_LEVEL: 'warn', ...env, FAVO_HOME: home },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  await new Promise<void>((done, fail) => {
    child.stdout.on('data', (bytes: Buffer) => bytes.includes('Favo is up') && done())
    child.once('exit', (code) => fail(new Error(`the server ended (${code})`)))
  })
  const run = JSON.parse(await readFile(join(home, 'run/favo.json'), 'utf8')) as {
    api_url: string
    admin_url: string
    pid: number
  }
  const token = (await readFile(join(home, 'secrets/bootstrap-token'), 'utf8')).trim()
  const pidFile = await readFile(join(home, 'postgres/data/postmaster.pid'), 'utf8')
  await fetch(`${run.api_url}/health`)
  const startMs = performance.now() - started

  const request = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const reply = await fetch(`${run.api_url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`)
    return reply.json()
  }
  return {
    apiUrl: run.api_url,
    pid: run.pid,
    postmasterPid: Number(pidFile.split('\n')[0]),
    home,
    startMs,
    createProject: async (body) =>
      ((await request('POST', '/v1/projects', body)) as CreatedProject).connection,
    query: (ref, text) => request('POST', `/v1/projects/${ref}/database/query`, { query: text }),
    request,
    login: async (project) => {
      const { port } = new URL(run.admin_url)
      const database = project.database.name
      const key = (await readFile(join(home, 'secrets/master-key'), 'utf8')).trim()
      const password = loginPassword(new SecretBox(Buffer.from(key, 'hex')), database, 'api')
      return { host: join(home, 'postgres/run'), port: Number(port), database, password }
    },
    superuser: async () => ({
      host: '127.0.0.1',
      port: Number(pidFile.split('\n')[3]),
      password: (await readFile(join(home, 'secrets/superuser-password'), 'utf8')).trim(),
    }),
    stop: async () => {
      const exited = new Promise((done) => child.once('exit', done))
      child.kill('SIGTERM')
      await exited
      await rm(base, { recursive: true, force: true })
    },
  }
}

/** CPU seconds of a process so far, all threads. Linux only. */
export async function cpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100
}
