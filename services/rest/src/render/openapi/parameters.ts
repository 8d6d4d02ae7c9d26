import type { Table } from '../../schema-cache/types.ts'
import type { Json } from './document.ts'

const inQuery = (name: string, description: string) => ({
  name,
  description,
  required: false,
  in: 'query',
  type: 'string',
})

const prefer = (values: readonly string[]) => ({
  name: 'Prefer',
  description: 'Preference',
  required: false,
  in: 'header',
  type: 'string',
  ...(values.length === 0 ? {} : { enum: values }),
})

const RETURN = ['return=representation', 'return=minimal', 'return=none']
const RESOLUTION = ['resolution=ignore-duplicates', 'resolution=merge-duplicates']

/** Referred to by the paths of all tables. */
export const commonParameters: Json = {
  preferParams: prefer([]),
  preferReturn: prefer(RETURN),
  preferCount: prefer(['count=none']),
  preferPost: prefer([...RETURN, ...RESOLUTION]),
  select: inQuery('select', 'Filtering Columns'),
  on_conflict: inQuery('on_conflict', 'On Conflict'),
  order: inQuery('order', 'Ordering'),
  range: { ...inQuery('Range', 'Limiting and Pagination'), in: 'header' },
  rangeUnit: { ...inQuery('Range-Unit', 'Limiting and Pagination'), in: 'header', default: 'items' },
  offset: inQuery('offset', 'Limiting and Pagination'),
  limit: inQuery('limit', 'Limiting and Pagination'),
}

export function tableParameters(table: Table): Json {
  const { name } = table
  const body = {
    name,
    description: name,
    required: false,
    in: 'body',
    schema: { $ref: `#/definitions/${name}` },
  }
  return {
    [`body.${name}`]: body,
    ...Object.fromEntries(
      [...table.columns.values()].map((column) => [
        `rowFilter.${name}.${column.name}`,
        {
          name: column.name,
          ...(column.description === null ? {} : { description: column.description }),
          required: false,
          in: 'query',
          type: 'string',
        },
      ]),
    ),
  }
}
