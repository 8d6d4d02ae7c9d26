// Our programs as Node loads them fastest: all TypeScript of one program in one file, made when a source has changed.
// Why: docs/decisions/0016-programs-run-from-a-bundle.md
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Beside what npm has installed: who may write there may write our code. */
const cache = join(root, 'node_modules/.cache/favo')

/** What makes the same sources come out differently. */
const recipe = JSON.stringify([
  createRequire(import.meta.url)('esbuild/package.json').version,
  readFileSync(fileURLToPath(import.meta.url), 'utf8'),
])

/** Imports a program, `apps/server/src/main.ts`, and resolves with its exports. */
export async function importProgram(entry) {
  process.setSourceMapsEnabled(true)
  const file = join(root, entry)
  const bundled = await bundle({ root, cache, file }).catch(async (error) => {
    // Code that others than we installed, and that we may only read: slower, and no less right.
    if (!['EACCES', 'EROFS', 'EPERM'].includes(error.code)) throw error
    await import('./typescript.mjs')
    return file
  })
  // It works in a process of its own, which would stay as long as this one.
  await esbuild?.stop()
  return import(pathToFileURL(bundled).href)
}

/** Loaded when something has to be built. */
let esbuild = null

/**
 * Path of the bundle of `file`. It is used again as long as every file that went into it has the same content; contents, not
 * times, because a checkout or an image may give different files the same time. Rivals make the same folder, and the first wins.
 */
export async function bundle({ root, cache, file }) {
  const name = createHash('sha256').update(file).digest('hex').slice(0, 12)
  const list = join(cache, `${name}.json`)
  const known = await readFile(list, 'utf8').then(JSON.parse, () => null)
  if (known !== null) {
    const made = join(cache, `${name}-${fingerprint(root, known)}`, 'main.js')
    if (existsSync(made)) return made
  }
  await mkdir(cache, { recursive: true })
  const draft = await mkdtemp(join(cache, 'draft-'))
  try {
    const inputs = await build(root, file, draft)
    // Made by root, read by whoever runs the platform.
    await chmod(draft, 0o755)
    const folder = join(cache, `${name}-${fingerprint(root, inputs)}`)
    // Renamed into place, so that nobody reads half of it.
    await rename(draft, folder).catch((error) => {
      if (!existsSync(join(folder, 'main.js'))) throw error
    })
    await writeFile(`${draft}.json`, JSON.stringify(inputs))
    await rename(`${draft}.json`, list)
    await removeOld(cache, name, folder)
    return join(folder, 'main.js')
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** Of the files' contents, their places, and how we build. A file that is gone counts as empty. */
function fingerprint(root, inputs) {
  const hash = createHash('sha256').update(`${recipe}\n${root}\n`)
  for (const input of inputs) {
    const path = join(root, input)
    hash.update(`${input}\n`).update(existsSync(path) ? readFileSync(path) : '')
  }
  return hash.digest('hex').slice(0, 20)
}

/** Writes `main.js` and what it loads later, and returns which files decide about the result. */
async function build(root, file, outdir) {
  esbuild ??= await import('esbuild')
  const { metafile } = await esbuild.build({
    entryPoints: { main: file },
    outdir,
    absWorkingDir: root,
    bundle: true,
    // What a program loads when it needs it stays apart.
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'linked',
    sourcesContent: false,
    // Types off, nothing else.
    tsconfigRaw: {},
    metafile: true,
    logLevel: 'silent',
    plugins: [ownSources],
  })
  await writeFile(join(outdir, 'package.json'), '{"type":"module"}')
  const sources = Object.keys(metafile.inputs)
  const packages = sources.flatMap((source) => {
    for (let folder = dirname(source); folder !== '.'; folder = dirname(folder))
      if (existsSync(join(root, folder, 'package.json'))) return [join(folder, 'package.json')]
    return []
  })
  return [...new Set(['package-lock.json', ...packages, ...sources])].sort()
}

/** Only our own files go in. What npm installed is imported from where the importing file finds it. */
const ownSources = {
  name: 'own sources',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, resolveDir, kind }) => {
      if (pluginData === ownSources || path.startsWith('node:')) return undefined
      const found = await build.resolve(path, { resolveDir, kind, pluginData: ownSources })
      if (found.errors.length > 0 || found.external) return { path, external: true }
      const isOurs = !relative(build.initialOptions.absWorkingDir, found.path).includes('node_modules/')
      return isOurs ? found : { path: pathToFileURL(found.path).href, external: true }
    })
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8')
      const here = text
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
      return { contents: here, loader: 'ts' }
    })
  },
}

/** Bundles of a day ago: younger ones may be about to be imported by a process that started with other sources. */
async function removeOld(cache, name, current) {
  for (const entry of await readdir(cache)) {
    const path = join(cache, entry)
    const isOther =
      (entry.startsWith(`${name}-`) || entry.startsWith('draft-')) && resolve(path) !== resolve(current)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }))
    if (isOther && Date.now() - mtimeMs > 86_400_000) await rm(path, { recursive: true, force: true })
  }
}
