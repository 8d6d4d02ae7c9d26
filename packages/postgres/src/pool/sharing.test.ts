import { expect, test } from 'vitest'
import type { Connection } from '../wire/connection.ts'
import { DatabasePools } from './login-pool.ts'
import { findShortWait } from './sharing.ts'
import type { Waiter } from './waiters.ts'

const waiter = { shareKey: 'select 1' } as Waiter

/** A pool with lines of these lengths, whose statement takes so long. */
function poolWith(lines: readonly number[], averageMs: number | null) {
  const pool = new DatabasePools('p_x').pool('api')
  for (const underway of lines) pool.sharing.add({ underway, isOpen: true } as Connection)
  if (averageMs !== null) pool.speeds.note('select 1', averageMs)
  return pool
}

const lineAt = (lines: readonly number[], averageMs: number | null, asked = waiter) =>
  findShortWait(poolWith(lines, averageMs), asked)?.underway

test('a brief read stands in the longest line that is short enough', () => {
  expect(lineAt([3, 9, 1], 0.1)).toBe(9)
  expect(lineAt([3, 16, 1], 0.1)).toBe(3)
  expect(lineAt([16, 16], 0.1)).toBeUndefined()
})

test('the longer a statement takes, the shorter the line it joins', () => {
  expect(lineAt([3, 1], 2)).toBe(1)
  expect(lineAt([1], 4)).toBeUndefined()
})

test('what was never seen and what may not share takes an idle connection', () => {
  expect(lineAt([1], null)).toBeUndefined()
  expect(lineAt([1], 0.1, { shareKey: null } as Waiter)).toBeUndefined()
  expect(lineAt([], 0.1)).toBeUndefined()
})
