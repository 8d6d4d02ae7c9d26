import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Resolves `check` until it is true, or false after `timeoutMs`. */
export async function poll(check: () => Promise<boolean>, timeoutMs: number, everyMs = 20): Promise<boolean> {
  const end = Date.now() + timeoutMs
  for (;;) {
    if (await check()) return true
    if (Date.now() >= end) return false
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

/** `postmaster.pid` as Postgres writes it: line 1 the pid, line 8 the state. */
export async function readPostmaster(data: string): Promise<{ pid: number; isReady: boolean } | null> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => null)
  if (text === null) return null
  const lines = text.split('\n')
  const pid = Number(lines[0])
  return Number.isInteger(pid) && pid > 0 ? { pid, isReady: lines[7]?.trim() === 'ready' } : null
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** After a reboot the pid of a stale file may belong to any program; only a postgres with our data folder counts. */
function isPostmasterOf(pid: number, data: string): boolean {
  try {
    const command = execFileSync('ps', ['-o', 'command=', '-p', String(pid)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    }).toString()
    return command.includes('postgres') && command.includes(data)
  } catch {
    return isAlive(pid) // no `ps` on the machine: Postgres itself will refuse a folder that is in use
  }
}

/** Stops a server that an earlier Favo left behind when it was killed. It has lost nothing: the stop is a clean one. */
export async function stopLeftover(data: string): Promise<boolean> {
  const found = await readPostmaster(data)
  if (found === null || !isAlive(found.pid) || !isPostmasterOf(found.pid, data)) return false
  await stopPostmaster(found.pid)
  return true
}

/** Fast shutdown; immediate when that takes longer than 30 s. */
export async function stopPostmaster(pid: number): Promise<void> {
  const gone = async () => !isAlive(pid)
  signal(pid, 'SIGINT')
  if (await poll(gone, 30_000)) return
  signal(pid, 'SIGQUIT')
  if (await poll(gone, 10_000)) return
  throw new Error(`Postgres (pid ${pid}) does not stop`)
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
