import type { Db, Queryable } from '@favo/postgres'
import { isFunctionHook, runHook, type HookContext } from '../hooks/run-hook.ts'
import { markSent } from './outbox.sql.ts'

export interface StoredForHook {
  readonly id: string
  readonly kind: string
  /** What the hook knows it by, in each try: who got it already can tell. */
  readonly message_id: string
  readonly hook_input: object
}

/**
 * Gives what is stored to the project's hook, and notes it as sent: a Postgres function in the same transaction, and so exactly
 * once. False when the project has no such hook any more. Throws what the hook refused.
 */
export async function handToHook(
  ctx: HookContext & { readonly db: Db },
  stored: StoredForHook,
): Promise<boolean> {
  const name = stored.kind === 'sms' ? 'sendSms' : 'sendEmail'
  const hand = async (db: Queryable, tx: Queryable | null) => {
    if ((await runHook(ctx, name, stored.hook_input, tx, stored.message_id)) === null) return false
    await markSent(db, stored.id)
    return true
  }
  return isFunctionHook(ctx, name) ? ctx.db.transaction((tx) => hand(tx, tx)) : hand(ctx.db, null)
}
