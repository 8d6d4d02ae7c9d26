import { literal } from './names.ts'
import type { Preferences } from '../parse/preferences.ts'
import type { FunctionPlan, MutationPlan, ReadPlan, StatementPlan } from '../plan/types.ts'
import type { Settings } from '../settings.ts'
import { bodySql, PAGE } from './body.ts'
import { callSql } from './call.ts'
import { countedRowsSql } from './count.ts'
import { Parameters, type Statement } from './parameters.ts'
import { clauses, readSql, SOURCE } from './read.ts'
import { writeSql } from './write.ts'

/** What a plan becomes: the statement that answers, and one that estimates the count where that was asked for. */
export interface Compiled {
  readonly main: Statement
  readonly estimate: Statement | null
}

/** Cells of the answering statement's only row. */
export const CELL = { total: 0, rows: 1, body: 2, headers: 3, status: 4, location: 5, inserted: 6 } as const

export function compile(plan: StatementPlan, preferences: Preferences, settings: Settings): Compiled {
  const params = new Parameters()
  const text = statementSql(plan, preferences, settings, params)
  return {
    main: params.statement(plan.explain === null ? text : `${explainSql(plan.explain)} ${text}`),
    estimate: plan.kind === 'read' && wantsEstimate(preferences) ? estimateOf(plan) : null,
  }
}

function statementSql(
  plan: StatementPlan,
  preferences: Preferences,
  settings: Settings,
  params: Parameters,
): string {
  switch (plan.kind) {
    case 'read':
      return readStatement(plan, preferences, settings, params)
    case 'mutation':
      return mutationStatement(plan, preferences, params)
    case 'function':
      return functionStatement(plan, preferences, params)
  }
}

const setting = (name: string) => `nullif(current_setting('${name}', true), '')`
const responseSettings = [setting('response.headers'), setting('response.status')]

/** In a line of text an embed is shown as jsonb writes it. */
const isText = ({ handler }: StatementPlan) => handler.kind === 'csv' || handler.kind === 'custom'

/** CSV looks at its rows twice, which takes a name. */
function pageSql(
  plan: StatementPlan,
  rows: string,
  before: readonly string[],
): { with: string; from: string } {
  const isTwice = plan.handler.kind === 'csv'
  const tables = isTwice ? [...before, `${PAGE} as (${rows})`] : before
  return {
    with: tables.length > 0 ? `with ${tables.join(', ')}` : '',
    from: isTwice ? PAGE : `(${rows}) as ${PAGE}`,
  }
}

function readStatement(
  plan: ReadPlan,
  { count }: Preferences,
  { maxRows }: Settings,
  params: Parameters,
): string {
  const rows = readSql(plan.read, params, isText(plan))
  const page = pageSql(plan, rows, [])
  const limit = count === 'estimated' && maxRows !== null ? ` limit ${maxRows + 1}` : ''
  const total =
    count === 'exact' || count === 'estimated'
      ? isUnlimited(plan)
        ? 'count(*)'
        : `(select count(*) from (${countedRowsSql(plan.read, params)}${limit}) as counted)`
      : 'null'
  const cells = [total, 'count(*)', bodySql(plan.handler, null), ...responseSettings]
  return clauses(page.with, `select ${cells.join(', ')}`, `from ${page.from}`)
}

/** Without a limit the page is everything, and counting it again would double the work. */
const isUnlimited = ({ read }: ReadPlan) =>
  read.range === null &&
  read.maxRows === null &&
  read.select.every((s) => s.aggregate === null) &&
  read.embeds.length === 0

function mutationStatement(plan: MutationPlan, preferences: Preferences, params: Parameters): string {
  const { write } = plan
  const source = `${SOURCE} as (${writeSql(write, params)})`
  // Without a body the select does not matter, and its columns may be none that the write returns.
  const rows =
    plan.handler.kind === 'none' ? `select * from ${SOURCE}` : readSql(plan.read, params, isText(plan))
  const page = pageSql(plan, rows, [source])
  const isPut = write.kind === 'insert' && write.isPut
  const counted = isPut
    ? guarded('PGRST115', 'count(*) = 1')
    : plan.mediaType.kind === 'object'
      ? guarded('PGRST116', 'count(*) = 1')
      : write.kind !== 'insert' && limitsAffected(preferences)
        ? guarded('PGRST124', `count(*) <= ${preferences.maxAffected}`)
        : 'count(*)'
  const cells = [
    'null',
    counted,
    bodySql(plan.handler, null),
    ...responseSettings,
    isLocated(plan, preferences) ? locationSql(plan.primaryKey) : 'null',
    write.kind === 'insert' && write.conflict?.action === 'merge' ? setting('pgrst.inserted') : 'null',
  ]
  return clauses(page.with, `select ${cells.join(', ')}`, `from ${page.from}`)
}

function functionStatement(plan: FunctionPlan, preferences: Preferences, params: Parameters): string {
  const { routine } = plan.call
  const source = `${SOURCE} as (${callSql(plan.call, params)})`
  const page = pageSql(plan, readSql(plan.read, params, isText(plan)), [source])
  const total =
    preferences.count === 'exact' || preferences.count === 'estimated'
      ? `(select count(*) from (${countedRowsSql(plan.read, params)}) as counted)`
      : 'null'
  const counted = !routine.returns.isSet
    ? '1'
    : plan.mediaType.kind === 'object'
      ? guarded('PGRST116', 'count(*) = 1')
      : limitsAffected(preferences)
        ? guarded('PGRST124', `count(*) <= ${preferences.maxAffected}`)
        : 'count(*)'
  const cells = [total, counted, bodySql(plan.handler, routine), ...responseSettings]
  return clauses(page.with, `select ${cells.join(', ')}`, `from ${page.from}`)
}

const limitsAffected = ({ handling, maxAffected }: Preferences) =>
  handling === 'strict' && maxAffected !== null

/**
 * The number of rows, or an error that undoes the transaction when it is wrong: raised here, inside the statement, so that
 * no second trip is needed. SQL has no `raise`; a number that cannot be read does as well. `errors/guard.ts` knows it again.
 */
const guarded = (code: string, condition: string): string =>
  `case when ${condition} then count(*) else ('favo:${code}:' || count(*))::int8 end`

const isLocated = (plan: MutationPlan, { representation }: Preferences) =>
  plan.write.kind === 'insert' &&
  !plan.write.isPut &&
  representation === 'headers-only' &&
  plan.primaryKey.length > 0

/** The primary key of the only row, as a JSON object of texts. */
const locationSql = (primaryKey: readonly string[]): string => `case when count(*) = 1 then (
  select json_object_agg(cell.key, cell.value)
  from (select row_to_json(written) as row from ${SOURCE} as written limit 1) as first_row
  cross join json_each_text(first_row.row) as cell
  where cell.key in (${primaryKey.map((name) => literal(name)).join(', ')})
) end`

const wantsEstimate = ({ count }: Preferences) => count === 'planned' || count === 'estimated'

function estimateOf(plan: ReadPlan): Statement {
  const params = new Parameters()
  return params.statement(`explain (format json) ${countedRowsSql(plan.read, params)}`)
}

function explainSql({ format, options }: NonNullable<StatementPlan['explain']>): string {
  return `explain (${[`format ${format}`, ...options].join(', ')})`
}
