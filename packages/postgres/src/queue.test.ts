import { expect, test } from 'vitest'
import { Queue } from './queue.ts'

test('who comes first goes first, also when it was empty in between', () => {
  const queue = new Queue<number>()
  expect([queue.first, queue.shift(), queue.length]).toEqual([undefined, undefined, 0])
  for (const round of [1, 2]) {
    for (const n of [1, 2, 3]) queue.push(n * round)
    expect([...queue]).toEqual([round, 2 * round, 3 * round])
    expect([queue.first, queue.length]).toEqual([round, 3])
    expect([queue.shift(), queue.shift(), queue.shift()]).toEqual([round, 2 * round, 3 * round])
    expect([queue.first, queue.length, [...queue]]).toEqual([undefined, 0, []])
  }
})
