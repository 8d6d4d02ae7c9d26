import { describe, expect, test } from 'vitest'
import { indexRelationships } from './relationship-index.ts'
import { buildRelationships } from './relationships.ts'
import { viewPrimaryKeys, type ConstraintRow } from './view-keys.ts'
import { columnOrigins, type ViewRule } from './view-columns.ts'

/** A rewrite rule as Postgres prints it, with nothing but what is looked at. */
const rule = (...columns: readonly (readonly [number, number])[]) =>
  `({QUERY :commandType 1 :cteList ({COMMONTABLEEXPR :ctequery {QUERY :targetList ({TARGETENTRY :resno 1 :resorigtbl 99 :resorigcol 9 :resjunk false})}}) :targetList (${columns
    .map(
      ([table, column], i) =>
        `{TARGETENTRY :expr {VAR :varno 1} :resno ${i + 1} :resname a\\{b :resorigtbl ${table} :resorigcol ${column} :resjunk false}`,
    )
    .join(' ')})})`

const key = (
  kind: ConstraintRow['kind'],
  name: string,
  table: number,
  columns: readonly number[],
  foreign?: number,
): ConstraintRow => ({
  kind,
  name,
  isInherited: false,
  table: ['api', `t${table}`, table],
  columns: columns.map((c) => [c, `c${c}`]),
  foreign: foreign === undefined ? null : ['api', `t${foreign}`, foreign],
  foreignColumns: foreign === undefined ? null : [[1, 'c1']],
})

const view = (id: number, columns: Record<string, string>, text: string): ViewRule => ({
  id,
  schema: 'api',
  name: `v${id}`,
  columns,
  rule: text,
})

const told = (constraints: ConstraintRow[], views: ViewRule[] = []) =>
  buildRelationships(constraints, views, viewPrimaryKeys(constraints, views)).map(
    (r) => `${r.table.name} ${r.kind} ${r.foreign.name}`,
  )

test('only the outermost target list tells where columns come from', () => {
  expect([...columnOrigins(rule([10, 1], [0, 0], [10, 3]))]).toEqual([
    [1, { table: 10, column: 1 }],
    [3, { table: 10, column: 3 }],
  ])
})

describe('a foreign key', () => {
  test('is read from both ends', () => {
    expect(told([key('f', 'fk', 1, [2], 2)])).toEqual(['t1 many-to-one t2', 't2 one-to-many t1'])
  })

  test('is one-to-one where its columns are unique', () => {
    expect(told([key('f', 'fk', 1, [2], 2), key('u', 'u', 1, [2])])).toEqual([
      't1 one-to-one t2',
      't2 one-to-one t1',
    ])
  })

  test('connects two tables through a third whose primary key it is part of', () => {
    const constraints = [key('f', 'a', 3, [1], 1), key('f', 'b', 3, [2], 2), key('p', 'pk', 3, [1, 2])]
    expect(told(constraints)).toContain('t1 many-to-many t2')
    expect(told(constraints.slice(0, 2))).not.toContain('t1 many-to-many t2')
  })

  test('belongs to the views that show its columns, at either end, through other views too', () => {
    const views = [
      view(20, { 1: 'ref' }, rule([1, 2])),
      view(21, { 1: 'id' }, rule([2, 1])),
      view(22, { 1: 'deep' }, rule([20, 1])),
      view(23, { 1: 'other' }, rule([1, 5])),
    ]
    const found = told([key('f', 'fk', 1, [2], 2)], views)
    for (const expected of [
      'v20 many-to-one t2',
      't1 many-to-one v21',
      'v20 many-to-one v21',
      'v22 many-to-one t2',
    ])
      expect(found).toContain(expected)
    expect(found.join()).not.toContain('v23')
  })
})

test('a view has the primary key that it shows whole', () => {
  const views = [view(20, { 1: 'x', 2: 'y' }, rule([1, 1], [1, 2])), view(21, { 1: 'x' }, rule([1, 1]))]
  expect([...viewPrimaryKeys([key('p', 'pk', 1, [1, 2])], views)]).toEqual([['api\0v20', ['x', 'y']]])
})

test('what leads out of the exposed schemas is not offered', () => {
  const detected = buildRelationships([key('f', 'fk', 1, [2], 2)], [], new Map())
  expect(indexRelationships(detected, [], new Set(['other'])).size).toBe(0)
})

describe('a schema made to multiply', () => {
  test('a view that shows a key’s columns many times offers a few ways to read it', () => {
    const columns = Array.from({ length: 60 }, (_, i) => [1, 1 + (i % 6)] as const)
    const names = Object.fromEntries(columns.map((_, i) => [i + 1, `n${i}`]))
    const wide = view(20, names, rule(...columns))
    const primaryKey = key('p', 'pk', 1, [1, 2, 3, 4, 5, 6])
    // Ten ways for each of six columns would be a million.
    const foreignKey = { ...key('f', 'fk', 1, [1, 2, 3, 4, 5, 6], 2), foreignColumns: primaryKey.columns }
    expect(told([primaryKey, foreignKey], [wide]).length).toBeLessThan(300)
  })

  test('views upon views on both sides are bounded', () => {
    const many = (from: number, table: number, column: number) =>
      Array.from({ length: 400 }, (_, i) => view(from + i, { 1: 'x' }, rule([table, column])))
    const found = told([key('f', 'fk', 1, [2], 2)], [...many(1_000, 1, 2), ...many(2_000, 2, 1)])
    expect(found.length).toBeLessThanOrEqual(60_000)
  })
})
