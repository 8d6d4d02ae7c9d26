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
  const own = constraints.filter((con) => con.kind === 'f' && !con.isInherited)
  const forward = take(own, (con) => fromForeignKey(con, unique.has(columnsKey(con)), keys))
  const byTable = groupBy(
    forward.filter((r) => r.kind === 'many-to-one'),
    (r) => nameKey(r.table),
  )
  const junctions = take(byTable, ([key, outgoing]) =>
    throughJunction(outgoing, new Set(primaryKeys.get(key) ?? [])),
  )
  return [...forward, ...forward.map(inverse), ...junctions]
}

/** Views upon views multiply relationships; beyond this number of each kind the rest is left out. */
const RELATIONSHIPS_MAX = 20_000

function take<T, R>(items: Iterable<T>, make: (item: T) => Iterable<R>): R[] {
  const taken: R[] = []
  for (const item of items)
    for (const made of make(item)) if (taken.push(made) === RELATIONSHIPS_MAX) return taken
  return taken
}

/** The same for constraints over the same columns of a table, in whatever order. */
function columnsKey({ table, columns }: ConstraintRow): string {
  const numbers = columns.map(([number]) => number).sort((a, b) => a - b)
  return `${table[2]}:${numbers.join()}`
}

function* fromForeignKey(con: ConstraintRow, isUnique: boolean, keys: ViewKeys): Generator<KeyRelationship> {
  if (con.foreign === null || con.foreignColumns === null) return
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
    isForeignView: boolean,
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
  yield make(from, to, own, theirs, false, false)
  for (const { view, choices } of viewsOfOwn)
    for (const mine of choices) yield make(view, to, mine, theirs, true, false)
  for (const { view, choices } of viewsOfTheirs)
    for (const other of choices) yield make(from, view, own, other, false, true)
  for (const a of viewsOfOwn)
    for (const mine of a.choices)
      for (const b of viewsOfTheirs)
        for (const other of b.choices) yield make(a.view, b.view, mine, other, true, true)
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
function* throughJunction(
  outgoing: readonly KeyRelationship[],
  primaryKey: ReadonlySet<string>,
): Generator<JunctionRelationship> {
  const inKey = outgoing.filter((r) => r.columns.every((c) => primaryKey.has(c.own)))
  const byConstraint = groupBy(inKey, (r) => r.constraint)
  for (const [name, ones] of byConstraint)
    for (const [other, twos] of byConstraint) {
      if (name === other) continue
      for (const one of ones) for (const two of twos) yield junction(one, two)
    }
}

const junction = (one: KeyRelationship, two: KeyRelationship): JunctionRelationship => ({
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
