// Installs dependencies when node_modules does not hold what package-lock.json says.
// Plain JavaScript without imports of ours: it runs before anything is installed.
import { existsSync, readFileSync } from 'node:fs'
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
  if (isInstalled()) return
  console.log('Installing dependencies (npm ci); this happens once.')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) {
    console.error('npm ci failed; see its output above.')
    process.exit(status ?? 1)
  }
}

/** npm leaves a lock file of its own beside what it has installed; both must name the same packages. */
function isInstalled() {
  const installedFile = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installedFile)) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages
  return Object.entries(wanted).every(([path, { version, integrity, link, optional }]) => {
    const isOurs = !path.startsWith('node_modules/') || link
    const found = installed[path]
    if (isOurs || (optional && found === undefined)) return true
    return found?.version === version && found?.integrity === integrity
  })
}
