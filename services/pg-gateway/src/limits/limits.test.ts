import { expect, test } from 'vitest'
import { isInRanges, networkOf } from './address-range.ts'
import { Admission } from './admission.ts'
import { Places } from './places.ts'

test('addresses are held against ranges of both families', () => {
  const ranges = ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32']
  for (const inside of ['10.1.2.3', '192.0.2.7', '::ffff:10.9.9.9', '2001:db8:1::1'])
    expect(isInRanges(inside, ranges), inside).toBe(true)
  for (const outside of ['11.0.0.1', '192.0.2.8', '2001:db9::1', '', 'localhost'])
    expect(isInRanges(outside, ranges), outside).toBe(false)
  expect(isInRanges('10.0.0.1', [])).toBe(false)
  expect(isInRanges('10.0.0.1', ['nonsense'])).toBe(false)
})

test('an IPv6 customer counts by its /64', () => {
  expect(networkOf('2001:db8:1:2::5')).toBe(networkOf('2001:db8:1:2:ffff::9'))
  expect(networkOf('2001:db8:1:3::5')).not.toBe(networkOf('2001:db8:1:2::5'))
  expect(networkOf('::1')).toBe('0:0:0:0')
  expect(networkOf('::ffff:192.0.2.1')).toBe('192.0.2.1')
})

test('those of one network sign in by turns, and do not hold up another network', async () => {
  const admission = new Admission()
  const entries = await Promise.all(Array.from({ length: 200 }, () => admission.enter('192.0.2.1')))
  let isIn = false
  const next = admission.enter('192.0.2.1').then((entry) => {
    isIn = true
    return entry
  })
  ;(await admission.enter('192.0.2.2')).leave()
  expect(isIn).toBe(false)
  entries[0]?.leave()
  ;(await next).leave()
})

test('who fails too often has to wait, others do not', () => {
  const admission = new Admission()
  for (let i = 0; i < 30; i++) {
    admission.checkFailures('192.0.2.1', 'ann')
    admission.recordFailure('192.0.2.1', 'ann')
  }
  expect(() => admission.checkFailures('192.0.2.1', 'ann')).toThrow('too many failed sign-ins')
  admission.checkFailures('192.0.2.1', 'bob')
  admission.checkFailures('192.0.2.2', 'ann')
})

test('a place is counted once, however often it is given back', () => {
  const places = new Places(3, 2)
  const first = places.take('a')
  places.take('a')
  expect(places.take('a')).toBe('project full')
  places.take('b')
  expect(places.take('c')).toBe('full')
  for (let i = 0; i < 2; i++) if (typeof first === 'object') first.release()
  expect([places.inAll, places.of('a'), places.of('b')]).toEqual([2, 1, 1])
})
