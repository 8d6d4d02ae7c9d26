import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Logger } from '@favo/runtime'
import { installBinaries, type Binaries } from './binaries.ts'
import { hostBasedAuthentication, renderConfiguration } from './configuration.ts'
import { findFreePort } from './ports.ts'
import { isAlive, poll, readPostmaster, stopLeftover, stopPostmaster } from './postmaster.ts'
import { findServerUser, type ServerUser } from './server-user.ts'

export const superuser = 'favo_admin'

export interface EmbeddedOptions {
  /** Holds `server/` (binaries), `data/` and the socket; the server's user must be able to reach it. */
  readonly directory: string
  /** Where binaries are kept, when it is not `<directory>/server`; tests share one copy between runs. */
  readonly binariesDirectory?: string
  /** The superuser's password; given to initdb once, and from then on expected to be the same. */
  readonly password: string
  /** Wanted loopback port; the next free one is taken when it is in use. */
  readonly port: number
  readonly maxConnections: number
  readonly extensionsDirectory: string | null
  readonly overrides?: Readonly<Record<string, string>>
  readonly log: Logger
}

export interface EmbeddedCluster {
  /** For clients on this machine: the folder of the Unix socket, and the port that names the socket in it. */
  readonly endpoint: { readonly host: string; readonly port: number }
  readonly port: number
  readonly version: string
  /** Process id of the postmaster as it runs now. */
  pid(): number | null
  stop(): Promise<void>
}

/**
 * Starts the embedded server: first run makes the cluster, later runs reuse it. What a killed predecessor left behind
 * (running server, stale pid file) is cleared. When the server dies it is started again until `stop`.
 *
 * Throws with a sentence that names the folder when it cannot be written or reached.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedCluster> {
  const owner = findServerUser()
  await prepareDirectory(options.directory, owner)
  const binaries = await installBinaries({
    target: options.binariesDirectory ?? join(options.directory, 'server'),
    owner,
    extensionsDirectory: options.extensionsDirectory,
  })
  const data = join(options.directory, 'data')
  const socketDirectory = await makeSocketDirectory(options.directory, owner)
  if (await stopLeftover(data))
    options.log.info({ data }, 'stopped the server that an earlier run left behind')
  await ensureInitialised(data, binaries, options.password, owner)

  const port = await findFreePort(options.port, '127.0.0.1')
  await writeAs(join(data, 'pg_hba.conf'), hostBasedAuthentication, owner)
  await writeAs(
    join(data, 'postgresql.conf'),
    renderConfiguration({
      port,
      socketDirectory,
      maxConnections: options.maxConnections,
      overrides: options.overrides ?? {},
    }),
    owner,
  )
  const supervisor = new Supervisor(binaries.postgres, data, owner, options.log)
  await supervisor.start()
  return {
    endpoint: { host: socketDirectory, port },
    port,
    version: binaries.version,
    pid: () => supervisor.pid,
    stop: () => supervisor.stop(),
  }
}

/** Keeps one postmaster running: starts it, starts it again when it dies, stops it. */
class Supervisor {
  #child: ChildProcess | null = null
  #isStopping = false
  #restarting: Promise<void> = Promise.resolve()
  readonly #postgres: string
  readonly #data: string
  readonly #owner: ServerUser | null
  readonly #log: Logger

