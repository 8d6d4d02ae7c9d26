import { requestErrors } from '../errors/request-errors.ts'
import { noColumn } from '../errors/schema-errors.ts'
import type { ApiRequest } from '../parse/request.ts'
import type { SchemaCache, Table } from '../schema-cache/types.ts'
import { Fields } from './fields.ts'
import type { PlannedLogic, ReadNode, WritePlan, WrittenColumn } from './types.ts'

/** @throws ApiError PGRST105 for a PUT that does not name exactly one row, PGRST204 for an unknown column */
export function planWrite(
  request: ApiRequest,
  kind: 'insert' | 'update' | 'upsert' | 'delete',
  table: Table,
  read: ReadNode,
  cache: SchemaCache,
): WritePlan {
  const { preferences, payload, query } = request
  const fields = new Fields(cache, table)
  const where = rootConditions(request, fields)
  const isShown =
    preferences.representation === 'representation' || preferences.representation === 'headers-only'
  const base = {
    table: { schema: table.schema, name: table.name },
    where,
    returning: isShown ? neededColumns(read, table.primaryKey) : [],
  }
  if (kind === 'delete') return { kind, ...base }

  const isObject = payload?.kind === 'json' && payload.isObject
  const keys = payload?.kind === 'json' ? payload.keys : []
  const columns = [...new Set(keys)].sort(byCodePoint).map((key) => writtenColumn(fields, table, key))
  const appliesDefaults = preferences.missing === 'default'
  switch (kind) {
    case 'update':
      return { kind, ...base, columns, isObject, appliesDefaults }
    case 'upsert': {
      if (!namesOneRow(request, table)) throw requestErrors.putFilters()
      const conflict = { columns: table.primaryKey, action: 'merge' as const }
      return { kind: 'insert', ...base, columns, isObject, appliesDefaults: false, conflict, isPut: true }
    }
    case 'insert': {
      const action = preferences.resolution === 'merge-duplicates' ? ('merge' as const) : ('ignore' as const)
      const conflict =
        preferences.resolution === null ? null : { columns: query.onConflict ?? table.primaryKey, action }
      return { kind, ...base, where: [], columns, isObject, appliesDefaults, conflict, isPut: false }
    }
  }
}

const byCodePoint = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function rootConditions({ query }: ApiRequest, fields: Fields): PlannedLogic[] {
  return [
    ...query.filters.filter((f) => f.path.length === 0).map((f) => fields.filter(f.value)),
    ...query.logic.map((l) => fields.logic(l.value)),
  ]
}

function writtenColumn(fields: Fields, table: Table, name: string): WrittenColumn {
  const column = table.columns.get(name)
  if (column === undefined) throw noColumn(table.name, name)
  const transform = fields.reader(column)
  return { name, type: transform === null ? column.type : 'json', transform, default: column.default }
}

/** All columns of the primary key with `eq`, and nothing else. */
function namesOneRow({ query }: ApiRequest, table: Table): boolean {
  const key = new Set(table.primaryKey)
  return (
    query.logic.length === 0 &&
    key.size > 0 &&
    query.filterNames.size === key.size &&
    [...query.filterNames].every((name) => key.has(name)) &&
    query.filters.every(
      ({ path, value: { negated, operation } }) =>
        path.length === 0 &&
        !negated &&
        operation.kind === 'compare' &&
        operation.operator === 'eq' &&
        operation.quantifier === null,
    )
  )
}

/**
 * What a write (or a function) has to return so that the read of its rows succeeds: the selected columns, those that
 * embeds join on, and the primary key for the Location header.
 */
export function neededColumns(read: ReadNode, primaryKey: readonly string[]): string[] {
  const selected = read.select.map((item) => item.field.name)
  if (selected.includes('*')) return ['*']
  // What a computed relationship looks at is its own affair.
  if (read.embeds.some((e) => e.relationship.kind === 'computed')) return ['*']
  const joined = read.embeds.flatMap(({ relationship }) =>
    relationship.kind === 'computed' ? [] : relationship.columns.map((c) => c.own),
  )
  return [...new Set([...selected, ...joined, ...primaryKey])]
}
