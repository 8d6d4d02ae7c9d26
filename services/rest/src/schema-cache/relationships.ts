import { groupBy } from '../collections.ts'
import {
  nameKey,
  type ColumnPair,
  type ComputedRelationship,
  type JunctionRelationship,
  type KeyRelationship,
  type QualifiedName,
  type Relationship,
} from './types.ts'
import { baseColumns, originKey, type ViewRule } from './view-columns.ts'

/** A constraint as the catalog query tells it. Tables are `[schema, name, oid]`, columns `[attribute number, name]`. */
export interface ConstraintRow {
  readonly kind: 'p' | 'u' | 'f'
  readonly name: string
  readonly isInherited: boolean
  readonly table: readonly [string, string, number]
  readonly columns: readonly (readonly [number, string])[]
  readonly foreign: readonly [string, string, number] | null
  readonly foreignColumns: readonly (readonly [number, string])[] | null
}

/** A key that a view shows completely. */
interface ViewKey {
  readonly view: QualifiedName
  /** Ways to pick one of the view's columns for each of the key's, in the key's order. */
  readonly choices: readonly (readonly string[])[]
}

const named = ([schema, name]: readonly [string, string, number]): QualifiedName => ({ schema, name })
const sameName = (a: QualifiedName, b: QualifiedName) => a.schema === b.schema && a.name === b.name

/** Foreign keys, also of views, read from both ends, and what runs through junction tables. */
export function buildRelationships(
  constraints: readonly ConstraintRow[],
  views: readonly ViewRule[],
  viewKeys: ReadonlyMap<string, readonly string[]>,
): (KeyRelationship | JunctionRelationship)[] {
  const primaryKeys = new Map(viewKeys)
  for (const con of constraints)
    if (con.kind === 'p')
      primaryKeys.set(
        nameKey(named(con.table)),
        con.columns.map(([, name]) => name),
      )
  const keys = new ViewKeys(views)
  const unique = new Set(constraints.filter((con) => con.kind !== 'f').map(columnsKey))
  const forward = constraints
    .filter((con) => con.kind === 'f' && !con.isInherited)
    .flatMap((con) => fromForeignKey(con, unique.has(columnsKey(con)), keys))
  return [...forward, ...forward.map(inverse), ...throughJunctions(forward, primaryKeys)]
}

/** Primary keys of views: the base table's key where the view shows all of it. */
export function viewPrimaryKeys(
  constraints: readonly ConstraintRow[],
  views: readonly ViewRule[],
): Map<string, string[]> {
  const keys = new ViewKeys(views)
  const result = new Map<string, string[]>()
  for (const con of constraints) {
    if (con.kind !== 'p') continue
    for (const key of keys.showing(
      con.table[2],
      con.columns.map(([number]) => number),
    )) {
      const first = key.choices[0] ?? []
      result.set(nameKey(key.view), [...(result.get(nameKey(key.view)) ?? []), ...first])
    }
  }
  return result
}

class ViewKeys {
  /** Views by a base column's key. */
  readonly #byColumn = new Map<string, { view: ViewRule; names: readonly string[] }[]>()

  constructor(views: readonly ViewRule[]) {
    for (const [view, columns] of baseColumns(views))
      for (const [key, names] of columns) {
        const list = this.#byColumn.get(key) ?? []
        list.push({ view, names })
        this.#byColumn.set(key, list)
      }
  }

