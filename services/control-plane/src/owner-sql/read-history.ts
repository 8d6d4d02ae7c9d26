import type { StepResult } from '@favo/postgres'
import type { ControlContext } from '../context.ts'
import { ControlError } from '../errors.ts'
import { plainStep, runOwnerSql } from './run-owner-sql.ts'

/** Reads a table of the migration history as the owner. Null when nothing was ever pushed, so that there is no table. */
export async function readHistory(
  ctx: Pick<ControlContext, 'pools' | 'signal'>,
  database: string,
  query: string,
): Promise<StepResult | null> {
  try {
    const [result] = await runOwnerSql(ctx, database, {
      source: query,
      statements: [],
      steps: [plainStep(query)],
      readOnly: true,
      deadlineMs: 30_000,
    })
    return result ?? null
  } catch (error) {
    if (error instanceof ControlError && (error.code === '42P01' || error.code === '3F000')) return null
    throw error
  }
}
