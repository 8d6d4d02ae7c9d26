import { nameKey, type Column, type Relationship, type Table } from '../../schema-cache/types.ts'
import type { Json } from './document.ts'
import { swaggerType, typeProperties } from './types.ts'

export function tableDefinition(
  table: Table,
  relationships: ReadonlyMap<string, readonly Relationship[]>,
): Json {
  const columns = [...table.columns.values()]
  const required = columns.filter((c) => !c.isNullable).map((c) => c.name)
  const own = relationships.get(nameKey(table)) ?? []
  return {
    ...(table.description === null ? {} : { description: table.description }),
    ...(required.length === 0 ? {} : { required }),
    properties: Object.fromEntries(columns.map((c) => [c.name, property(table, c, own)])),
    type: 'object',
  }
}

function property(table: Table, column: Column, relationships: readonly Relationship[]): Json {
  const description = describe(table, column, relationships)
  const initial = defaultValue(column)
  return {
    ...(initial === undefined ? {} : { default: initial }),
    ...(description === null ? {} : { description }),
    ...(column.enumValues.length === 0 ? {} : { enum: column.enumValues }),
    ...(column.maxLength === null ? {} : { maxLength: column.maxLength }),
    ...typeProperties(column.baseType),
  }
}

/** The keys that a column is part of are told in its description, in a form that tools look for. */
function describe(table: Table, column: Column, relationships: readonly Relationship[]): string | null {
  const notes = [
    table.primaryKey.includes(column.name) && 'This is a Primary Key.<pk/>',
    foreignKeyNote(column, relationships),
  ].filter((note) => typeof note === 'string')
  if (notes.length === 0) return column.description
  const before = column.description === null ? '' : `${column.description}\n\n`
  return `${before}${['Note:', ...notes].join('\n')}`
}

function foreignKeyNote(column: Column, relationships: readonly Relationship[]): string | null {
  const candidates = relationships.filter(
    (r) =>
      (r.kind === 'many-to-one' || (r.kind === 'one-to-one' && !r.isReferenced)) &&
      r.columns.length === 1 &&
      r.columns[0]?.own === column.name,
  )
  const isView = (r: Relationship) => r.kind !== 'computed' && r.isForeignView
  const found = candidates.find((r) => !isView(r)) ?? candidates[0]
  if (found === undefined || found.kind === 'computed') return null
  const target = found.columns[0]?.foreign ?? ''
  return `This is a Foreign Key to \`${found.foreign.name}.${target}\`.<fk table='${found.foreign.name}' column='${target}'/>`
}

/** Texts lose their quotes and cast; what is no JSON value (a function call) is left out. */
function defaultValue({ default: expression, baseType }: Column): unknown {
  if (expression === null) return undefined
  if (swaggerType(baseType) === 'string') {
    const suffix = `::${baseType}`
    return expression.endsWith(suffix)
      ? expression.slice(0, -suffix.length).replace(/^'+|'+$/g, '')
      : expression
  }
  try {
    return JSON.parse(expression) as unknown
  } catch {
    return undefined
  }
}
