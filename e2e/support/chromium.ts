import { execFile } from 'node:child_process'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { brotliDecompress, createBrotliDecompress } from 'node:zlib'

export interface Chromium {
  readonly path: string
  /** What it has to find in its environment. */
  readonly env: Readonly<Record<string, string>>
}

const installed = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/**
 * A Chromium of this machine, else the one of the npm package `@sparticuz/chromium` (Linux on x64), unpacked once beside the
 * installed packages, with the libraries and fonts that it brings for machines without any.
 */
export async function findChromium(): Promise<Chromium> {
  const found = installed.find((path) => existsSync(path))
  if (found !== undefined) return { path: found, env: {} }
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('Install Chrome for this test: the Chromium among the packages is for Linux on x64.')
  const folder = await unpack()
  return {
    path: join(folder, 'chromium'),
    env: {
      ...((await lacksLibraries(join(folder, 'chromium'))) ? { LD_LIBRARY_PATH: join(folder, 'lib') } : {}),
      ...(existsSync('/etc/fonts/fonts.conf') ? {} : { FONTCONFIG_FILE: join(folder, 'fonts.conf') }),
    },
  }
}

/** Unpacked aside and renamed, because test files of other processes may look for it at the same moment. */
async function unpack(): Promise<string> {
  const main = createRequire(import.meta.url).resolve('@sparticuz/chromium')
  const base = main.slice(0, main.lastIndexOf('/build/'))
  const { version } = JSON.parse(await readFile(join(base, 'package.json'), 'utf8')) as { version: string }
  const folder = resolve(import.meta.dirname, `../../node_modules/.cache/favo-browser/chromium-${version}`)
  if (existsSync(folder)) return folder
  await mkdir(dirname(folder), { recursive: true })
  const aside = await mkdtemp(`${folder}-`)
  await pipeline(
    createReadStream(join(base, 'bin/chromium.br')),
    createBrotliDecompress({ chunkSize: 2 ** 21 }),
    createWriteStream(join(aside, 'chromium'), { mode: 0o755 }),
  )
  for (const name of ['al2023', 'fonts']) await untar(join(base, `bin/${name}.tar.br`), aside)
  // The one that comes with them looks for them in places of its own.
  const fonts = `<fontconfig><dir>${folder}/fonts</dir><cachedir>${folder}/fonts-cache</cachedir></fontconfig>`
  await writeFile(join(aside, 'fonts.conf'), fonts)
  await rename(aside, folder).catch(async (error: unknown) => {
    await rm(aside, { recursive: true })
    if (!existsSync(folder)) throw error
  })
  return folder
}

/** Holds `lib/…` and `fonts/…`. */
async function untar(file: string, folder: string): Promise<void> {
  const bytes = await promisify(brotliDecompress)(await readFile(file))
  const untarring = promisify(execFile)('tar', ['-x', '-C', folder])
  untarring.child.stdin?.end(bytes)
  await untarring
}

async function lacksLibraries(program: string): Promise<boolean> {
  const { stdout } = await promisify(execFile)('ldd', [program]).catch(() => ({ stdout: 'not found' }))
  return stdout.includes('not found')
}
