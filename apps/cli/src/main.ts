import { run } from './run.ts'

/** The process around the command line: the only place that reads arguments and environment, and sets the exit code. */
export async function main(): Promise<void> {
  process.exitCode = await run(process.argv.slice(2), {
    env: process.env,
    cwd: process.cwd(),
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    isInteractive: process.stdin.isTTY && process.stderr.isTTY,
  })
}
