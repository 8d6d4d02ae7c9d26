import { startServer } from './server.ts'
import { ConfigError } from '@favo/runtime'

// The only file of the server that reads the environment, takes signals and ends the process.
const startedAt = Date.now() - process.uptime() * 1_000

try {
  const server = await startServer({ env: process.env, startedAt })

  let isStopping = false
  const stop = (signal: NodeJS.Signals) => {
    // A second Ctrl-C does not wait: a kill loses nothing that was acknowledged.
    if (isStopping) process.exit(130)
    isStopping = true
    process.stdout.write(`\n${signal}: stopping; requests under way are finished first.\n`)
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`Stopping failed: ${String(error)}\n`)
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  process.on('SIGHUP', stop)
  process.on('unhandledRejection', (error) => {
    server.log.error({ error }, 'unhandled rejection')
  })
  // Not before signals are heard: whoever reads it may send one at once.
  process.stdout.write(server.banner)
} catch (error) {
  const isPlain = error instanceof ConfigError || error instanceof Error
  process.stderr.write(`\n${isPlain ? error.message : String(error)}\n\n`)
  process.exit(1)
}
