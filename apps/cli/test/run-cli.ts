import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { run } from '../src/index.ts'

export interface CliResult {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** One command line with an environment of its own. */
export async function runCli(
  args: readonly string[],
  options: { readonly env?: Record<string, string>; readonly cwd?: string } = {},
): Promise<CliResult> {
  let out = ''
  let err = ''
  const code = await run(args, {
    env: { FAVO_HOME: '/nonexistent/favo', ...options.env },
    cwd: options.cwd ?? tmpdir(),
    out: (text) => (out += text),
    err: (text) => (err += text),
    isInteractive: false,
  })
  return { code, out, err }
}

/** A temporary folder with these files; removed when the test ends. */
export async function writeFiles(files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'favo-cli-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), text)
  }
  return directory
}
