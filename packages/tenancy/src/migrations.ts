import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** SQL files of a service that belong in every project's database (`SchemaMigrations` of @favo/http). */
export interface ComponentMigrations {
  /** Also says whose the objects are: files of `auth` run as `supabase_auth_admin`. */
  readonly component: string
  readonly directory: string
}

export interface MigrationFile {
  readonly component: string
  readonly name: string
  readonly text: string
  readonly checksum: string
  /** The role under which the file runs; null = the superuser. */
  readonly role: string | null
}

export interface MigrationSet {
  readonly cluster: readonly MigrationFile[]
  /** Of a project's database, in the order of application: `platform` first, since the guard must watch the rest being made. */
  readonly project: readonly MigrationFile[]
  /** Changes when any file changes. */
  readonly version: string
}

const sqlDirectory = (name: string): string => fileURLToPath(new URL(`../sql/${name}`, import.meta.url))

/**
 * Reads all SQL that the platform puts into a cluster and into its databases.
 *
 * Files of the component `platform` run as superuser, also in databases where customers have been: they change definitions
 * in pg_favo and pg_catalog only, and never touch rows of a table that a customer can reach. Files of services run as the
 * service's role from a session that is no superuser, because rows they touch may fire customers' triggers.
 */
export async function readMigrations(services: readonly ComponentMigrations[]): Promise<MigrationSet> {
  const components = [
    { component: 'platform', directory: sqlDirectory('platform') },
    { component: 'storage', directory: sqlDirectory('storage') },
    { component: 'realtime', directory: sqlDirectory('realtime') },
    ...services,
  ]
  const names = components.map(({ component }) => component)
  if (new Set(names).size !== names.length)
    throw new Error(`two sets of migrations share a component: ${names.join(', ')}`)

  const cluster = await readComponent({ component: 'cluster', directory: sqlDirectory('cluster') })
  const project = (await Promise.all(components.map(readComponent))).flat()
  const hash = createHash('sha256')
  for (const file of [...cluster, ...project])
    hash.update(`${file.component}/${file.name}:${file.checksum}\n`)
  return { cluster, project, version: hash.digest('hex').slice(0, 16) }
}

async function readComponent({ component, directory }: ComponentMigrations): Promise<MigrationFile[]> {
  const role = ['cluster', 'platform'].includes(component) ? null : `supabase_${component}_admin`
  const names = (await readdir(directory)).filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name)).sort()
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(directory, name), 'utf8')
      return { component, name, text, role, checksum: createHash('sha256').update(text).digest('hex') }
    }),
  )
}
