import type { SchemaCache } from '../schema-cache/types.ts'
import { NameIndex } from './fuzzy.ts'

type Kind = 'tables' | 'routines' | 'origins'

// Made when the first wrong name of its kind comes, and gone with the schema cache.
const indexes = new WeakMap<SchemaCache, Map<string, NameIndex>>()

/** The schema's names of one kind, to look for similar ones: tables, functions, tables that have relationships. */
export function nameIndex(cache: SchemaCache, kind: Kind, schema: string): NameIndex {
  let ofCache = indexes.get(cache)
  if (ofCache === undefined) indexes.set(cache, (ofCache = new Map<string, NameIndex>()))
  const key = `${kind} ${schema}`
  const known = ofCache.get(key)
  if (known !== undefined) return known
  const made = new NameIndex(namesOf(cache, kind, schema))
  ofCache.set(key, made)
  return made
}

function namesOf(cache: SchemaCache, kind: Kind, schema: string): string[] {
  switch (kind) {
    case 'tables':
      return [...cache.tables.values()].flatMap((t) => (t.schema === schema ? [t.name] : []))
    case 'routines':
      return [...cache.routines.values()].flatMap((r) => (r[0]?.schema === schema ? [r[0].name] : []))
    case 'origins':
      return [...cache.relationships.values()].flatMap((list) => {
        const table = list[0]?.table
        return table?.schema === schema ? [table.name] : []
      })
  }
}
