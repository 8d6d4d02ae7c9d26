import {
  nameKey, type ComputedRelationship, type JunctionRelationship, type KeyRelationship, type QualifiedName,
  type Relationship,
} from './types.ts' // prettier-ignore

/**
 * By the table they start from, in PostgREST's order. Only what is exposed at both ends and in between stays; a computed
 * relationship takes the place of the detected ones to the table whose name the function bears.
 */
export function indexRelationships(
  detected: readonly (KeyRelationship | JunctionRelationship)[],
  computed: readonly ComputedRelationship[],
  schemas: ReadonlySet<string>,
): Map<string, Relationship[]> {
  const pairKey = (a: QualifiedName, b: QualifiedName) => `${nameKey(a)}\0${nameKey(b)}`
  const overridden = new Set(computed.map((c) => pairKey(c.table, c.function)))
  const index = new Map<string, Relationship[]>()
  const all: Relationship[] = [
    ...detected.filter((r) => !overridden.has(pairKey(r.table, r.foreign))),
    ...computed,
  ]
  for (const r of all) {
    if (!schemas.has(r.table.schema) || !schemas.has(r.foreign.schema)) continue
    const key = nameKey(r.table)
    const list = index.get(key) ?? []
    index.set(key, list)
    if (r.kind !== 'many-to-many' || schemas.has(r.junction.schema)) list.push(r)
  }
  for (const [key, list] of index) {
    if (list.length < 2) continue
    const keyed = list.map((r) => ({ r, by: sortKey(r) }))
    index.set(
      key,
      keyed.sort((a, b) => (a.by < b.by ? -1 : a.by > b.by ? 1 : 0)).map(({ r }) => r),
    )
  }
  return index
}

const KIND_ORDER = ['one-to-many', 'many-to-one', 'one-to-one', 'many-to-many', 'computed']

/** Parts end in a character that sorts before any of a name. */
const sortKey = (r: Relationship): string => {
  if (r.kind === 'computed') return `1\u0001${nameKey(r.function)}`
  const details =
    r.kind === 'many-to-many'
      ? [nameKey(r.junction), r.constraint, r.foreignConstraint]
      : [r.constraint, ...r.columns.flatMap((c) => [c.own, c.foreign])]
  return ['0', nameKey(r.foreign), String(KIND_ORDER.indexOf(r.kind)), ...details].join('\u0001')
}
