import { ident, literal, qualified } from './names.ts'
import type {
  DeletePlan,
  InsertPlan,
  PlannedLogic,
  UpdatePlan,
  WritePlan,
  WrittenColumn,
} from '../plan/types.ts'
import { logicSql } from './expressions.ts'
import type { Parameters } from './parameters.ts'
import { clauses } from './read.ts'

/** Name of the body's rows. */
const BODY = 'pgrst_body'

export function writeSql(plan: WritePlan, params: Parameters): string {
  switch (plan.kind) {
    case 'insert':
      return insertSql(plan, params)
    case 'update':
      return updateSql(plan, params)
    case 'delete':
      return deleteSql(plan, params)
  }
}

function insertSql(plan: InsertPlan, params: Parameters): string {
  const { columns, conflict } = plan
  const names = columns.map((c) => ident(c.name))
  const isMerge = conflict?.action === 'merge'
  const conditions = [
    ...(isMerge || plan.isPut ? [countInserted(1)] : []),
    ...plan.where.map((logic) => condition(BODY, logic, params)),
  ]
  return clauses(
    `insert into ${qualified(plan.table)}${names.length > 0 ? ` (${names.join(', ')})` : ''}`,
    `select ${columns.map(bodyValue).join(', ')}`,
    `from ${bodyRows(plan, params)}`,
    conditions.length > 0 && `where ${conditions.join(' and ')}`,
    conflict !== null && conflictSql(conflict, names),
    returningSql(plan),
  )
}

function conflictSql(
  { columns, action }: NonNullable<InsertPlan['conflict']>,
  names: readonly string[],
): string {
  if (columns.length === 0) return ''
  const target = `on conflict (${columns.map(ident).join(', ')}) do`
  if (action === 'ignore' || names.length === 0) return `${target} nothing`
  return `${target} update set ${names.map((n) => `${n} = excluded.${n}`).join(', ')} where ${countInserted(-1)}`
}

/**
 * Always true; counts on the side how many rows were new. Each row offered counts up, each conflict down again. (xmax
 * would tell it without a setting, but views have none.)
 */
const countInserted = (step: 1 | -1): string =>
  `set_config('pgrst.inserted', (coalesce(nullif(current_setting('pgrst.inserted', true), ''), '0')::int + ${step})::text, true) is not null`

function updateSql(plan: UpdatePlan, params: Parameters): string {
  const table = qualified(plan.table)
  // Nothing to set: an empty result of the right shape.
  if (plan.columns.length === 0) return `select ${returnedColumns(plan) ?? 'null'} from ${table} where false`
  return clauses(
    `update ${table} set ${plan.columns.map((c) => `${ident(c.name)} = ${bodyValue(c)}`).join(', ')}`,
    `from ${bodyRows(plan, params)}`,
    whereSql(plan, params),
    returningSql(plan),
  )
}

const deleteSql = (plan: DeletePlan, params: Parameters): string =>
  clauses(`delete from ${qualified(plan.table)}`, whereSql(plan, params), returningSql(plan))

function whereSql(plan: WritePlan, params: Parameters): string {
  const table = qualified(plan.table)
  return plan.where.length === 0
    ? ''
    : `where ${plan.where.map((logic) => condition(table, logic, params)).join(' and ')}`
}

const condition = (table: string, logic: PlannedLogic, params: Parameters) =>
  logicSql(table, logic, params, () => 'true')

/** One column at least, so that the rows can be counted. */
const returningSql = (plan: WritePlan): string => `returning ${returnedColumns(plan) ?? '1'}`

function returnedColumns({ table, returning }: WritePlan): string | null {
  if (returning.length === 0) return null
  const name = qualified(table)
  return returning.map((c) => (c === '*' ? `${name}.*` : `${name}.${ident(c)}`)).join(', ')
}

function bodyValue({ name, transform }: WrittenColumn): string {
  const value = `${BODY}.${ident(name)}`
  return transform === null ? value : `${transform}(${value})`
}

/** The body's objects as rows with the columns' types. */
function bodyRows(
  { columns, isObject, appliesDefaults }: InsertPlan | UpdatePlan,
  params: Parameters,
): string {
  const body = params.json()
  if (columns.length === 0)
    // Objects without keys: what counts is how many.
    return isObject
      ? `(select from (select ${body}) _) as ${BODY}`
      : `json_array_elements(${body}) as ${BODY}`
  const types = `${BODY}(${columns.map((c) => `${ident(c.name)} ${c.type}`).join(', ')})`
  if (!appliesDefaults) return `${isObject ? 'json_to_record' : 'json_to_recordset'}(${body}) as ${types}`
  const defaults = columns.flatMap((c) => (c.default === null ? [] : [`${literal(c.name)}, ${c.default}`]))
  const object = `jsonb_build_object(${defaults.join(', ')})`
  return isObject
    ? `jsonb_to_record(${object} || ${body}::jsonb) as ${types}`
    : `jsonb_to_recordset((select jsonb_agg(${object} || element) from jsonb_array_elements(${body}::jsonb) as element)) as ${types}`
}
