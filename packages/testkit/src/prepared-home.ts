import { execFile, spawn } from 'node:child_process'
import { chmod, mkdir, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { poll } from '@favo/cluster'
import { inject } from 'vitest'

/** Where the run keeps the data folder that others are copied from. */
export const preparedFolder = (runId: string): string => join(tmpdir(), `favo-prepared-${runId}`)

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
  // With owners and modes, which Postgres insists on.
  await promisify(execFile)('cp', ['-a', ready, home])
}

async function prepare(folder: string, startFile: string): Promise<void> {
  await chmod(folder, 0o711)
  const home = join(folder, 'making')
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
  await rename(home, join(folder, 'ready'))
}
