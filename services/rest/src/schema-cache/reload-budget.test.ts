import { expect, test } from 'vitest'
import { ReloadBudget } from './reload-budget.ts'

test('a few reloads at once, then one in five seconds, for each project by itself', () => {
  const budget = new ReloadBudget()
  const take = (key: string, atMs: number) => budget.take(key, atMs)
  expect([0, 1, 2, 3].map((ms) => take('one', ms))).toEqual([true, true, true, false])
  expect(take('two', 4)).toBe(true)
  expect(take('one', 4_000)).toBe(false)
  expect(take('one', 5_100)).toBe(true)
  expect(take('one', 5_200)).toBe(false)
  expect([100_000, 100_001, 100_002, 100_003].map((ms) => take('one', ms))).toEqual([true, true, true, false])
})
