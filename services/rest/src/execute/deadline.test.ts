import { expect, test } from 'vitest'
import type { Routine } from '../schema-cache/types.ts'
import type { Settings } from '../settings.ts'
import { deadlineMs } from './deadline.ts'

const settingsOf = (timeout?: string) =>
  ({
    roleSettings: new Map([
      ['authenticated', new Map(timeout === undefined ? [] : [['statement_timeout', timeout]])],
    ]),
  }) as unknown as Settings
const routineOf = (timeout: string) => ({ settings: [['statement_timeout', timeout]] }) as unknown as Routine

test.each([
  ['a role without a setting has the login’s 8 s', undefined, 13_000],
  ['a role’s own timeout counts, with its unit', '2min', 125_000],
  ['without a unit they are milliseconds', '1500', 6_500],
  ['switched off, ten minutes are the limit', '0', 605_000],
  ['nobody waits longer than that', '2d', 605_000],
])('%s, and five seconds for Postgres to be first', (_name, timeout, expected) => {
  expect(deadlineMs(settingsOf(timeout), 'authenticated', null)).toBe(expected)
})

test('a function’s own timeout goes before its caller’s', () => {
  expect(deadlineMs(settingsOf('3s'), 'authenticated', routineOf('1 min'))).toBe(65_000)
})

test('the service role has no timeout of its own', () => {
  expect(deadlineMs(settingsOf(), 'service_role', null)).toBe(605_000)
})