  /** Views that show every one of these columns of the table. */
  showing(table: number, columns: readonly number[]): ViewKey[] {
    const showings = columns.map((column) => this.#byColumn.get(originKey({ table, column })) ?? [])
    const [first, ...others] = showings
    return (first ?? []).flatMap(({ view, names }) => {
      const rest = others.map((list) => list.find((l) => l.view === view)?.names ?? [])
      const choices = combinations([names, ...rest])
      return choices.length > 0 ? [{ view: { schema: view.schema, name: view.name }, choices }] : []
    })
  }
}

const combinations = (lists: readonly (readonly string[])[]): string[][] =>
  lists.reduce<string[][]>((made, list) => made.flatMap((m) => list.map((x) => [...m, x])), [[]])

/** The same for constraints over the same columns of a table, in whatever order. */
function columnsKey({ table, columns }: ConstraintRow): string {
  const numbers = columns.map(([number]) => number).sort((a, b) => a - b)
  return `${table[2]}:${numbers.join()}`
}

function fromForeignKey(con: ConstraintRow, isUnique: boolean, keys: ViewKeys): KeyRelationship[] {
  if (con.foreign === null || con.foreignColumns === null) return []
  const numbers = con.columns.map(([number]) => number)
  const own = con.columns.map(([, name]) => name)
  const theirs = con.foreignColumns.map(([, name]) => name)
  const from = named(con.table)
  const to = named(con.foreign)
  const make = (
    table: QualifiedName,
    foreign: QualifiedName,
    mine: readonly string[],
    other: readonly string[],
    isTableView: boolean,
    isForeignView: boolean, // prettier-ignore
  ): KeyRelationship => ({
    kind: isUnique ? 'one-to-one' : 'many-to-one',
    constraint: con.name,
    table,
    foreign,
    isSelf: sameName(table, foreign),
    columns: pairs(mine, other),
    isReferenced: false,
    isTableView,
    isForeignView,
  })
  const viewsOfOwn = keys.showing(con.table[2], numbers)
  const viewsOfTheirs = keys.showing(
    con.foreign[2],
    con.foreignColumns.map(([number]) => number),
  )
  return [
    make(from, to, own, theirs, false, false),
    ...viewsOfOwn.flatMap((v) => v.choices.map((c) => make(v.view, to, c, theirs, true, false))),
    ...viewsOfTheirs.flatMap((v) => v.choices.map((c) => make(from, v.view, own, c, false, true))),
    ...viewsOfOwn.flatMap((a) =>
      a.choices.flatMap((mine) =>
        viewsOfTheirs.flatMap((b) => b.choices.map((other) => make(a.view, b.view, mine, other, true, true))),
      ),
    ),
  ]
}

const pairs = (own: readonly string[], foreign: readonly string[]): ColumnPair[] =>
  own.map((name, i) => ({ own: name, foreign: foreign[i] ?? '' }))
const turned = (columns: readonly ColumnPair[]): ColumnPair[] =>
  columns.map(({ own, foreign }) => ({ own: foreign, foreign: own }))

const inverse = (r: KeyRelationship): KeyRelationship => ({
  kind: r.kind === 'many-to-one' ? 'one-to-many' : 'one-to-one',
  constraint: r.constraint,
  table: r.foreign,
  foreign: r.table,
  isSelf: r.isSelf,
  columns: turned(r.columns),
  isReferenced: r.kind === 'one-to-one',
  isTableView: r.isForeignView,
  isForeignView: r.isTableView,
})

/** A table whose primary key contains two foreign keys connects the two tables they point to. */
function throughJunctions(
  forward: readonly KeyRelationship[],
  primaryKeys: ReadonlyMap<string, readonly string[]>,
): JunctionRelationship[] {
  const result: JunctionRelationship[] = []
  const byTable = groupBy(
    forward.filter((r) => r.kind === 'many-to-one'),
    (r) => nameKey(r.table),
  )
  for (const [key, outgoing] of byTable) {
    const primaryKey = new Set(primaryKeys.get(key) ?? [])
    for (const one of outgoing)
      for (const two of outgoing) {
        if (one.constraint === two.constraint) continue
        const columns = [...one.columns, ...two.columns].map((c) => c.own)
        if (!columns.every((c) => primaryKey.has(c))) continue
        result.push({
          kind: 'many-to-many',
          table: one.foreign,
          foreign: two.foreign,
          isSelf: sameName(one.foreign, two.foreign),
          junction: one.table,
          constraint: one.constraint,
          foreignConstraint: two.constraint,
          columns: turned(one.columns),
          foreignColumns: turned(two.columns),
          isTableView: one.isForeignView,
          isForeignView: two.isForeignView,
        })
      }
  }
  return result
}

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
