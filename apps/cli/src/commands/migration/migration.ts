import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { connect } from '../../connect.ts'
import { findProject } from '../../find-project.ts'
import type { ProjectOptions } from '../../more-groups.ts'
import type { JsonOptions } from '../../program.ts'
import { byBytes, readLocalMigrations } from '../../push/local-migrations.ts'
import { CommandError, exitCodes, printJson, renderTable, type Terminal } from '../../terminal.ts'

interface Workdir {
  readonly workdir: string
}
const folderOf = (terminal: Terminal, { workdir }: Workdir) =>
  resolve(terminal.cwd, workdir, 'supabase', 'migrations')

/** `<time>_<name>.sql`, named as Supabase's CLI does. */
export async function newMigration(
  terminal: Terminal,
  name: string,
  options: JsonOptions & Workdir,
): Promise<void> {
  const stem = name
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
  if (stem === '') throw new CommandError('The name needs a letter or a digit.', exitCodes.usage)
  const folder = folderOf(terminal, options)
  await mkdir(folder, { recursive: true })
  const version = new Date().toISOString().replace(/[-:T]/g, '').slice(0, 14)
  const path = join(folder, `${version}_${stem}.sql`)
  await writeFile(path, '', { flag: 'wx' })
  if (options.json === true) return printJson(terminal, { version, name: stem, path })
  terminal.out(`${path}\n`)
}

export async function listMigrations(terminal: Terminal, options: ProjectOptions & Workdir): Promise<void> {
  const client = await connect(terminal)
  const { ref } = await findProject(client, options.project)
  const remote = new Map((await client.listMigrations(ref)).map(({ version, name }) => [version, name ?? '']))
  const { migrations, skipped } = await readLocalMigrations(folderOf(terminal, options))
  for (const reason of skipped) terminal.err(`Skipping ${reason}\n`)
  const local = new Map(migrations.map(({ version, name }) => [version, name]))
  const rows = [...new Set([...local.keys(), ...remote.keys()])].sort(byBytes).map((version) => ({
    version,
    name: local.get(version) ?? remote.get(version) ?? '',
    is_local: local.has(version),
    is_applied: remote.has(version),
  }))
  if (options.json === true) return printJson(terminal, rows)
  if (rows.length === 0) return terminal.out('No migrations, neither here nor there.\n')
  terminal.out(
    renderTable(
      ['VERSION', 'NAME', 'HERE', 'PROJECT'],
      rows.map((row) => [
        row.version,
        row.name,
        row.is_local ? 'yes' : 'no',
        row.is_applied ? 'applied' : 'pending',
      ]),
    ),
  )
}

export async function repairHistory(
  terminal: Terminal,
  versions: readonly string[],
  options: ProjectOptions & Workdir & { readonly status: 'applied' | 'reverted' },
): Promise<void> {
  const wrong = versions.find((version) => !/^[0-9]{1,32}$/.test(version))
  if (wrong !== undefined) throw new CommandError(`${wrong} is no version: digits only.`, exitCodes.usage)
  const client = await connect(terminal)
  const { ref } = await findProject(client, options.project)
  const { migrations } = await readLocalMigrations(folderOf(terminal, options))
  for (const version of versions) {
    if (options.status === 'reverted')
      await client.runQuery(ref, {
        query: 'delete from supabase_migrations.schema_migrations where version = $1',
        parameters: [version],
      })
    else {
      const file = migrations.find((migration) => migration.version === version)
      if (file === undefined)
        throw new CommandError(`There is no file ${version}_….sql, which would say what was applied.`)
      await client.recordMigration(ref, {
        version,
        name: file.name,
        query: await readFile(file.path, 'utf8'),
      })
    }
  }
  if (options.json === true) return printJson(terminal, { versions, status: options.status })
  terminal.out(`The history says ${options.status} for ${versions.join(', ')}.\n`)
}
