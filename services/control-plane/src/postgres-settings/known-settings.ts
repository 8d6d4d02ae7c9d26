import { controlErrors } from '../errors.ts'

type Kind =
  | { readonly kind: 'bytes'; readonly unit: number; readonly min: number; readonly max: number }
  | { readonly kind: 'ms'; readonly min: number; readonly max: number; readonly isOff?: 'allowed' }
  | { readonly kind: 'number'; readonly min: number; readonly max: number; readonly isWhole: boolean }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'one of'; readonly values: readonly string[] }

const KB = 1_024
const MB = 1_024 * KB
const GB = 1_024 * MB

/**
 * What a project may set, and how far. The first four have the Management API's names; the others are ours. Bounds are what
 * one project may ask of a server that it shares: memory for each sort, how long it may hold locks.
 */
const settings: Readonly<Record<string, Kind>> = {
  effective_cache_size: { kind: 'bytes', unit: 8 * KB, min: 8 * KB, max: 1_024 * GB },
  max_parallel_workers_per_gather: { kind: 'number', min: 0, max: 4, isWhole: true },
  statement_timeout: { kind: 'ms', min: 1, max: 86_400_000, isOff: 'allowed' },
  work_mem: { kind: 'bytes', unit: KB, min: 64 * KB, max: 256 * MB },
  default_transaction_isolation: {
    kind: 'one of',
    values: ['read committed', 'repeatable read', 'serializable', 'read uncommitted'],
  },
  idle_in_transaction_session_timeout: { kind: 'ms', min: 1_000, max: 3_600_000 },
  jit: { kind: 'boolean' },
  lock_timeout: { kind: 'ms', min: 1, max: 86_400_000, isOff: 'allowed' },
  plan_cache_mode: { kind: 'one of', values: ['auto', 'force_generic_plan', 'force_custom_plan'] },
  random_page_cost: { kind: 'number', min: 0, max: 1_000, isWhole: false },
}
export const settingNames: readonly string[] = Object.keys(settings)

/** The value as Postgres takes it. Throws 422 for settings that are not a project's, and for values out of bounds. */
export function checkSetting(name: string, value: string | number | boolean): string {
  const known = Object.hasOwn(settings, name) ? settings[name] : undefined
  if (known === undefined)
    throw controlErrors.invalid(
      `${name.slice(0, 100)} cannot be set for a project: it belongs to the server that all projects share, or is none. These can: ${settingNames.join(', ')}.`,
    )
  const text = String(value).trim()
  const problem = problemOf(known, text)
  if (problem !== null) throw controlErrors.invalid(`${name} ${problem}.`)
  return text
}

function problemOf(known: Kind, text: string): string | null {
  switch (known.kind) {
    case 'boolean':
      return /^(true|false|on|off)$/i.test(text) ? null : 'must be true or false'
    case 'one of':
      return known.values.includes(text.toLowerCase()) ? null : `must be one of ${known.values.join(', ')}`
    case 'number': {
      const number = /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN
      const isGood =
        number >= known.min && number <= known.max && (!known.isWhole || Number.isInteger(number))
      return isGood
        ? null
        : `must be a ${known.isWhole ? 'whole ' : ''}number from ${known.min} to ${known.max}`
    }
    case 'bytes': {
      const bytes = measure(text, { B: 1, kB: KB, MB, GB, TB: 1_024 * GB }, known.unit)
      const isGood = bytes >= known.min && bytes <= known.max
      return isGood ? null : `must be a size from ${known.min / KB}kB to ${known.max / MB}MB`
    }
    case 'ms': {
      const ms = measure(text, { us: 0.001, ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 }, 1)
      if (ms === 0 && known.isOff === 'allowed') return null
      const isGood = ms >= known.min && ms <= known.max
      return isGood ? null : `must be a time from ${known.min}ms to ${known.max / 1_000}s`
    }
  }
}

/** NaN when it is no number with one of the units. */
function measure(text: string, units: Readonly<Record<string, number>>, bare: number): number {
  const [, digits, unit] = /^(\d{1,12}) ?([A-Za-z]*)$/.exec(text) ?? []
  if (digits === undefined) return Number.NaN
  const factor =
    unit === '' || unit === undefined ? bare : Object.hasOwn(units, unit) ? units[unit] : undefined
  return factor === undefined ? Number.NaN : Number(digits) * factor
}
