// `npm test`: installs what is missing, then runs all tests. Arguments go to vitest.
import { spawnSync } from 'node:child_process'
import { ensureInstalled, root } from './ensure-installed.mjs'

ensureInstalled()
const args = ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)]
const { status } = spawnSync('node', args, { cwd: root, stdio: 'inherit' })
process.exit(status ?? 1)
