// Loaded into the server that is measured (`node --import`): how long its event loop was held. On SIGUSR2 it writes the figures
// since the last time to LOOP_DELAY_FILE and begins anew.
import { renameSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

const file = process.env.LOOP_DELAY_FILE
if (file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  process.on('SIGUSR2', () => {
    // The timer itself is late by its resolution.
    const ms = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - 1)
    const figures = { p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max) }
    writeFileSync(`${file}.new`, JSON.stringify(figures))
    renameSync(`${file}.new`, file)
    delay.reset()
  })
}
