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
  const ofFunction = routine?.settings.find(([setting]) => setting === timeoutName)?.[1]
  if (ofFunction !== undefined) return withGrace(parseDuration(ofFunction))
  let known = ofRoles.get(settings)
  if (known === undefined) ofRoles.set(settings, (known = new Map<string, number>()))
  let deadline = known.get(role)
  if (deadline === undefined) {
    const given = settings.roleSettings.get(role)?.get(timeoutName)
    const ofLogin = role === 'service_role' ? 0 : loginTimeoutMs
    deadline = withGrace(given === undefined ? ofLogin : parseDuration(given))
    // Whoever signs tokens may invent roles.
    if (known.size < rolesMax) known.set(role, deadline)
  }
  return deadline
}

const timeoutName = 'statement_timeout'
const ofRoles = new WeakMap<Settings, Map<string, number>>()
const rolesMax = 100

const withGrace = (timeoutMs: number): number =>
  Math.min(timeoutMs === 0 ? longestMs : timeoutMs, longestMs) + graceMs

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
