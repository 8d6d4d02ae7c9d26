import type { ProjectDb } from '@favo/postgres'

/**
 * Names that `Prefer: timezone=` may use. Listing them takes Postgres a tenth of a second (it reads a file each), so they
 * are asked for when first needed and then known to all: they belong to the server, not to a project.
 */
let names: Promise<ReadonlySet<string>> | null = null

export function loadTimezones(db: ProjectDb): Promise<ReadonlySet<string>> {
  names ??= db
    .pipeline('svc', {
      isRead: true,
      steps: [{ text: 'select name from pg_catalog.pg_timezone_names', values: [], plan: null }],
    })
    .then((results) => new Set((results[0]?.rows ?? []).map(([name]) => name?.toString('utf8') ?? '')))
    .catch((error: unknown) => {
      names = null
      throw error
    })
  return names
}
