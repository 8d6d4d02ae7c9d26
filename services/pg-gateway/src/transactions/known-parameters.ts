import type { Endpoint } from '@favo/postgres'

/** All that decides what Postgres reports of its settings to a new session, beside the server's own configuration. */
export interface SessionStart {
  readonly endpoint: Endpoint
  readonly role: string
  /** What the client asked for. */
  readonly settings: Readonly<Record<string, string>>
  /** What sessions of the role begin with: `name=value`. */
  readonly loginSettings: readonly string[]
}

/** Which of the many ways to begin a session are remembered; the one that was used longest ago goes first. */
const startsMax = 1_000

/**
 * What Postgres told sessions that began in the same way (ParameterStatus), so that a client that does nothing yet needs no
 * backend. Projects share an entry: two names are in it that differ, the role's and the application's, and those are put in.
 */
export class KnownParameters {
  readonly #byStart = new Map<string, ReadonlyMap<string, string>>()

  find(start: SessionStart): ReadonlyMap<string, string> | null {
    const key = keyOf(start)
    const known = this.#byStart.get(key)
    if (known === undefined) return null
    this.#byStart.delete(key)
    this.#byStart.set(key, known)
    const parameters = new Map(known)
    if (parameters.has('session_authorization')) parameters.set('session_authorization', start.role)
    const application = applicationOf(start)
    if (application !== null) parameters.set('application_name', application)
    return parameters
  }

  remember(start: SessionStart, parameters: ReadonlyMap<string, string>): void {
    this.#byStart.delete(keyOf(start))
    this.#byStart.set(keyOf(start), parameters)
    if (this.#byStart.size <= startsMax) return
    const oldest = this.#byStart.keys().next()
    if (oldest.done !== true) this.#byStart.delete(oldest.value)
  }
}

function keyOf(start: SessionStart): string {
  const { endpoint, settings, loginSettings } = start
  const isKnown = applicationOf(start) !== null
  return JSON.stringify([
    endpoint.host,
    endpoint.port,
    isKnown,
    Object.entries(settings)
      .filter(([name]) => !isKnown || name !== 'application_name')
      .sort(),
    [...loginSettings].sort(),
  ])
}

/** What Postgres will report; null for names that it shortens, writes in another way, or takes from somewhere else. */
function applicationOf({ settings, loginSettings }: SessionStart): string | null {
  const name = settings['application_name']
  if (name !== undefined) return /^[\x20-\x7e]{0,63}$/.test(name) ? name : null
  return /application[_-]name/i.test([settings['options'] ?? '', ...loginSettings].join()) ? null : ''
}
