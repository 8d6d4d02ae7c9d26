import { ambiguousRelationship, noRelationship } from '../errors/schema-errors.ts'
import { nameKey, type QualifiedName, type Relationship, type SchemaCache } from '../schema-cache/types.ts'

/**
 * The one relationship that a select names. `target` is a table or view, a foreign key's name, or its column; `hint` a
 * foreign key's name, a column at either end, or the junction. (PostgREST 14, `Plan.hs` findRel.)
 *
 * @throws ApiError PGRST200 when there is none, PGRST201 when there are several
 */
export function findRelationship(
  cache: SchemaCache,
  origin: QualifiedName,
  target: string,
  hint: string | null,
): Relationship {
  const all = cache.relationships.get(nameKey(origin)) ?? []
  const found = all.filter((r) => r.foreign.schema === origin.schema && matches(r, target, hint))
  const [only] = found
  if (only === undefined) throw noRelationship(cache, origin.schema, origin.name, target, hint)
  if (found.length > 1) throw ambiguousRelationship(origin.name, target, found)
  return only
}

function matches(r: Relationship, target: string, hint: string | null): boolean {
  if (r.kind === 'computed') return target === r.function.name
  const isNamed = target === r.foreign.name
  if (r.isSelf) {
    // One key, two ways: the table's name means the rows that point here, the column's name the row pointed to.
    if (hint !== null) return isNamed && r.kind === 'one-to-many' && hasForeignColumn(r, hint)
    return (isNamed && r.kind === 'one-to-many') || (r.kind === 'many-to-one' && hasColumn(r, target))
  }
  if (hint === null)
    return isNamed || (!r.isForeignView && (hasConstraint(r, target) || hasColumn(r, target)))
  const isHinted =
    hasConstraint(r, hint) ||
    hasColumn(r, hint) ||
    hasForeignColumn(r, hint) ||
    (r.kind === 'many-to-many' && r.junction.name === hint)
  return isNamed && isHinted
}

const single = (r: Relationship) =>
  r.kind !== 'computed' && r.kind !== 'many-to-many' && r.columns.length === 1 ? r.columns[0] : undefined

const hasConstraint = (r: Relationship, name: string) =>
  r.kind !== 'computed' && r.kind !== 'many-to-many' && r.constraint === name
const hasColumn = (r: Relationship, name: string) => single(r)?.own === name
const hasForeignColumn = (r: Relationship, name: string) => single(r)?.foreign === name
