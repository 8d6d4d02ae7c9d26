import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from './sql.ts'
import type { Db, Queryable } from './types.ts'

export interface MigrateOptions {
  /** Whose migrations these are; several components may share a table. */
  readonly component: string
  /** Holds `0001_name.sql`, `0002_name.sql`, … */
  readonly directory: string
  /** `schema.table` that remembers what was applied; created if missing. */
  readonly table: string
}

export interface Migration {
  readonly name: string
  readonly text: string
  /** SHA-256 of the text, hex. */
  readonly checksum: string
}

/**
 * Applies what is missing, in order, each file in a transaction of its own, and returns the names of what it applied.
 * Forward only. Safe against rivals: a lock serializes them, and the second finds nothing left to do.
 *
 * Throws when an applied file has changed or is gone: the database then is not what the code believes it to be.
 * `db` must come from `openDb`, because a file holds several statements.
 */
export async function migrate(db: Db, options: MigrateOptions): Promise<string[]> {
  const migrations = await readMigrations(options.directory)
  const applied: string[] = []
  for (;;) {
    const name = await db.transaction((tx) => applyNext(tx, options, migrations))
    if (name === null) return applied
    applied.push(name)
  }
}

/** The `NNNN_name.sql` files of a folder, sorted. Throws on two with one number. */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => /^\d{4}_.+\.sql$/.test(name)).sort()
  const numbers = new Set(names.map((name) => name.slice(0, 4)))
  if (numbers.size !== names.length) throw new Error(`two migrations in ${directory} have the same number`)
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(directory, name), 'utf8')
      return { name, text, checksum: createHash('sha256').update(text).digest('hex') }
    }),
  )
}

async function applyNext(
  tx: Queryable,
  { component, table }: MigrateOptions,
  migrations: readonly Migration[],
): Promise<string | null> {
  const [schema = '', name = ''] = table.split('.')
  const qualified = sql.ident(schema, name)
  // Taken first, and again for every file: whoever waits here sees what the rival committed.
  await tx.many(sql`select pg_advisory_xact_lock(hashtextextended(${`migrate ${table}`}, 0))`)
  await createTableIfMissing(tx, schema, name)
  const rows = await tx.many<{ name: string; checksum: string }>(
    sql`select name, checksum from ${qualified} where component = ${component} order by name`,
  )
  rows.forEach((row, i) => {
    const migration = migrations[i]
    if (migration?.name !== row.name)
      throw new Error(`${component}: migration ${row.name} was applied but is missing here`)
    if (migration.checksum !== row.checksum)
      throw new Error(`${component}: migration ${row.name} has changed since it was applied`)
  })
  const next = migrations[rows.length]
  if (next === undefined) return null
  await tx.run(sql.trusted(next.text))
  await tx.many(
    sql`insert into ${qualified} (component, name, checksum) values (${component}, ${next.name}, ${next.checksum})`,
  )
  return next.name
}

async function createTableIfMissing(tx: Queryable, schema: string, name: string): Promise<void> {
  const { found } = await tx.one<{ found: boolean }>(
    sql`select to_regclass(${`${sql.ident(schema, name).text}`}) is not null as found`,
  )
  if (found) return
  // `create schema if not exists` would ask for a privilege that is not needed where the schema is there.
  const { exists } = await tx.one<{ exists: boolean }>(
    sql`select exists (select from pg_namespace where nspname = ${schema}) as exists`,
  )
  if (!exists) await tx.run(sql`create schema ${sql.ident(schema)}`)
  await tx.run(sql`
    create table ${sql.ident(schema, name)} (
      component text not null,
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default now(),
      primary key (component, name)
    )
  `)
}
