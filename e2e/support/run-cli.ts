import { run } from '@favo/cli'
import type { TestPlatform } from '@favo/testkit'

/** Runs `favo` against a platform, as on another machine: by its address and a token. Throws when it fails. */
export async function runCli(platform: TestPlatform, ...args: string[]): Promise<string> {
  const { code, out, err } = await tryCli(platform, ...args)
  if (code !== 0) throw new Error(`favo ${args.join(' ')} ended with ${code}: ${err}`)
  return out
}

/** The same, for command lines that may fail. */
export async function tryCli(platform: TestPlatform, ...args: string[]) {
  let out = ''
  let err = ''
  const code = await run(args, {
    env: { FAVO_API_URL: platform.apiUrl, FAVO_ACCESS_TOKEN: platform.token },
    cwd: process.cwd(),
    out: (text) => (out += text),
    err: (text) => (err += text),
    isInteractive: false,
  })
  return { code, out, err }
}