  constructor(postgres: string, data: string, owner: ServerUser | null, log: Logger) {
    this.#postgres = postgres
    this.#data = data
    this.#owner = owner
    this.#log = log
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /** Resolves when connections are accepted. Tries for 15 s, because backends of a killed postmaster take a moment to go. */
  async start(): Promise<void> {
    const end = Date.now() + 15_000
    for (;;) {
      const problem = await this.#tryStart()
      if (problem === null) return
      if (Date.now() > end) throw new Error(`Postgres does not start: ${problem}`)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }

  async #tryStart(): Promise<string | null> {
    const errors = join(this.#data, 'startup.log')
    const stderr = await open(errors, 'w', 0o600)
    // A process group of its own: Ctrl-C reaches us only, and we stop the server after its clients.
    const child = spawn(this.#postgres, ['-D', this.#data], {
      detached: true,
      stdio: ['ignore', stderr.fd, stderr.fd],
      cwd: this.#data,
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      ...(this.#owner === null ? {} : { uid: this.#owner.uid, gid: this.#owner.gid }),
    })
    await stderr.close()
    let end: string | null = null
    child.once('error', (error) => (end = error.message))
    child.once('exit', (code, signal) => (end = `exit ${code ?? signal}`))
    // Recovery after a crash may take long; as long as the process lives we wait.
    await poll(async () => {
      if (end !== null) return true
      const state = await readPostmaster(this.#data)
      return state !== null && state.pid === child.pid && state.isReady
    }, 600_000)
    if (end !== null) {
      const text = await readFile(errors, 'utf8').catch(() => '')
      return `${String(end)}; ${text.trim().split('\n').slice(-3).join(' ')}`
    }
    this.#child = child
    child.once('exit', (code, signal) => this.#onExit(code, signal))
    return null
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    this.#child = null
    if (this.#isStopping) return
    this.#log.error({ code, signal }, 'Postgres died; starting it again')
    this.#restarting = this.start().then(
      () => this.#log.info({ pid: this.pid }, 'Postgres runs again'),
      (error: unknown) => this.#log.error({ error }, 'Postgres could not be started again'),
    )
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#restarting
    const pid = this.pid
    if (pid !== null && isAlive(pid)) await stopPostmaster(pid)
  }
}

async function prepareDirectory(directory: string, owner: ServerUser | null): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o711 })
    const probe = join(directory, `.write-test-${process.pid}`)
    await writeFile(probe, '')
    await rm(probe)
  } catch (error) {
    throw new Error(`The data folder ${directory} cannot be written (${(error as Error).message}).`, {
      cause: error,
    })
  }
  if (owner === null) return
  const reachable = await promisify(execFile)('test', ['-x', directory], {
    uid: owner.uid,
    gid: owner.gid,
  }).then(
    () => true,
    () => false,
  )
  if (!reachable)
    throw new Error(
      `The data folder ${directory} cannot be reached by the user "${owner.name}", who runs Postgres because root may not. ` +
        'Choose a folder outside /root with FAVO_HOME.',
    )
}

/** Unix socket paths are limited to 107 bytes (103 on macOS); a deep folder gets its socket in the system's temporary one. */
async function makeSocketDirectory(directory: string, owner: ServerUser | null): Promise<string> {
  const near = join(directory, 'run')
  const name = createHash('sha256').update(directory).digest('hex').slice(0, 12)
  const chosen = `${near}/.s.PGSQL.65535.lock`.length <= 103 ? near : join(tmpdir(), `favo-${name}`)
  await mkdir(chosen, { recursive: true, mode: 0o700 })
  await chmod(chosen, 0o700)
  if (owner !== null) await chown(chosen, owner.uid, owner.gid)
  return chosen
}

/** initdb into a folder of another name, renamed when complete: a `data` that exists is whole. */
async function ensureInitialised(
  data: string,
  binaries: Binaries,
  password: string,
  owner: ServerUser | null,
): Promise<void> {
  if (existsSync(join(data, 'PG_VERSION'))) return checkMajor(data, binaries)
  const building = `${data}.new`
  await rm(building, { recursive: true, force: true })
  await mkdir(building, { recursive: true, mode: 0o700 })
  const passwordFile = join(building, `../.pw-${randomBytes(6).toString('hex')}`)
  await writeAs(passwordFile, `${password}\n`, owner)
  if (owner !== null) await chown(building, owner.uid, owner.gid)
  try {
    await promisify(execFile)(
      binaries.initdb,
      ['-D', building, '-U', superuser, '--pwfile', passwordFile, '-A', 'scram-sha-256', '-E', 'UTF8']
        // C.UTF-8 from Postgres itself: the same order on every system, and no dependence on its locales.
        .concat(['--locale-provider=builtin', '--locale=C', '--builtin-locale=C.UTF-8', '--no-instructions']),
      owner === null ? {} : { uid: owner.uid, gid: owner.gid, cwd: building },
    )
  } catch (error) {
    throw new Error(`initdb failed: ${(error as { stderr?: string }).stderr ?? String(error)}`, {
      cause: error,
    })
  } finally {
    await rm(passwordFile, { force: true })
  }
  await rename(building, data)
}

async function checkMajor(data: string, binaries: Binaries): Promise<void> {
  const found = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim()
  const wanted = binaries.version.split('.')[0]
  if (found !== wanted)
    throw new Error(`${data} was made by Postgres ${found}, and this Favo brings Postgres ${wanted}.`)
}

async function writeAs(path: string, text: string, owner: ServerUser | null): Promise<void> {
  await writeFile(path, text, { mode: 0o600 })
  if (owner !== null) await chown(path, owner.uid, owner.gid)
}
