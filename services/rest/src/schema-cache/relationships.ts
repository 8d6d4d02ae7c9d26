import { groupBy } from '../collections.ts'
import {
  nameKey, type ColumnPair, type JunctionRelationship, type KeyRelationship, type QualifiedName,
} from './types.ts' // prettier-ignore
import { ViewKeys, type ConstraintRow } from './view-keys.ts'
import type { ViewRule } from './view-columns.ts'

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
