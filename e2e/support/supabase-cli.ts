import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** The release that Favo is tested against. */
export const cliVersion = '3.1.0'

const cacheDirectory = resolve(import.meta.dirname, '../../node_modules/.cache')

/**
 * Path of Supabase's own CLI, unmodified, from npm. It is installed on first use and kept beside node_modules: its program
 * has 135 MB, which nobody who only runs Favo should download. Null when it is not there and no registry answers.
 */
export async function findSupabaseCli(): Promise<string | null> {
  const home = join(cacheDirectory, `supabase-cli-${cliVersion}`)
  // What `npx supabase` starts, without the second of Node around it.
  const program = join(home, `node_modules/@supabase/cli-${process.platform}-${process.arch}/bin/supabase`)
  if (await exists(program)) return program
  await mkdir(cacheDirectory, { recursive: true })
  const draft = await mkdtemp(join(cacheDirectory, 'supabase-cli-draft-'))
  try {
    await writeFile(join(draft, 'package.json'), '{}')
    await promisify(execFile)(
      'npm',
      ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--save-exact', `supabase@${cliVersion}`],
      { cwd: draft, timeout: 120_000 },
    )
    // Another run may have been quicker; then its copy serves.
    await rename(draft, home).catch(() => undefined)
  } catch {
    return null
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return (await exists(program)) ? program : null
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )

export interface CliResult {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface SupabaseCli {
  /** Where `supabase/config.toml` and the migrations are. */
  readonly directory: string
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<CliResult>
  /** What it prints; throws with everything it said when it fails. */
  ok(...args: readonly string[]): Promise<string>
  close(): Promise<void>
}

/** A developer's machine: an empty folder, a profile that names the platform, and nothing of this machine's own settings. */
export async function createSupabaseCli(
  program: string,
  platform: { readonly apiUrl: string; readonly domain: string; readonly token?: string },
  extraEnv: Readonly<Record<string, string>> = {},
): Promise<SupabaseCli> {
  const base = await mkdtemp(join(tmpdir(), 'favo-supabase-cli-'))
  const directory = join(base, 'work')
  await mkdir(directory)
  const profile = join(base, 'favo.yaml')
  await writeFile(
    profile,
    `name: favo\napi_url: ${platform.apiUrl}\ndashboard_url: ${platform.apiUrl}\nproject_host: ${platform.domain}\n`,
  )
  const close = () => rm(base, { recursive: true, force: true })
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    new Promise<CliResult>((done, fail) => {
      const child = spawn(program, args, {
        cwd: directory,
        env: {
          PATH: process.env.PATH,
          HOME: base,
          SUPABASE_HOME: join(base, 'home'),
          SUPABASE_PROFILE: profile,
          SUPABASE_NO_UPDATE_NOTIFIER: '1',
          SUPABASE_NO_KEYRING: '1',
          DO_NOT_TRACK: '1',
          // It is made with Bun. A call lives for a second, and half of that went into optimizing code that runs once.
          BUN_JSC_useDFGJIT: '0',
          ...(platform.token === undefined ? {} : { SUPABASE_ACCESS_TOKEN: platform.token }),
          ...extraEnv,
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let out = ''
      let err = ''
      child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()))
      child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()))
      child.once('error', fail)
      child.once('close', (code) => done({ code, out, err }))
    })
  return {
    directory,
    run,
    ok: async (...args) => {
      const { code, out, err } = await run(args)
      if (code !== 0) throw new Error(`supabase ${args.join(' ')} ended with ${code}:\n${out}\n${err}`)
      return out
    },
    close,
  }
}
