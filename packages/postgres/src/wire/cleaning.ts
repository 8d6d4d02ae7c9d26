/**
 * What stands in front of every request, so that nothing an earlier one left on the connection reaches it.
 *
 * DISCARD ALL does this in one word, but is refused in a pipeline and throws away the prepared statements. Its parts are
 * allowed and cost a few microseconds together (bench/README.md). Not undone, and why that is harmless:
 *
 * - the role: every request sets its own, by which it also ends any that was left;
 * - statements PREPAREd by name in SQL: a later request reaches them only if its own SQL EXECUTEs a name that it has not
 *   prepared; ours are random and the view that lists them is closed to tenants;
 * - names of custom settings: `RESET ALL` empties them, but `current_setting(x, true)` then gives '' instead of null;
 * - `setseed`: predicts `random()`, on which nothing secret may rest.
 */
import type { Step } from '../types.ts'
import type { Begin } from './flight.ts'

/** Prepared under a plan of their own. */
const plan = '(cleaning)'
const step = (text: string): Step => ({ text, values: [], plan })

const resetSettings = step('RESET ALL')
const closeCursors = step('CLOSE ALL')
const dropTemporaryTables = step('DISCARD TEMP')
const forgetSequences = step('DISCARD SEQUENCES')
const stopListening = step('UNLISTEN *')

export const stepsBeforeBegin: readonly Step[] = [resetSettings]

/** After BEGIN, because they take a snapshot, after which BEGIN could not set the isolation level any more. */
export const stepsAfterBegin: readonly Step[] = [closeCursors, dropTemporaryTables, forgetSequences]

/**
 * At the end: UNLISTEN and LISTEN act when the transaction commits, so there they undo those of the request itself, in
 * both directions. `listening` are the quoted channels that the platform listens to on this connection.
 */
export function stepsAtEnd(listening: readonly string[]): readonly Step[] {
  return [stopListening, ...listening.map((channel) => step(`LISTEN ${channel}`))]
}

/**
 * The last of the cleaning.
 *
 * Session advisory locks survive everything but this. The rest is a check: the transaction began before RESET ALL and so
 * with the defaults that an earlier request may have left. Setting a characteristic to the value that it has is allowed
 * at any time, changing it is not: a poisoned connection fails here, is closed, and the request goes to another.
 */
export function checkStep(begin: Begin | null): Step {
  const index = ((begin?.inheritsIsolation ?? true) ? 1 : 0) + ((begin?.inheritsReadOnly ?? true) ? 2 : 0)
  return checks[index] ?? unlockAndCheckAll
}

const unlock = 'select pg_catalog.pg_advisory_unlock_all()'
const inherit = (name: string): string =>
  `, pg_catalog.set_config('transaction_${name}', pg_catalog.current_setting('default_transaction_${name}'), true)`
const unlockAndCheckAll = step(unlock + inherit('isolation') + inherit('read_only'))
const checks = [
  step(unlock),
  step(unlock + inherit('isolation')),
  step(unlock + inherit('read_only')),
  unlockAndCheckAll,
]
