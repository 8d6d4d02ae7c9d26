import { expect, test } from 'vitest'
import { parseArray, rowsToJson } from './json-cells.ts'
import { encodeArray, encodeParameter } from './parameters.ts'

const cell = (text: string | null) => (text === null ? null : Buffer.from(text))

test('values keep their JSON type where JSON has it, and Postgres’ text otherwise', () => {
  const cells: readonly (readonly [number, string | null, unknown])[] = [
    [16, 't', true],
    [23, '42', 42],
    [20, '9007199254740993', '9007199254740993'],
    [20, '9007199254740991', 9007199254740991],
    [701, 'NaN', 'NaN'],
    [701, '1.5', 1.5],
    [1700, '1.50', '1.50'],
    [3802, '{"a": [1]}', { a: [1] }],
    [1184, '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00'],
    [1009, '{a,NULL,"NULL","x\\"y"}', ['a', null, 'NULL', 'x"y']],
    [25, null, null],
    [17, '\\xff', '\\xff'],
  ]
  const [row] = rowsToJson({
    fields: cells.map(([typeOid], i) => ({ name: `c${i}`, typeOid })),
    rows: [cells.map(([, text]) => cell(text))],
    tag: 'SELECT 1',
  })
  expect(Object.values(row ?? {})).toEqual(cells.map(([, , value]) => value))
})

test('a column called __proto__ is a column', () => {
  const rows = rowsToJson({
    fields: [{ name: '__proto__', typeOid: 25 }],
    rows: [[cell('x')]],
    tag: 'SELECT 1',
  })
  expect(JSON.stringify(rows)).toBe('[{"__proto__":"x"}]')
})

test('arrays of arrays, empty ones and ones with bounds are read', () => {
  expect(parseArray('{{1,2},{3,4}}', Number)).toEqual([
    [1, 2],
    [3, 4],
  ])
  expect(parseArray('{}', Number)).toEqual([])
  expect(parseArray('[0:1]={1,2}', Number)).toEqual([1, 2])
})

test('parameters are written as node-postgres writes them', () => {
  expect(encodeParameter(['a', null, 'q"\\'])).toBe('{"a",NULL,"q\\"\\\\"}')
  expect(encodeParameter({ a: 1 })).toBe('{"a":1}')
  expect(encodeParameter(true)).toBe('true')
  expect(encodeParameter(1.5)).toBe('1.5')
  expect(encodeArray([['a'], ['b']])).toBe('{{"a"},{"b"}}')
})
