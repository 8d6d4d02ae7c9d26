import type { Routine } from '../schema-cache/types.ts'
import type { Settings } from '../settings.ts'

/** What the login of ordinary callers starts with; the service role's has none. */
const loginTimeoutMs = 8_000
/** For those without a timeout: nobody waits longer for an answer. */
const longestMs = 600_000
/** Postgres' own timeout is to come first, because its error says more. */
const graceMs = 5_000

/**
 * Milliseconds after which the statement is cancelled from outside. statement_timeout does that too, but SQL that a caller
 * smuggled into a function can switch it off.
 */
export function deadlineMs(settings: Settings, role: string, routine: Routine | null): number {
  const name = 'statement_timeout'
  const ofFunction = routine?.settings.find(([setting]) => setting === name)?.[1]
  const given = ofFunction ?? settings.roleSettings.get(role)?.get(name)
  const timeoutMs =
    given === undefined ? (role === 'service_role' ? 0 : loginTimeoutMs) : parseDuration(given)
  return Math.min(timeoutMs === 0 ? longestMs : timeoutMs, longestMs) + graceMs
}

const unitMs: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A duration as Postgres writes one: `8s`, `2min`, `500` (milliseconds), `1.5 h`. Anything else counts as none. */
function parseDuration(text: string): number {
  const [, amount, unit = 'ms'] = /^\s*([\d.]+)\s*(us|ms|s|min|h|d)?\s*$/.exec(text) ?? []
  return amount === undefined ? 0 : Math.round(Number(amount) * (unitMs[unit] ?? 1))
}
