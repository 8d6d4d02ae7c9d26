import { CommanderError } from 'commander'
import { createProgram } from './program.ts'
import { CommandError, exitCodes, type Terminal } from './terminal.ts'

/** Runs one command line and returns its exit code. Never throws. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await createProgram(terminal).parseAsync(args, { from: 'user' })
    return exitCodes.done
  } catch (error) {
    return report(error, terminal)
  }
}

function report(error: unknown, terminal: Terminal): number {
  // Commander has printed its own message; help and version come this way, too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  if (error instanceof CommandError) {
    terminal.err(`${error.message}\n`)
    return error.exitCode
  }
  if (error instanceof Error && error.name === 'ApiError') {
    terminal.err(`${error.message}\n`)
    if ('status' in error && error.status === 401)
      terminal.err('Make a token with `npx favo tokens create NAME` and put it into FAVO_ACCESS_TOKEN.\n')
    if ('requestId' in error && typeof error.requestId === 'string')
      terminal.err(`(request id ${error.requestId})\n`)
    return exitCodes.failed
  }
  if (error instanceof Error && error.name === 'UnreachableError') {
    terminal.err(`Favo does not answer (${error.message}). Start it with: npm start\n`)
    return exitCodes.unreachable
  }
  terminal.err(`favo failed: ${error instanceof Error ? error.message : String(error)}\n`)
  return exitCodes.failed
}
