import type { SqlErrorDetails } from '@favo/contracts'
import { DatabaseError, type PipelineResult, type Step } from '@favo/postgres'
import type { ControlContext } from '../context.ts'
import { ControlError, controlErrors } from '../errors.ts'
import { lineAt, MetaCommandError, splitStatements, type Statement } from '@favo/interposer'
import { copiesThroughConnection, leavesTransactionOpen } from './statement-kind.ts'

/** A statement without parameters, parsed anew each time: the one before it may have changed what it means. */
export const plainStep = (text: string): Step => ({ text, values: [], plan: null })

/** The role is the one thing that the pipeline does not set back: earlier SQL of the same owner may have changed it. */
const preamble: readonly Step[] = [plainStep('set role postgres')]

export interface OwnerSql {
  /** What the owner sent; errors point into it. */
  readonly source: string
  readonly statements: readonly Statement[]
  /** The statements as steps, when they are not simply their texts. */
  readonly steps?: readonly Step[]
  /** The platform's own, in the same transaction. */
  readonly before?: readonly Step[]
  readonly after?: readonly Step[]
  readonly readOnly?: boolean
  readonly deadlineMs: number
}

/** Throws 400 for what cannot be sent at all. */
export async function splitOwnerSql(source: string): Promise<Statement[]> {
  try {
    const statements = await splitStatements(source)
    const copy = statements.findIndex(copiesThroughConnection)
    if (copy !== -1)
      throw refuse(
        source,
        statements,
        copy,
        'COPY from stdin or to stdout needs a connection of its own; use psql, or INSERT.',
      )
    if (leavesTransactionOpen(statements))
      throw controlErrors.sqlRefused('The SQL opens a transaction and does not end it.')
    return statements
  } catch (error) {
    if (error instanceof MetaCommandError)
      throw controlErrors.sqlRefused(error.message, {
        detail: null,
        hint: null,
        statement: null,
        text: null,
        position: null,
        line: error.line,
      })
    throw error
  }
}

/**
 * Runs SQL as the project's owner: one implicit transaction, so that all of it takes effect or nothing (unless the SQL
 * itself commits in between). Returns one result per statement.
 *
 * Throws 400 with what Postgres said and where.
 */
export async function runOwnerSql(
  ctx: ControlContext,
  database: string,
  sql: OwnerSql,
): Promise<PipelineResult> {
  const before = [...preamble, ...(sql.before ?? [])]
  const steps = sql.steps ?? sql.statements.map(({ text }) => plainStep(text))
  try {
    const results = await ctx.pools.forDatabase(database).pipeline('own', {
      steps: [...before, ...steps, ...(sql.after ?? [])],
      isRead: sql.readOnly === true,
      signal: ctx.signal,
      deadlineMs: sql.deadlineMs,
      ...(sql.readOnly === true ? { transaction: { readOnly: true, end: 'commit' } as const } : {}),
    })
    return results.slice(before.length, before.length + steps.length)
  } catch (error) {
    if (!(error instanceof DatabaseError) || /^57P0[123]/.test(error.code)) throw error
    const index = error.step === null ? null : error.step - before.length
    throw toSqlError(sql.source, sql.statements, index, error)
  }
}

function toSqlError(
  source: string,
  statements: readonly Statement[],
  index: number | null,
  error: DatabaseError,
): ControlError {
  const statement = index === null ? undefined : statements[index]
  const place =
    statement === undefined ? null : statement.start + utf16Length(statement.text, (error.position ?? 1) - 1)
  const details: SqlErrorDetails = {
    detail: error.detail,
    hint: error.hint,
    statement: statement === undefined || index === null ? null : index + 1,
    text: statement?.text.slice(0, 10_000) ?? null,
    position: statement === undefined ? null : error.position,
    line: place === null ? null : lineAt(source, place),
  }
  return new ControlError(400, error.code, error.message, { sql: details, cause: error })
}

/** Postgres counts characters, JavaScript UTF-16 units. */
function utf16Length(text: string, characters: number): number {
  let units = 0
  for (let left = characters; left > 0 && units < text.length; left--)
    units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1
  return units
}

function refuse(
  source: string,
  statements: readonly Statement[],
  index: number,
  sentence: string,
): ControlError {
  const statement = statements[index]
  return controlErrors.sqlRefused(sentence, {
    detail: null,
    hint: null,
    statement: index + 1,
    text: statement?.text.slice(0, 10_000) ?? null,
    position: null,
    line: lineAt(source, statement?.start ?? 0),
  })
}
