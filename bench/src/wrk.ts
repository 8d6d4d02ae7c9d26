/** wrk, a load generator in C, where it is installed: what it does not use up is left to what is measured. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { LoadOptions, LoadResult, LoadTarget } from './http-load.ts'

const run = promisify(execFile)

/** Null when there is no wrk. Throws when an answer is not a 2xx. */
export async function runWrk(
  { url, method, headers, body }: LoadTarget,
  { connections, seconds }: Pick<LoadOptions, 'connections' | 'seconds'>,
): Promise<LoadResult | null> {
  const folder = await mkdtemp(join(tmpdir(), 'favo-wrk-'))
  const script = join(folder, 'request.lua')
  await writeFile(
    script,
    [
      `wrk.method = ${JSON.stringify(method ?? 'GET')}`,
      ...(body === undefined ? [] : [`wrk.body = [==[${body}]==]`]),
      ...Object.entries(headers).map(
        ([name, value]) => `wrk.headers[${JSON.stringify(name)}] = [==[${value}]==]`,
      ),
    ].join('\n'),
  )
  const flags = (s: number) => ['-t1', `-c${connections}`, `-d${s}s`, '--latency', '-s', script, url]
  try {
    await run('wrk', flags(1))
    const { stdout } = await run('wrk', flags(seconds))
    const refused = /Non-2xx or 3xx responses: \d+/.exec(stdout)
    if (refused !== null) throw new Error(`${url}: ${refused[0]}`)
    const at = (share: string) => milliseconds(new RegExp(`^\\s+${share}%\\s+(\\S+)`, 'm').exec(stdout)?.[1])
    const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
    return { requestsPerSecond: rate, p50Ms: at('50'), p99Ms: at('99') }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  } finally {
    await rm(folder, { recursive: true })
  }
}

const factors = { us: 0.001, ms: 1, s: 1_000 } as const

function milliseconds(text: string | undefined): number {
  const match = /^([\d.]+)(us|ms|s)$/.exec(text ?? '')
  return match === null ? NaN : Number(match[1]) * factors[match[2] as keyof typeof factors]
}
