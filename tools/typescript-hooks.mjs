// Node's loader hook for our .ts files: types off, nothing else. Runs in a thread of its own, during start only.
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { clearTimeout, setTimeout } from 'node:timers'
import { fileURLToPath } from 'node:url'

/** What makes the same text come out differently. */
const options = { loader: 'ts', format: 'esm', target: 'node20', sourcemap: 'inline' }
const { version } = createRequire(import.meta.url)('esbuild/package.json')
const recipe = JSON.stringify([version, options])

/** Beside what npm has installed: who may write there may write our code. */
const cache = fileURLToPath(new URL('../node_modules/.cache/favo/', import.meta.url))

export async function load(url, context, nextLoad) {
  if (!/^file:[^?#]*\.ts$/.test(url)) return nextLoad(url, context)
  const file = fileURLToPath(url)
  const text = await readFile(file, 'utf8')
  const name = createHash('sha256').update(`${recipe}\n${file}\n${text}`).digest('hex')
  const known = await readFile(`${cache}${name}.mjs`, 'utf8').catch(() => null)
  return { format: 'module', source: known ?? (await compile(name, file, text)), shortCircuit: true }
}

async function compile(name, file, text) {
  const esbuild = await import('esbuild')
  const { code } = await esbuild.transform(text, { ...options, sourcefile: file })
  clearTimeout(stopping)
  // esbuild works in a process of its own, which would stay as long as this one.
  stopping = setTimeout(() => void esbuild.stop(), 1_000)
  stopping.unref()
  await keep(name, code)
  return code
}

let stopping

/** Renamed into place, so that nobody reads half a file. A folder that cannot be written costs time at the next start, no more. */
async function keep(name, code) {
  const draft = `${cache}${name}.${process.pid}`
  try {
    await mkdir(cache, { recursive: true })
    await writeFile(draft, code)
    await rename(draft, `${cache}${name}.mjs`)
  } catch {
    return
  }
}
