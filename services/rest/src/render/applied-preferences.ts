import type { Preferences } from '../parse/preferences.ts'
import type { StatementPlan } from '../plan/types.ts'

/** `Preference-Applied`: of what the client preferred, that which this kind of request knows. Null when there is none. */
export function appliedPreferences(
  plan: StatementPlan,
  preferences: Preferences,
  hasConflictTarget: boolean,
): string | null {
  const write = plan.kind === 'mutation' ? plan.write : null
  const isInsert = write?.kind === 'insert' && !write.isPut
  const isUpdate = write?.kind === 'update'
  const limitsRows = isUpdate || write?.kind === 'delete' || plan.kind === 'function'
  const { resolution, missing, representation, count, transaction, handling, timezone, maxAffected } =
    preferences
  const applied = [
    isInsert && hasConflictTarget && resolution !== null && `resolution=${resolution}`,
    (isInsert || isUpdate) && missing !== null && `missing=${missing}`,
    write !== null && representation !== null && `return=${representation}`,
    count !== null && `count=${count}`,
    transaction !== null && `tx=${transaction}`,
    handling !== null && `handling=${handling}`,
    timezone !== null && `timezone=${timezone}`,
    handling === 'strict' && limitsRows && maxAffected !== null && `max-affected=${maxAffected}`,
  ].filter((p) => p !== false)
  return applied.length > 0 ? applied.join(', ') : null
}
