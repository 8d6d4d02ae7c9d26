import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFile, chmod, mkdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { poll, startEmbedded, stopLeftover } from '@favo/cluster'
import { silentLogger } from '@favo/runtime'
import { extensionsDirectory } from '@favo/tenancy'
import { inject } from 'vitest'
import { binariesDirectory } from './cluster.ts'
import { scratchDirectory } from './scratch.ts'

/** Where the run keeps the data folder that others are copied from. */
export const preparedFolder = (runId: string): string => join(scratchDirectory, `favo-prepared-${runId}`)

/**
 * Of copies, below what the platform writes. A kill of processes loses nothing that the kernel has, and syncing waits for all
 * that the whole run has written: a start after a kill took a minute of that. First starts, in folders of their own, do sync.
 */
const settings = "fsync = 'off'\nfull_page_writes = 'off'\n"

/** The first who asks in a run makes it, the others wait; when it could not be made, the next one tries. */
export async function copyPreparedHome(home: string, startFile: string): Promise<void> {
  const folder = preparedFolder(inject('cluster').runId)
  const ready = join(folder, 'ready')
  const exists = async (path: string) => (await stat(path).catch(() => null)) !== null
  while (!(await exists(ready))) {
    const isFirst = await mkdir(folder).then(
      () => true,
      () => false,
    )
    if (isFirst)
      await prepare(folder, startFile).catch(async (error: unknown) => {
        await rm(folder, { recursive: true, force: true })
        throw error
      })
    else {
      const isOver = await poll(async () => (await exists(ready)) || !(await exists(folder)), 100_000)
      if (!isOver) throw new Error('nobody prepared a data folder')
    }
  }
  // With owners and modes, which Postgres insists on, and with links as links.
  await promisify(execFile)('cp', ['-a', ready, home])
}

async function prepare(folder: string, startFile: string): Promise<void> {
  await chmod(folder, 0o711)
  const home = join(folder, 'making')
  await makeCluster(home)
  const child = spawn(process.execPath, [startFile], {
    env: { PATH: process.env.PATH, FAVO_HOME: home, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
  const exited = new Promise((done) => child.once('exit', done))
  await Promise.race([poll(async () => output.includes('Favo is up'), 60_000), exited])
  const isUp = output.includes('Favo is up')
  child.kill('SIGTERM')
  await exited
  if (!isUp) {
    await stopLeftover(join(home, 'postgres/data'))
    throw new Error(`the data folder to copy could not be prepared:\n${output}`)
  }
  await rm(join(home, 'run'), { recursive: true, force: true })
  await rename(home, join(folder, 'ready'))
}

/** As the platform would, but with programs that are there already and without syncing. */
async function makeCluster(home: string): Promise<void> {
  const directory = join(home, 'postgres')
  const password = randomBytes(24).toString('hex')
  await mkdir(join(home, 'secrets'), { recursive: true })
  await writeFile(join(home, 'secrets/superuser-password'), `${password}\n`, { mode: 0o600 })
  await mkdir(directory)
  for (const path of [home, directory]) await chmod(path, 0o711)
  await symlink(binariesDirectory, join(directory, 'server'))
  const cluster = await startEmbedded({
    directory,
    password,
    port: 0,
    maxConnections: 20,
    extensionsDirectory,
    overrides: { fsync: 'off' },
    log: silentLogger(),
  })
  await cluster.stop()
  await appendFile(join(directory, 'data/postgresql.auto.conf'), settings)
}
