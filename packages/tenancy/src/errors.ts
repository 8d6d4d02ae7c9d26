/**
 * An outcome the caller may want to tell apart.
 *
 * - `invalid_name`: not a name of a project database.
 * - `not_found`: there is no such database, or it is only half made.
 * - `paused`: the work needs the project's own logins, which a paused database refuses.
 * - `not_cloneable`: the platform's own database, which no project may be a copy of.
 * - `not_adoptable`: a server that somebody else set up is not one that projects could be put on; the message says why.
 * - `unknown_cluster`: the number in a name is of no cluster that this platform knows.
 * - `migration_changed`: a file that was applied to this database has been edited since; files only ever get successors.
 */
export class TenancyError extends Error {
  readonly code:
    | 'invalid_name'
    | 'not_found'
    | 'paused'
    | 'migration_changed'
    | 'not_cloneable'
    | 'unknown_cluster'
    | 'not_adoptable'
  constructor(code: TenancyError['code'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'TenancyError'
    this.code = code
  }
}

/** SQLSTATE of an error that Postgres reported, or null. */
export function sqlState(error: unknown): string | null {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null
}
