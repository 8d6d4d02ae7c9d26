import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandError } from '../terminal.ts'

export interface LocalMigration {
  readonly version: string
  readonly name: string
  readonly file: string
  readonly path: string
}

const FILE = /^([0-9]+)_(.*)\.sql$/
/** What old versions of Supabase's CLI put first; the platform has its content already. */
const OLD_INIT = /^([0-9]{14})_init\.sql$/
const OLD_INIT_BEFORE = '20211209000000'

/**
 * The migrations of a folder in the order of their names, by the rules of Supabase's CLI (pkg/migration/list.go of
 * supabase/cli). `skipped` are files that look like ones but are none, with the reason. No folder means none.
 */
export async function readLocalMigrations(
  directory: string,
): Promise<{ migrations: LocalMigration[]; skipped: string[] }> {
  const files = (await readdir(directory, { withFileTypes: true }).catch(missingIsEmpty))
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name)
    .sort(byBytes)
  const migrations: LocalMigration[] = []
  const skipped: string[] = []
  files.forEach((file, i) => {
    const [, version, name] = FILE.exec(file) ?? []
    const init = i === 0 ? OLD_INIT.exec(file)?.[1] : undefined
    if (init !== undefined && init < OLD_INIT_BEFORE)
      skipped.push(`${file} (rename it to something else than "init" to apply it)`)
    else if (version === undefined || name === undefined)
      skipped.push(`${file} (the name must look like <version>_<name>.sql)`)
    else migrations.push({ version, name, file, path: join(directory, file) })
  })
  const twice = migrations.find(({ version }, i) => migrations[i - 1]?.version === version)
  if (twice !== undefined)
    throw new CommandError(`Two migrations have the version ${twice.version}. Rename one of them.`)
  return { migrations, skipped }
}

export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

export function missingIsEmpty(error: unknown): never[] {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
  throw error
}
