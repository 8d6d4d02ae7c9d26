import { ident, literal, typeName } from './names.ts'
import type { CompareOperator, FtsOperator } from '../parse/query-types.ts'
import type { PlannedField, PlannedFilter, PlannedLogic, PlannedOrder, PlannedSelect } from '../plan/types.ts'
import type { Parameters } from './parameters.ts'

/** Columns, filters, order: the small change of every statement. `table` is always quoted already. */

export function fieldSql(table: string, field: PlannedField): string {
  if (field.isWholeRow) return table
  const column = field.name === '*' ? `${table}.*` : `${table}.${ident(field.name)}`
  if (field.path.length === 0) return column
  // Keys are names of the schema, like columns: written into the text, so that indexes on the expression are found.
  const path = field.path.map((step) => `${step.arrow}${literal(step.operand)}${step.isIndex ? '::int' : ''}`)
  return `${field.needsJson ? `to_jsonb(${column})` : column}${path.join('')}`
}

export const presented = (table: string, field: PlannedField): string =>
  field.transform === null ? fieldSql(table, field) : `${field.transform}(${fieldSql(table, field)})`

export const cast = (expression: string, type: string | null): string =>
  type === null ? expression : `cast(${expression} as ${typeName(type)})`

export const aggregated = (expression: string, aggregate: string | null, type: string | null): string =>
  aggregate === null ? expression : cast(`${aggregate}(${expression})`, type)

export const ungrouped = (table: string, item: PlannedSelect): string =>
  cast(presented(table, item.field), item.cast)

export function selectSql(table: string, item: PlannedSelect): string {
  const value = aggregated(ungrouped(table, item), item.aggregate, item.aggregateCast)
  return item.alias === null ? value : `${value} as ${ident(item.alias)}`
}

export function orderSql(table: string, term: PlannedOrder): string {
  const field = fieldSql(term.embed === null ? table : ident(term.embed), term.field)
  return [field, term.direction, term.nulls === null ? null : `nulls ${term.nulls}`]
    .filter((part) => part !== null)
    .join(' ')
}

const COMPARE: Record<CompareOperator, string> = {
  eq: '=',
  neq: '<>',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
  like: 'like',
  ilike: 'ilike',
  match: '~',
  imatch: '~*',
  cs: '@>',
  cd: '<@',
  ov: '&&',
  sl: '<<',
  sr: '>>',
  nxr: '&<',
  nxl: '&>',
  adj: '-|-',
}

const TSQUERY: Record<FtsOperator, string> = {
  fts: 'to_tsquery',
  plfts: 'plainto_tsquery',
  phfts: 'phraseto_tsquery',
  wfts: 'websearch_to_tsquery',
}

export type PresenceSql = (embed: string, isPresent: boolean) => string

export function logicSql(
  table: string,
  logic: PlannedLogic,
  params: Parameters,
  presence: PresenceSql,
): string {
  switch (logic.kind) {
    case 'filter':
      return filterSql(table, logic, params)
    case 'presence':
      return presence(logic.embed, logic.isPresent)
    case 'group': {
      const members = logic.members.map((member) => logicSql(table, member, params, presence))
      return `${logic.negated ? 'not ' : ''}(${members.join(` ${logic.operator} `)})`
    }
  }
}

function filterSql(table: string, filter: PlannedFilter, params: Parameters): string {
  const condition = conditionSql(fieldSql(table, filter.field), filter, params)
  return filter.negated ? `not ${condition}` : condition
}

function conditionSql(plain: string, { field, operation }: PlannedFilter, params: Parameters): string {
  const read = (value: string) => (field.transform === null ? value : `${field.transform}(${value})`)
  switch (operation.kind) {
    case 'compare': {
      const { operator, quantifier } = operation
      const isPattern = operator === 'like' || operator === 'ilike'
      const parameter = params.literal(operation.value)
      const value = isPattern ? parameter : read(parameter)
      return `${plain} ${COMPARE[operator]} ${quantifier === null ? value : `${quantifier}(${value})`}`
    }
    case 'in': {
      const list = params.literal(operation.value)
      // One parameter for the whole list: the text stays the same however long it is, and empty lists are legal.
      return field.transform === null
        ? `${plain} = any(${list})`
        : `${plain} = any(select ${read(`unnest(${list}::text[])`)})`
    }
    case 'is':
      return `${plain} is ${operation.value}`
    case 'distinct':
      return `${plain} is distinct from ${params.literal(operation.value)}`
    case 'fts': {
      const language = operation.language === null ? '' : `${literal(operation.language)}, `
      const vector = field.vector === null ? plain : `to_tsvector(${language}${plain})`
      return `${vector} @@ ${TSQUERY[operation.operator]}(${language}${params.literal(operation.value)})`
    }
  }
}
