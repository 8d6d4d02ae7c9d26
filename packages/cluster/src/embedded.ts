import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Logger } from '@favo/runtime'
import { installBinaries, type Binaries } from './binaries.ts'
import { hostBasedAuthentication, renderConfiguration } from './configuration.ts'
import { findFreePort } from './ports.ts'
import { stopLeftover } from './postmaster.ts'
import { findServerUser, type ServerUser } from './server-user.ts'
import { PortTakenError, Supervisor } from './supervisor.ts'

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
  await ensureInitialised(data, binaries, options, owner)

  await writeAs(join(data, 'pg_hba.conf'), hostBasedAuthentication, owner)
  const startOn = async (wanted: number): Promise<{ port: number; supervisor: Supervisor }> => {
    const port = await findFreePort(wanted, '127.0.0.1')
    const { maxConnections, overrides = {} } = options
    const settings = renderConfiguration({ port, socketDirectory, maxConnections, overrides })
    await writeAs(join(data, 'postgresql.conf'), settings, owner)
    const supervisor = new Supervisor(binaries.postgres, data, owner, options.log)
    try {
      await supervisor.start()
    } catch (error) {
      if (error instanceof PortTakenError) return startOn(wanted === 0 ? 0 : port + 1)
      throw error
    }
    return { port, supervisor }
  }
  const { port, supervisor } = await startOn(options.port)
  return {
    endpoint: { host: socketDirectory, port },
    port,
    version: binaries.version,
    pid: () => supervisor.pid,
    stop: () => supervisor.stop(),
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
  { password, overrides }: Pick<EmbeddedOptions, 'password' | 'overrides'>,
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
        .concat(['--locale-provider=builtin', '--locale=C', '--builtin-locale=C.UTF-8', '--no-instructions'])
        .concat(overrides?.fsync === 'off' ? ['--no-sync'] : []),
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
