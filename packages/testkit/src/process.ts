import { spawn, type ChildProcess } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { CreatedProject, ProjectConnection } from '@favo/contracts'
import { isAlive, poll } from '@favo/cluster'
import { copyPreparedHome } from './prepared-home.ts'
import { closeWithTest } from './project.ts'
import { scratchDirectory } from './scratch.ts'

const root = resolve(import.meta.dirname, '../../..')
/** What `npm start` runs. */
const startFile = join(root, 'tools/start.mjs')
const cliFile = join(root, 'apps/cli/bin/favo.mjs')

export interface ServerProcess {
  readonly child: ChildProcess
  readonly apiUrl: string
  /** Everything it has printed so far. */
  output(): string
  postmasterPid(): Promise<number>
  /** Sends the signal and resolves with the exit code (null when the signal ended it). */
  end(signal: NodeJS.Signals): Promise<number | null>
}

export interface Installation {
  /** FAVO_HOME. */
  readonly home: string
  /** Starts `apps/server` as a process of its own; resolves when it is up, throws with its output when it ends instead. */
  start(env?: Record<string, string>): Promise<ServerProcess>
  /** Runs `favo`; resolves with what it printed and its exit code. */
  favo(
    args: readonly string[],
    env?: Record<string, string>,
  ): Promise<{ code: number; stdout: string; stderr: string }>
  token(): Promise<string>
  /** Superuser URL of the maintenance database of what runs now. */
  adminUrl(): Promise<string>
  createProject(server: ServerProcess, body: Record<string, unknown>): Promise<ProjectConnection>
  /** Ends everything in it and removes the folder. */
  close(): Promise<void>
}

/**
 * A data folder of its own, as a person would have it, with real processes. Close it in `afterAll`; inside a test it is closed
 * when the test ends. `isUsed`: one that was started and stopped before (prepared-home.ts), which takes a third of the time. A
 * start that fails before Postgres is reached needs none.
 */
export async function createInstallation({ isUsed = false } = {}): Promise<Installation> {
  const base = await mkdtemp(join(scratchDirectory, 'favo-home-'))
  await chmod(base, 0o711)
  const home = join(base, 'home')
  if (isUsed) await copyPreparedHome(home, startFile)
  const children: ChildProcess[] = []
  const close = async () => {
    for (const child of children) child.kill('SIGKILL')
    const pid = await readPostmasterPid(home)
    if (pid !== null && isAlive(pid)) process.kill(pid, 'SIGQUIT')
    if (pid !== null) await poll(async () => !isAlive(pid), 10_000)
    await rm(base, { recursive: true, force: true })
  }
  closeWithTest(close)
  const baseEnv = () => {
    const clean = Object.entries(process.env).filter(
      ([name]) => !name.startsWith('FAVO_') && !name.startsWith('VITEST'),
    )
    return { ...Object.fromEntries(clean), FAVO_HOME: home, NODE_ENV: 'production' }
  }

  return {
    home,
    start: async (env = {}) => {
      const child = spawn(process.execPath, [startFile], {
        cwd: root,
        env: { ...baseEnv(), ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      children.push(child)
      let output = ''
      child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
      child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()))
      const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
      const isUp = await Promise.race([
        poll(async () => output.includes('Favo is up'), 60_000),
        exited.then(() => false),
      ])
      // What was printed last may still be underway when the process has ended.
      if (!isUp) {
        await poll(async () => child.stderr.readableEnded, 1_000)
        throw new Error(output.trim())
      }
      return {
        child,
        apiUrl: (await readRunFile(home)).api_url,
        output: () => output,
        postmasterPid: async () => {
          const pid = await readPostmasterPid(home)
          if (pid === null) throw new Error('no postmaster')
          return pid
        },
        end: async (signal) => {
          child.kill(signal)
          return exited
        },
      }
    },
    favo: (args, env = {}) =>
      new Promise((done) => {
        const child = spawn(process.execPath, [cliFile, ...args], {
          cwd: root,
          env: { ...baseEnv(), ...env },
        })
        children.push(child)
        let stdout = ''
        let stderr = ''
        child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()))
        child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()))
        child.once('close', (code) => done({ code: code ?? -1, stdout, stderr }))
      }),
    adminUrl: async () => (await readRunFile(home)).admin_url,
    token: async () => (await readFile(join(home, 'secrets/bootstrap-token'), 'utf8')).trim(),
    createProject: async (server, body) => {
      const token = (await readFile(join(home, 'secrets/bootstrap-token'), 'utf8')).trim()
      const reply = await fetch(`${server.apiUrl}/v1/projects`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      if (!reply.ok) throw new Error(`${reply.status} ${await reply.text()}`)
      return ((await reply.json()) as CreatedProject).connection
    },
    close,
  }
}

async function readRunFile(home: string): Promise<{ api_url: string; admin_url: string }> {
  return JSON.parse(await readFile(join(home, 'run/favo.json'), 'utf8')) as {
    api_url: string
    admin_url: string
  }
}

async function readPostmasterPid(home: string): Promise<number | null> {
  const text = await readFile(join(home, 'postgres/data/postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number(text.split('\n')[0])
  return pid > 0 ? pid : null
}
