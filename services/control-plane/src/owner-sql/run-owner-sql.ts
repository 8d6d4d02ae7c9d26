import type { SqlErrorDetails } from '@favo/contracts'
import { DatabaseError, type PipelineResult, type Step } from '@favo/postgres'
import type { ControlContext } from '../context.ts'
import { ControlError, controlErrors } from '../errors.ts'
import {
  interposeStatement,
  lineAt,
  MetaCommandError,
  splitStatements,
  type Statement,
} from '@favo/interposer'
import {
  copiesThroughConnection,
  leavesTransactionOpen,
  refusesTransaction,
  transactionEffect,
} from './statement-kind.ts'

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
 * Runs SQL as the project's owner: one implicit transaction, so that all of it takes effect or nothing. Unless the SQL
 * itself commits in between, or has statements that refuse a transaction (VACUUM, CREATE INDEX CONCURRENTLY): those are
 * transactions of their own, and what stands before them stays when they fail. Returns one result per statement.
 *
 * Throws 400 with what Postgres said and where.
 */
export async function runOwnerSql(
  ctx: Pick<ControlContext, 'pools' | 'signal'>,
  database: string,
  sql: OwnerSql,
): Promise<PipelineResult> {
  const before: readonly PlannedStep[] = [...preamble, ...(sql.before ?? [])].map(platformStep)
  const steps = [...before, ...(await planSteps(sql)), ...(sql.after ?? []).map(platformStep)]
  try {
    const results = await ctx.pools.forDatabase(database).pipeline('own', {
      steps: steps.map(({ step }) => step),
      isRead: sql.readOnly === true,
      signal: ctx.signal,
      deadlineMs: sql.deadlineMs,
      ...(sql.readOnly === true ? { transaction: { readOnly: true, end: 'commit' } as const } : {}),
    })
    return results.filter((_, i) => steps[i]?.statement !== null)
  } catch (error) {
    if (!(error instanceof DatabaseError) || /^57P0[123]/.test(error.code)) throw error
    const failed = error.step === null ? undefined : steps[error.step]
    throw toSqlError(sql, failed ?? { statement: null, isInterposed: false }, error)
  }
}

interface PlannedStep {
  readonly step: Step
  /** Index of the statement that it is; null for a step of the platform's own. */
  readonly statement: number | null
  /** Replaced by other text, so that places in errors mean nothing to who wrote it. */
  readonly isInterposed: boolean
}

const platformStep = (step: Step): PlannedStep => ({ step, statement: null, isInterposed: false })

async function planSteps(sql: OwnerSql): Promise<PlannedStep[]> {
  const given = sql.steps ?? sql.statements.map(({ text }) => plainStep(text))
  const planned: PlannedStep[] = []
  let isOpen = sql.readOnly === true
  for (const [index, step] of given.entries()) {
    const statement = sql.statements[index]
    if (statement !== undefined && !isOpen && refusesTransaction(statement))
      planned.push(platformStep(endOfTransaction))
    const effect = statement === undefined ? null : transactionEffect(statement)
    if (effect !== null && sql.readOnly !== true) isOpen = effect === 'opens'
    const replacement = step.values.length > 0 ? null : await interposeStatement(step.text)
    planned.push({
      step: replacement === null ? step : plainStep(replacement),
      statement: index,
      isInterposed: replacement !== null,
    })
  }
  return planned
}

/** Of the implicit one: a statement that refuses a transaction must be the first of the next. */
const endOfTransaction = plainStep('commit')

function toSqlError(
  { source, statements }: OwnerSql,
  { statement: index, isInterposed }: Omit<PlannedStep, 'step'>,
  error: DatabaseError,
): ControlError {
  const statement = index === null ? undefined : statements[index]
  const position = isInterposed ? null : error.position
  const place =
    statement === undefined ? null : statement.start + utf16Length(statement.text, (position ?? 1) - 1)
  const details: SqlErrorDetails = {
    detail: error.detail,
    hint: error.hint,
    statement: statement === undefined || index === null ? null : index + 1,
    text: statement?.text.slice(0, 10_000) ?? null,
    position: statement === undefined ? null : position,
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
