// `npm test`: installs what is missing, runs the checks, then all tests. Arguments go to vitest and skip the checks.
import { spawnSync } from 'node:child_process'
import { ensureInstalled, root } from './ensure-installed.mjs'

ensureInstalled()
const run = (command, args) => {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
const args = process.argv.slice(2)
if (args.length === 0) run('node', ['tools/check.mjs'])
run('node', ['node_modules/vitest/vitest.mjs', 'run', ...args])
