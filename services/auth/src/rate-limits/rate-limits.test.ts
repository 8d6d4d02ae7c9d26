import { expect, test } from 'vitest'
import { clientNetwork } from './client-network.ts'
import { createMessageCounts } from './message-counts.ts'
import { createTokenBuckets } from './token-buckets.ts'

const rate = { capacity: 3, perSecond: 0.5 }

test('a bucket gives what it holds, then says when there is more', () => {
  let now = 0
  const buckets = createTokenBuckets(10, () => now)
  expect([1, 2, 3].map(() => buckets.take('a', rate))).toEqual([null, null, null])
  expect(buckets.take('a', rate)).toBe(2)
  expect(buckets.take('b', rate)).toBeNull()
  now += 1_999
  expect(buckets.take('a', rate)).toBe(1)
  now += 1
  expect(buckets.take('a', rate)).toBeNull()
  now += 3_600_000
  expect([1, 2, 3, 4].map(() => buckets.take('a', rate) === null)).toEqual([true, true, true, false])
})

test('what is owed must come back first, and no more than the capacity is owed', () => {
  let now = 0
  const buckets = createTokenBuckets(10, () => now)
  for (let miss = 0; miss < 100; miss += 1) buckets.owe('a', rate)
  expect(buckets.peek('a', rate)).toBe(8)
  now += 8_000
  expect(buckets.peek('a', rate)).toBeNull()
})

test('memory is bounded: what nobody asked for the longest time is forgotten first', () => {
  const buckets = createTokenBuckets(2, () => 0)
  const one = { capacity: 1, perSecond: 1 }
  buckets.take('a', one)
  buckets.take('b', one)
  buckets.take('a', one)
  buckets.take('c', one)
  expect(buckets.take('a', one)).toBe(1)
  expect(buckets.take('b', one)).toBeNull()
})

test('messages are counted by the hour', () => {
  let now = 0
  const counts = createMessageCounts(() => now)
  expect([1, 2, 3].map(() => counts.take('a', 2))).toEqual([null, null, 3_600])
  expect(counts.take('b', 2)).toBeNull()
  now += 3_600_000
  expect(counts.take('a', 2)).toBeNull()
})

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001::6', '2001:db8:1:0::/64'],
  ['2001:db8::1:2:3:4', '2001:db8:0:0::/64'],
  ['::1:2:3', '0:0:0:0::/64'],
  ['127.0.0.1', null],
  ['127.8.0.1', null],
  ['::1', null],
  ['::ffff:127.0.0.1', null],
  ['unknown', null],
  [null, null],
])('%s counts as %s', (ip, network) => {
  expect(clientNetwork(ip)).toBe(network)
})
