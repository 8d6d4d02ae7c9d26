import type { FieldRef, Filter, Logic } from '../parse/query-types.ts'
import { nameKey, type Column, type QualifiedName, type SchemaCache } from '../schema-cache/types.ts'
import type { PlannedField, PlannedLogic } from './types.ts'

/** Resolves names of fields against one table. A name that it lacks is left to Postgres (computed columns, results of functions). */
export class Fields {
  readonly #cache: SchemaCache
  readonly columns: ReadonlyMap<string, Column>

  constructor(cache: SchemaCache, table: QualifiedName | null) {
    this.#cache = cache
    this.columns =
      (table === null ? undefined : cache.tables.get(nameKey(table))?.columns) ?? new Map<string, Column>()
  }

  /** For output: domains with a function to json are presented by it. */
  output(ref: FieldRef): PlannedField {
    return { ...this.plain(ref), transform: this.#transform(this.columns.get(ref.name)?.type, 'json') }
  }

  plain(ref: FieldRef): PlannedField {
    const type = this.columns.get(ref.name)?.type
    return {
      name: ref.name,
      path: ref.path,
      needsJson: type !== 'json' && type !== 'jsonb',
      transform: null,
      vector: null,
      isWholeRow: false,
    }
  }

  /** For filters: texts are read by the domain's function from text, where it has one. */
  filter(filter: Filter): PlannedLogic {
    const column = this.columns.get(filter.field.name)
    const field = this.plain(filter.field)
    const { operation } = filter
    return {
      kind: 'filter',
      negated: filter.negated,
      operation,
      field: {
        ...field,
        transform: column === undefined ? null : this.#transform('text', column.type),
        vector:
          operation.kind === 'fts' && column !== undefined && column.baseType !== 'tsvector'
            ? { language: operation.language }
            : null,
      },
    }
  }

  logic(logic: Logic): PlannedLogic {
    if (logic.kind === 'filter') return this.filter(logic)
    return { ...logic, members: logic.members.map((member) => this.logic(member)) }
  }

  /** Function that reads a JSON value into the column's domain. */
  reader(column: Column): string | null {
    return this.#transform('json', column.type)
  }

  hasPresentedColumns(): boolean {
    for (const column of this.columns.values()) if (this.#transform(column.type, 'json') !== null) return true
    return false
  }

  #transform(from: string | undefined, to: string): string | null {
    if (from === undefined || this.#cache.representations.size === 0) return null
    return this.#cache.representations.get(`${from}\0${to}`) ?? null
  }
}
