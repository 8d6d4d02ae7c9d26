// Installs dependencies when package-lock.json is not the one that node_modules was made from.
// Plain JavaScript without imports of ours: it runs before anything is installed.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'

export const root = fileURLToPath(new URL('..', import.meta.url))

export function ensureInstalled() {
  if (process.platform === 'win32') {
    console.error(
      'Favo runs on Linux and macOS. On Windows, use it inside WSL: https://learn.microsoft.com/windows/wsl',
    )
    process.exit(1)
  }
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Favo needs Node 20.19 or newer; this is ${process.versions.node}.`)
    process.exit(1)
  }
  const hash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  const stamp = join(root, 'node_modules', '.favo-installed')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return
  console.log('Installing dependencies (npm ci); this happens once.')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) {
    console.error('npm ci failed; see its output above.')
    process.exit(status ?? 1)
  }
  writeFileSync(stamp, hash)
}
