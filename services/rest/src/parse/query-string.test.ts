import { describe, expect, test } from 'vitest'
import { ApiError } from '../errors/api-error.ts'
import { parseQuery } from './query-string.ts'

const problem = (query: string) => {
  try {
    parseQuery(query, false)
  } catch (error) {
    if (error instanceof ApiError) return [error.body.message, error.body.details]
    throw error
  }
  return null
}

describe('values are lifted out of what is planned', () => {
  test('each literal has its slot, in the order of the request', () => {
    const query = parseQuery('a=eq.1&or=(b.gt.2,c.in.(3,"4,5"))&d=like.x*', false)
    expect(query.literals).toEqual(['1', '2', '{"3","4,5"}', 'x%'])
    expect(query.filters.map((f) => f.value.operation)).toEqual([
      { kind: 'compare', operator: 'eq', quantifier: null, value: 0 },
      { kind: 'compare', operator: 'like', quantifier: null, value: 3 },
    ])
  })

  test.each([
    ['a=eq.1', 'a=eq.2', true],
    ['a=in.(1)', 'a=in.(1,2,3)', true],
    ['or=(a.eq.1,b.lt.2)', 'or=(a.eq.x,b.lt.y)', true],
    ['a=eq.1', 'a=neq.1', false],
    ['a=eq.1', 'a=not.eq.1', false],
    ['a=eq.1', 'b=eq.1', false],
    ['a=is.null', 'a=is.true', false],
    ['order=a', 'order=b', false],
    ['select=a&b=eq.1', 'select=a,b&b=eq.1', false],
    ['select=%22a%26b=c%22', 'select=%22a%22&b=eq.c', false],
  ])('%s and %s: of one shape is %s', (one, other, same) => {
    const shape = (text: string) => JSON.stringify(parseQuery(text, false).shape)
    expect(shape(one) === shape(other)).toBe(same)
  })
})

test.each([
  [
    'a=foo.1',
    'filter (foo.1)" (line 1, column 1)',
    'unexpected "f" expecting "not" or operator (eq, gt, ...)',
  ],
  ['a=in.1', 'filter (in.1)" (line 1, column 4)', 'unexpected "1" expecting "("'],
  [
    'a=is.maybe',
    'filter (is.maybe)" (line 1, column 4)',
    'unexpected "m" expecting isVal: (null, not_null, true, false, unknown)',
  ],
  [
    'select=a(b',
    'select parameter (a(b)" (line 1, column 4)',
    'unexpected end of input expecting letter, digit, "-", "->>", "->", "::", ".", ")" or ","',
  ],
  [
    'order=a.up',
    'order (a.up)" (line 1, column 3)',
    'unexpected "u" expecting "asc", "desc", "nullsfirst" or "nullslast"',
  ],
  ['or=(a.eq.1', 'logic tree ((a.eq.1)" (line 1, column 10)', 'unexpected end of input expecting "," or ")"'],
])('what is wrong with %s is told as Parsec tells it', (query, message, details) => {
  expect(problem(query)).toEqual([`"failed to parse ${message}`, details])
})

test('without operator a parameter is an argument, where a function is called', () => {
  const query = parseQuery('a=1&b=eq.2&c=is.null&d=', true)
  expect(query.arguments).toEqual([
    ['a', '1'],
    ['d', ''],
  ])
  expect(query.filters.map((f) => f.value.field.name)).toEqual(['b', 'c'])
})

test('the canonical query is sorted and encoded', () => {
  expect(parseQuery('b=eq.(x)&a=eq.%C3%A4+z&c', false).canonical).toBe('a=eq.%C3%A4%20z&b=eq.%28x%29&c=')
})

test('names are read with their dots, quotes and arrows', () => {
  const [filter] = parseQuery('one.%22tw.o%22.col->a->>-1=eq.1', false).filters
  expect(filter?.path).toEqual(['one', 'tw.o'])
  expect(filter?.value.field).toEqual({
    name: 'col',
    path: [
      { arrow: '->', operand: 'a', isIndex: false },
      { arrow: '->>', operand: '-1', isIndex: true },
    ],
  })
})
