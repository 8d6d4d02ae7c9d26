import type { Queryable } from '@favo/postgres'
import type { ControlContext } from '../context.ts'

/** A change of the platform's own tables, and its row in the audit log: both or neither. */
export const audited = <T>(ctx: ControlContext, change: (tx: Queryable) => Promise<T>): Promise<T> =>
  ctx.db.transaction(async (tx) => {
    const result = await change(tx)
    await ctx.audit.write(tx)
    return result
  })
