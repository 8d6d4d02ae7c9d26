// `npm test`: installs what is missing, then runs all tests. Arguments go to vitest.
import { rmSync, statSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ensureInstalled, root } from './ensure-installed.mjs'

ensureInstalled()
dropOldCache()
const args = ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)]
const { status } = spawnSync('node', args, { cwd: root, stdio: 'inherit' })
process.exit(status ?? 1)

/** Vitest 4.1 drops what it transformed when other packages are installed, and then finds no folder to write to. */
function dropOldCache() {
  const cache = join(root, 'node_modules/.experimental-vitest-cache')
  const made = statSync(join(cache, '_metadata.json'), { throwIfNoEntry: false })
  const installed = statSync(join(root, 'node_modules/.package-lock.json'))
  if (made !== undefined && made.mtimeMs < installed.mtimeMs)
    rmSync(cache, { recursive: true, force: true, maxRetries: 5 })
}
