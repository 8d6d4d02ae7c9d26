import { execFile, spawn } from 'node:child_process'
import { appendFile, chmod, mkdir, rename, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { poll } from '@favo/cluster'
import { inject } from 'vitest'
import { binariesDirectory } from './cluster.ts'

/** Where the run keeps the data folder that others are copied from. */
export const preparedFolder = (runId: string): string => join(tmpdir(), `favo-prepared-${runId}`)

/**
 * Of copies, below what the platform writes. A kill of processes loses nothing that the kernel has, and syncing waits for all
 * that the whole run has written: a start after a kill took a minute of that. First starts, in folders of their own, do sync.
 */
const settings = "fsync = 'off'\nfull_page_writes = 'off'\n"

/** The first who asks in a run makes it, the others wait. */
export async function copyPreparedHome(home: string, startFile: string): Promise<void> {
  const folder = preparedFolder(inject('cluster').runId)
  const ready = join(folder, 'ready')
  const isFirst = await mkdir(folder).then(
    () => true,
    () => false,
  )
  if (isFirst) await prepare(folder, startFile)
  const isThere = await poll(async () => (await stat(ready).catch(() => null)) !== null, 60_000)
  if (!isThere) throw new Error('nobody prepared a data folder')
  // With owners and modes, which Postgres insists on, and with links as links.
  await promisify(execFile)('cp', ['-a', ready, home])
}

async function prepare(folder: string, startFile: string): Promise<void> {
  await chmod(folder, 0o711)
  const home = join(folder, 'making')
  await mkdir(join(home, 'postgres'), { recursive: true, mode: 0o711 })
  await symlink(binariesDirectory, join(home, 'postgres/server'))
  const child = spawn(process.execPath, [startFile], {
    env: { PATH: process.env.PATH, FAVO_HOME: home, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
  const exited = new Promise((done) => child.once('exit', done))
  await Promise.race([poll(async () => output.includes('Favo is up'), 60_000), exited])
  child.kill('SIGTERM')
  await exited
  await rm(join(home, 'run'), { recursive: true, force: true })
  await appendFile(join(home, 'postgres/data/postgresql.auto.conf'), settings)
  await rename(home, join(folder, 'ready'))
}
