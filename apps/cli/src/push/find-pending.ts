import type { LocalMigration } from './local-migrations.ts'

export type Pending =
  | { readonly kind: 'ready'; readonly migrations: readonly LocalMigration[] }
  /** The project has versions that the folder lacks. */
  | { readonly kind: 'missingLocally'; readonly versions: readonly string[] }
  /** The folder has new files older than what the project has. */
  | { readonly kind: 'outOfOrder'; readonly migrations: readonly LocalMigration[] }

/** What is left to apply. Refusals as in Supabase's CLI (pkg/migration/apply.go of supabase/cli). */
export function findPending(
  local: readonly LocalMigration[],
  remote: readonly string[],
  includeAll: boolean,
): Pending {
  const localVersions = new Set(local.map(({ version }) => version))
  const applied = new Set(remote)
  const missing = remote.filter((version) => !localVersions.has(version))
  if (missing.length > 0) return { kind: 'missingLocally', versions: missing }

  const pending = local.filter(({ version }) => !applied.has(version))
  const newest = local.findLastIndex(({ version }) => applied.has(version))
  const late = pending.filter((migration) => local.indexOf(migration) < newest)
  return late.length > 0 && !includeAll
    ? { kind: 'outOfOrder', migrations: late }
    : { kind: 'ready', migrations: pending }
}
