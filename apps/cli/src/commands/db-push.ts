import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { ControlClient } from '@favo/client'
import { readConfig } from '../config/read-config.ts'
import { connect } from '../connect.ts'
import { findProject } from '../find-project.ts'
import type { PushOptions } from '../program.ts'
import { findPending } from '../push/find-pending.ts'
import { readLocalMigrations, type LocalMigration } from '../push/local-migrations.ts'
import { readPushConfig, type PushConfig } from '../push/push-config.ts'
import { findPendingSeeds, type SeedFile } from '../push/seed-files.ts'
import { explainSqlFailure } from '../push/sql-failure.ts'
import { CommandError, printJson, type Terminal } from '../terminal.ts'
import { applyConfig } from './config-push.ts'

/** `favo db push`, as Supabase's `db push` does it: same order, same refusals, same history tables. */
export async function push(terminal: Terminal, options: PushOptions): Promise<void> {
  const workdir = resolve(terminal.cwd, options.workdir)
  await requireFolder(join(workdir, 'supabase'))
  const config = await readPushConfig(join(workdir, 'supabase', 'config.toml'))
  const settings = options.includeConfig === true ? await readConfig(workdir, terminal.env) : null
  const client = await connect(terminal)
  const { ref } = await findProject(client, options.project)

  const migrations = await planMigrations(terminal, client, ref, workdir, config, options.includeAll === true)
  const seeds = options.includeSeed === true ? await planSeeds(terminal, client, ref, workdir, config) : []
  const isDry = options.dryRun === true
  if (isDry) explainDryRun(terminal, migrations, seeds)
  else {
    for (const migration of migrations) await applyMigration(terminal, client, ref, migration)
    for (const seed of seeds) await applySeed(terminal, client, ref, seed)
  }

  // Last, because hooks may be functions that the migrations make.
  const pushed = settings === null ? null : await applyConfig(terminal, client, ref, settings, isDry)

  if (options.json === true)
    return printJson(terminal, {
      ref,
      dry_run: isDry,
      migrations: migrations.map(({ version, name }) => ({ version, name })),
      seeds: seeds.map(({ path }) => path),
      ...(pushed === null ? {} : { settings: pushed.applied, warnings: pushed.left }),
    })
  if (pushed !== null && !isDry) terminal.out(`Applied ${count(pushed.applied.length, 'setting')}.\n`)
  if (migrations.length === 0 && seeds.length === 0) terminal.out('The project is up to date.\n')
  else if (!isDry)
    terminal.out(`Applied ${count(migrations.length, 'migration')}, ${count(seeds.length, 'seed file')}.\n`)
}

async function requireFolder(path: string): Promise<void> {
  const isFolder = await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
  if (!isFolder)
    throw new CommandError(`There is no folder ${path}. Name the folder that holds supabase/ with --workdir.`)
}

async function planMigrations(
  terminal: Terminal,
  client: ControlClient,
  ref: string,
  workdir: string,
  config: PushConfig,
  includeAll: boolean,
): Promise<readonly LocalMigration[]> {
  if (!config.migrationsEnabled) {
    terminal.err('Migrations are switched off in config.toml ([db.migrations] enabled).\n')
    return []
  }
  const remote = await client.listMigrations(ref)
  const { migrations, skipped } = await readLocalMigrations(join(workdir, 'supabase', 'migrations'))
  for (const reason of skipped) terminal.err(`Skipping ${reason}\n`)
  const pending = findPending(
    migrations,
    remote.map(({ version }) => version),
    includeAll,
  )
  if (pending.kind === 'missingLocally')
    throw new CommandError(
      `The project has migrations that supabase/migrations lacks: ${pending.versions.join(', ')}. Bring the folder up to date first.`,
    )
  if (pending.kind === 'outOfOrder')
    throw new CommandError(
      `These migrations are older than the newest one of the project:\n${pending.migrations.map(({ file }) => `  ${file}\n`).join('')}Apply them nevertheless with --include-all.`,
    )
  return pending.migrations
}

async function planSeeds(
  terminal: Terminal,
  client: ControlClient,
  ref: string,
  workdir: string,
  config: PushConfig,
): Promise<readonly SeedFile[]> {
  if (!config.seedEnabled) {
    terminal.err('Seeds are switched off in config.toml ([db.seed] enabled).\n')
    return []
  }
  const { seeds, unmatched } = await findPendingSeeds(workdir, config.seedPaths, await client.listSeeds(ref))
  for (const pattern of unmatched) terminal.err(`No file matches ${pattern}\n`)
  return seeds
}

async function applyMigration(
  terminal: Terminal,
  client: ControlClient,
  ref: string,
  migration: LocalMigration,
): Promise<void> {
  terminal.err(`Applying migration ${migration.file} … `)
  await timed(terminal, migration.file, async () => {
    const query = await readFile(migration.path, 'utf8')
    await client.applyMigration(ref, { query, name: migration.name, version: migration.version })
  })
}

async function applySeed(
  terminal: Terminal,
  client: ControlClient,
  ref: string,
  { path, hash, text, hasChanged }: SeedFile,
): Promise<void> {
  terminal.err(hasChanged ? `Noting the new content of ${path} … ` : `Seeding from ${path} … `)
  await timed(terminal, path, () =>
    client.applySeed(ref, { path, hash, ...(hasChanged ? {} : { query: text }) }),
  )
}

async function timed(terminal: Terminal, file: string, work: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now()
  try {
    await work()
  } catch (error) {
    terminal.err('failed\n')
    throw explainSqlFailure(file, error)
  }
  terminal.err(`${Math.round(performance.now() - startedAt)} ms\n`)
}

function explainDryRun(
  terminal: Terminal,
  migrations: readonly LocalMigration[],
  seeds: readonly SeedFile[],
): void {
  if (migrations.length > 0)
    terminal.err(`Would apply these migrations:\n${migrations.map(({ file }) => `  ${file}\n`).join('')}`)
  if (seeds.length > 0)
    terminal.err(
      `Would run these seed files:\n${seeds.map((seed) => `  ${seed.path}${seed.hasChanged ? ' (only its hash)' : ''}\n`).join('')}`,
    )
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`
