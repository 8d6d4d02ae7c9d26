// `npm run bench NAME [ARGUMENTS]`: runs bench/src/NAME.ts. Without a name it lists them.
import { readdirSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ensureInstalled, root } from './ensure-installed.mjs'

ensureInstalled()
const runnable = ['pipeline', 'rest-read', 'rest', 'rest-schema', 'auth', 'density', 'control', 'pg-gateway']
const [name, ...args] = process.argv.slice(2)
const files = readdirSync(join(root, 'bench/src')).map((file) => file.replace(/\.ts$/, ''))
if (name === undefined || !files.includes(name)) {
  console.log(
    `Usage: npm run bench NAME\n\n  ${runnable.join('\n  ')}\n\nFigures and what they mean: bench/README.md`,
  )
  process.exit(name === undefined ? 0 : 2)
}
const { status } = spawnSync(
  process.execPath,
  ['--import', 'tsx', join(root, `bench/src/${name}.ts`), ...args],
  {
    cwd: root,
    stdio: 'inherit',
  },
)
process.exit(status ?? 1)
