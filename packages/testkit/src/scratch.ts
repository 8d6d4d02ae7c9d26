import { statfsSync } from 'node:fs'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { isAlive } from '@favo/cluster'

const memoryDirectory = '/dev/shm'

/**
 * Where throwaway data folders lie: in memory where there is plenty of it, else in the system's temporary folder. A database is
 * 470 files, and ext4 passes by every inode that was freed within the last minute when it makes one: between tests that drop
 * their databases, making one took 300 ms of the kernel's time. Decided by what does not change while tests run, so that all
 * processes of a run decide alike.
 */
export const scratchDirectory: string = hasMemoryToSpare() ? memoryDirectory : tmpdir()

function hasMemoryToSpare(): boolean {
  if (process.platform !== 'linux') return false
  // 0, or a number beyond all memory, where no limit is set.
  const limit = process.constrainedMemory() || Infinity
  if (Math.min(totalmem(), limit) < 6 * 2 ** 30) return false
  try {
    const { blocks, bsize } = statfsSync(memoryDirectory)
    return blocks * bsize >= 3 * 2 ** 30
  } catch {
    return false
  }
}

const abandonedAfterMs = 3_600_000

/** Removes what runs left behind that were killed. It would hold memory for as long as the machine runs. */
export async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(scratchDirectory)) {
    if (!/^favo-(test|home|prepared)-[\w-]{6,}$/.test(name) || name === 'favo-test-postgres') continue
    const path = join(scratchDirectory, name)
    const found = await stat(path).catch(() => null)
    if (found === null || Date.now() - found.mtimeMs < abandonedAfterMs || (await hasServer(path))) continue
    await rm(path, { recursive: true, force: true })
  }
}

async function hasServer(path: string): Promise<boolean> {
  for (const data of ['data', 'home/postgres/data', 'making/postgres/data']) {
    const text = await readFile(join(path, data, 'postmaster.pid'), 'utf8').catch(() => '')
    if (Number(text.split('\n')[0]) > 0 && isAlive(Number(text.split('\n')[0]))) return true
  }
  return false
}
