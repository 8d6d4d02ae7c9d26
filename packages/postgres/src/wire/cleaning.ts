/**
 * What stands around every request, so that nothing an earlier one left on the connection reaches it.
 *
 * DISCARD ALL does this in one word, but is refused in a pipeline and throws away the prepared statements. Its parts are
 * allowed; each costs the server a few microseconds (bench/README.md), so what a read cannot leave is not cleared away
 * after reads. Not undone, and why that is harmless:
 *
 * - the role: every request sets its own, by which it also ends any that was left;
 * - statements PREPAREd by name in SQL: a later request reaches them only if its own SQL EXECUTEs a name that it has not
 *   prepared; ours are random and the view that lists them is closed to tenants;
 * - names of custom settings: `RESET ALL` empties them, but `current_setting(x, true)` then gives '' instead of null;
 * - LISTEN in a read: its channel may show in `pg_listening_channels()` for some requests more; notifications that come
 *   for it are dropped here;
 * - `setseed`: predicts `random()`, on which nothing secret may rest.
 */
import { EncodedValues, SharedSettings, type Setting, type Step } from '../types.ts'
import type { FlightPlan } from './flight.ts'

/** Prepared under a plan of their own. */
const plan = '(cleaning)'
const step = (text: string): Step => ({ text, values: [], plan })

/** Before BEGIN: after it a setting that an earlier request left would decide. */
export const stepsBeforeBegin: readonly Step[] = [step('RESET ALL')]

/** After BEGIN, because they take a snapshot, after which BEGIN could not set the isolation level any more. */
export const stepsAfterBegin: readonly Step[] = [step('CLOSE ALL')]

/** Only after a request that was not read-only: temporary objects and sequences' values cannot come from another. */
export const stepsAfterWrite: readonly Step[] = [step('DISCARD TEMP'), step('DISCARD SEQUENCES')]

/**
 * At the end: UNLISTEN and LISTEN act when the transaction commits, so there they undo those of the request itself, in
 * both directions. `listening` are the quoted channels that the platform listens to on this connection.
 */
export function stepsAtEnd(listening: readonly string[]): readonly Step[] {
  return [step('UNLISTEN *'), ...listening.map((channel) => step(`LISTEN ${channel}`))]
}

/**
 * The last of the cleaning and the first of the request, in one statement.
 *
 * Session advisory locks survive everything but this. Then a check: the transaction began before RESET ALL and so with the
 * defaults that an earlier request may have left. Setting a characteristic to the value that it has is allowed at any
 * time, changing it is not (25001): a poisoned connection fails here, is closed, and the request goes to another. A read is
 * made read-only here, and because this statement takes a snapshot nothing in the request can take that back.
 */
export function openingStep({ begin, isSealed, settings }: FlightPlan): Step {
  const inheritsIsolation = begin?.inheritsIsolation ?? true
  const inheritsReadOnly = begin?.inheritsReadOnly ?? true
  const kind = (inheritsIsolation ? 1 : 0) + (inheritsReadOnly ? 2 : 0) + (isSealed ? 4 : 0)
  if (!(settings instanceof SharedSettings)) return opening(kind, settings)
  let shared = settings.statements.get(kind)
  if (shared === undefined) {
    shared = { ...opening(kind, settings.list), encoded: new EncodedValues() }
    settings.statements.set(kind, shared)
  }
  return shared
}

function opening(kind: number, settings: readonly Setting[]): Step {
  const key = kind + settings.length * 8
  let text = openings.get(key)
  if (text === undefined) {
    text = `select ${[
      'pg_catalog.pg_advisory_unlock_all()',
      ...(kind & 1 ? [setAgain('isolation')] : []),
      ...(kind & 2 ? [kind & 4 ? set(`'transaction_read_only'`, `'on'`) : setAgain('read_only')] : []),
      ...settings.map((_, i) => set(`$${2 * i + 1}`, `$${2 * i + 2}`)),
    ].join(', ')}`
    openings.set(key, text)
  }
  const values: string[] = []
  for (const [name, value] of settings) values.push(name, value)
  return { text, values, plan }
}

/** SQLSTATE of the check in the opening step. */
export const leftoverFound = '25001'

const openings = new Map<number, string>()
const set = (name: string, value: string): string => `pg_catalog.set_config(${name}, ${value}, true)`
const setAgain = (name: string): string =>
  set(`'transaction_${name}'`, `pg_catalog.current_setting('default_transaction_${name}')`)
