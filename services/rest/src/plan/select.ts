import type { SelectField } from '../parse/query-types.ts'
import type { Fields } from './fields.ts'
import type { PlannedField, PlannedSelect } from './types.ts'

export interface SelectContext {
  readonly isSpread: boolean
  /** `*` has to be spelled out: something is grouped by the columns, or the columns become arrays. */
  readonly expandsStar: boolean
}

/** The plain fields of one level, with `*` spelled out where it must be and names where the dialect gives them. */
export function planSelect(
  fields: readonly SelectField[],
  resolve: Fields,
  { isSpread, expandsStar }: SelectContext,
): PlannedSelect[] {
  const expands = expandsStar || (fields.some(isStar) && resolve.hasPresentedColumns())
  return fields
    .flatMap((item): PlannedSelect[] => {
      if (isStar(item) && expands)
        return [...resolve.columns.keys()].map((name) => planned(item, resolve.output({ name, path: [] })))
      const field = resolve.output(item.field)
      const isWholeRow = isSpread && item.aggregate === 'count' && item.field.name === '*'
      return [planned(item, { ...field, isWholeRow })]
    })
    .map((item) => ({ ...item, alias: item.alias ?? impliedAlias(item, isSpread) }))
}

const isStar = (item: SelectField) => item.aggregate === null && item.field.name === '*'

const planned = (item: SelectField, field: PlannedField): PlannedSelect => ({
  field,
  cast: item.cast,
  aggregate: item.aggregate,
  aggregateCast: item.aggregateCast,
  alias: item.alias,
})

/** JSON paths are named after their last key, presented columns after themselves, aggregates in a spread after the function. */
function impliedAlias({ field, aggregate }: PlannedSelect, isSpread: boolean): string | null {
  if (aggregate !== null) return isSpread ? aggregate : null
  if (field.path.length > 0) return field.path.findLast((step) => !step.isIndex)?.operand ?? field.name
  return field.transform === null ? null : field.name
}

/** The name under which a field leaves its level. */
export const outputName = (item: PlannedSelect): string => item.alias ?? item.field.name
