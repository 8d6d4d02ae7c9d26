import { run } from '@favo/cli'
import type { TestPlatform } from '@favo/testkit'

/** Runs `favo` against a platform, as on another machine: by its address and a token. Throws when it fails. */
export async function runCli(platform: TestPlatform, ...args: string[]): Promise<string> {
  let out = ''
  let err = ''
  const code = await run(args, {
    env: { FAVO_API_URL: platform.apiUrl, FAVO_ACCESS_TOKEN: platform.token },
    cwd: process.cwd(),
    out: (text) => (out += text),
    err: (text) => (err += text),
    isInteractive: false,
  })
  if (code !== 0) throw new Error(`favo ${args.join(' ')} ended with ${code}: ${err}`)
  return out
}
