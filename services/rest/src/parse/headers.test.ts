import { describe, expect, test } from 'vitest'
import { csvToObjects } from './csv.ts'
import { contentType, mediaTypeName, parseAccept, parseMediaType } from './media-type.ts'
import { noPreferences, parsePreferences } from './preferences.ts'
import { intersect, rangeOfHeader, rangeOfParameters } from './range.ts'

const preferences = (header: string) => parsePreferences(header, true, (name) => name === 'UTC')

describe('preferences', () => {
  test('come in any order and spacing, the first of each counts', () => {
    expect(
      preferences('count=exact,  return=minimal , return=representation,tx=rollback, timezone=UTC'),
    ).toEqual({
      ...noPreferences,
      count: 'exact',
      representation: 'minimal',
      transaction: 'rollback',
      timezone: 'UTC',
    })
  })

  test('that nobody knows are remembered, for handling=strict', () => {
    expect(preferences('handling=strict, count=roughly, timezone=Mars, max-affected=2, wat').invalid).toEqual(
      ['count=roughly', 'timezone=Mars', 'wat'],
    )
  })

  test('of the transaction count only where the project allows it', () => {
    expect(parsePreferences('tx=rollback', false, () => false).transaction).toBeNull()
  })
})

describe('media types', () => {
  test.each([
    ['application/json; charset=utf-8', 'application/json'],
    ['Application/VND.pgrst.Object+JSON', 'application/vnd.pgrst.object+json'],
    ['application/vnd.pgrst.object;nulls=stripped', 'application/vnd.pgrst.object+json;nulls=stripped'],
    ['application/vnd.pgrst.array+json', 'application/json'],
    [
      'application/vnd.pgrst.plan; for="text/csv" ; options=wal|analyze',
      'application/vnd.pgrst.plan+text; for="text/csv"; options=analyze|wal',
    ],
    ['image/png', 'image/png'],
    ['nonsense', 'nonsense'],
  ])('%s is %s', (text, name) => {
    expect(mediaTypeName(parseMediaType(text))).toBe(name)
  })

  test('are taken by quality, then by how exact they are', () => {
    const names = parseAccept('*/*, text/csv;q=0.5, application/json, image/*;q=0.9').map(mediaTypeName)
    expect(names).toEqual(['application/json', '*/*', 'image/*', 'text/csv'])
  })

  test('have a charset where they are text', () => {
    expect(contentType({ kind: 'csv' })).toBe('text/csv; charset=utf-8')
    expect(contentType({ kind: 'bytes' })).toBe('application/octet-stream')
  })
})

describe('ranges', () => {
  test.each([
    ['0-9', { lower: 0, upper: 9 }],
    ['5-', { lower: 5, upper: null }],
    ['items=0-9', { lower: 0, upper: null }],
  ])('the header %s', (header, range) => {
    expect(rangeOfHeader(header)).toEqual(range)
  })

  test.each([
    ['10', '5', { lower: 5, upper: 14 }],
    ['0', null, { lower: 0, upper: -1 }],
    ['many', null, { lower: 0, upper: null }],
    [null, '3', { lower: 3, upper: null }],
  ])('limit %s and offset %s', (limit, offset, range) => {
    expect(rangeOfParameters(limit, offset)).toEqual(range)
  })

  test('the narrower of two holds', () => {
    expect(intersect({ lower: 2, upper: null }, { lower: 0, upper: 4 })).toEqual({ lower: 2, upper: 4 })
  })
})

describe('CSV', () => {
  test.each([
    ['a,b\n1,2\n', [{ a: '1', b: '2' }]],
    ['a,b\r\n"x, ""y""\nz",NULL', [{ a: 'x, "y"\nz', b: null }]],
    ['a\n\n1\n', [{ a: '1' }]],
    ['a,b\n1\n', [{ a: '1' }]],
  ])('%j', (text, rows) => {
    expect(csvToObjects(text)).toEqual(rows)
  })

  test('an open quote is an error', () => {
    expect(csvToObjects('a\n"1')).toHaveProperty('error')
  })
})
