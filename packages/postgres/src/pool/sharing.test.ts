import { expect, test } from 'vitest'
import type { Connection } from '../wire/connection.ts'
import { DatabasePools } from './login-pool.ts'
import { briefMs, findLine, findShortestLine } from './sharing.ts'
import type { Waiter } from './waiters.ts'

const waiter = { shareKey: 'select 1' } as Waiter

/** A pool with lines that take so long, whose statement took so long. */
function poolWith(lines: readonly number[], tookMs: readonly number[]) {
  const pool = new DatabasePools('p_x').pool('api')
  for (const lineMs of lines)
    pool.sharing.add({ lineMs, underway: lineMs * 10, isOpen: true, isCancelling: false } as Connection)
  for (const ms of tookMs) pool.speeds.note('select 1', ms)
  return pool
}

const lineAt = (lines: readonly number[], tookMs: readonly number[], asked = waiter) =>
  findLine(poolWith(lines, tookMs), asked)?.lineMs

test('a brief read stands in the longest line that is short enough', () => {
  expect(lineAt([3, 7, 1], [0.1])).toBe(7)
  expect(lineAt([3, 9, 1], [0.1])).toBe(3)
  expect(lineAt([8, 9], [0.1])).toBeUndefined()
})

test('where a core is free, only the briefest line is better than an idle connection', () => {
  const lines = poolWith([0.4, 0.8, 3], [0.1])
  expect(findLine(lines, waiter, briefMs)?.lineMs).toBe(0.8)
  expect(findLine(poolWith([3], [0.1]), waiter, briefMs)).toBeNull()
  expect(findShortestLine(lines, waiter)?.lineMs).toBe(0.4)
  expect(findShortestLine(poolWith([3, 9], [0.1]), waiter)?.lineMs).toBe(3)
})

test('a line has an end, however brief its statements', () => {
  const pool = poolWith([], [0.001])
  pool.sharing.add({ lineMs: 0.3, underway: 256, isOpen: true, isCancelling: false } as Connection)
  expect(findLine(pool, waiter)).toBeNull()
})

test('what is slow, was never seen, or may not share takes an idle connection', () => {
  expect(lineAt([1], [6])).toBeUndefined()
  expect(lineAt([1], [])).toBeUndefined()
  expect(lineAt([1], [0.1], { shareKey: null } as Waiter)).toBeUndefined()
  expect(lineAt([], [0.1])).toBeUndefined()
})

test('one slow execution says little about a statement, several of them do', () => {
  expect(lineAt([1], [0.1, 60])).toBe(1)
  expect(lineAt([1], [0.1, 60, 60, 60, 60, 60])).toBeUndefined()
})
