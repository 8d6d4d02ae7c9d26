import { rowCount, toRows } from './rows.ts'
import type { Sql } from './sql.ts'
import type { Queryable, StepResult } from './types.ts'

/** The four ways of asking, over one way of executing. */
export function createQueryable(
  execute: (query: Sql, returnsRows: boolean) => Promise<StepResult>,
): Queryable {
  return {
    many: async <Row extends object>(query: Sql) => toRows<Row>(await execute(query, true)),
    one: async <Row extends object>(query: Sql) => {
      const rows = toRows<Row>(await execute(query, true))
      const row = rows[0]
      if (row === undefined || rows.length > 1)
        throw new Error(`expected exactly one row, got ${rows.length}`)
      return row
    },
    maybeOne: async <Row extends object>(query: Sql) => {
      const rows = toRows<Row>(await execute(query, true))
      if (rows.length > 1) throw new Error(`expected at most one row, got ${rows.length}`)
      return rows[0] ?? null
    },
    run: async (query: Sql) => rowCount((await execute(query, false)).tag),
  }
}
