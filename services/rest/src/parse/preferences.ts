/** The `Prefer` header (RFC 7240), as in PostgREST 14's `ApiRequest/Preferences.hs`. Of a repeated preference the first counts. */
export interface Preferences {
  readonly resolution: 'merge-duplicates' | 'ignore-duplicates' | null
  readonly representation: 'representation' | 'minimal' | 'headers-only' | null
  readonly count: 'exact' | 'planned' | 'estimated' | null
  readonly transaction: 'commit' | 'rollback' | null
  readonly missing: 'default' | 'null' | null
  readonly handling: 'strict' | 'lenient' | null
  readonly timezone: string | null
  readonly maxAffected: number | null
  /** What was not understood; an error under `handling=strict`. */
  readonly invalid: readonly string[]
}

const CHOICES = {
  resolution: ['merge-duplicates', 'ignore-duplicates'],
  return: ['representation', 'minimal', 'headers-only'],
  count: ['exact', 'planned', 'estimated'],
  tx: ['commit', 'rollback'],
  missing: ['default', 'null'],
  handling: ['strict', 'lenient'],
} as const satisfies Record<string, readonly string[]>
type Choices = typeof CHOICES

export const noPreferences: Preferences = {
  resolution: null,
  representation: null,
  count: null,
  transaction: null,
  missing: null,
  handling: null,
  timezone: null,
  maxAffected: null,
  invalid: [],
}

/** @param isTransactionAllowed whether the project lets requests choose how the transaction ends */
export function parsePreferences(
  header: string | undefined,
  isTransactionAllowed: boolean,
  isTimezone: (name: string) => boolean,
): Preferences {
  if (header === undefined || header === '') return noPreferences
  const given = header.split(',').map((p) => p.trim())
  const after = (prefix: string) => given.find((p) => p.startsWith(prefix))?.slice(prefix.length) ?? null
  const choice = <K extends keyof Choices>(name: K): Choices[K][number] | null => {
    const allowed: readonly string[] = CHOICES[name]
    const prefix = `${name}=`
    const found = given.find((p) => p.startsWith(prefix) && allowed.includes(p.slice(prefix.length)))
    return (found?.slice(prefix.length) ?? null) as Choices[K][number] | null
  }
  const timezone = after('timezone=')
  const isTimezoneKnown = timezone !== null && isTimezone(timezone)
  const rows = after('max-affected=')
  const isValid = (p: string) => {
    if (p.startsWith('timezone=')) return isTimezoneKnown
    if (p.startsWith('max-affected=')) return true
    const equals = p.indexOf('=')
    const allowed = (CHOICES as Record<string, readonly string[]>)[p.slice(0, Math.max(equals, 0))]
    return allowed?.includes(p.slice(equals + 1)) ?? false
  }
  return {
    resolution: choice('resolution'),
    representation: choice('return'),
    count: choice('count'),
    transaction: isTransactionAllowed ? choice('tx') : null,
    missing: choice('missing'),
    handling: choice('handling'),
    timezone: isTimezoneKnown ? timezone : null,
    maxAffected: rows !== null && /^-?[0-9]{1,15}$/.test(rows) ? Number(rows) : null,
    invalid: given.filter((p) => !isValid(p)),
  }
}

/** Does the header ask for a time zone at all? The list of names is only fetched then. */
export const mentionsTimezone = (header: string | undefined): boolean =>
  header?.includes('timezone=') ?? false
