import { expect, test } from 'vitest'
import { similar } from './fuzzy.ts'

test.each([
  ['custmers', ['customers', 'orders'], 0.75, 'customers'],
  ['orders', ['orders', 'order'], 0.75, 'orders'],
  ['zebra', ['customers', 'orders'], 0.33, undefined],
  ['people_view', ['people'], 0.75, undefined],
])('%s among %j above %d is %s', (wanted, names, score, expected) => {
  expect(similar(wanted, names, score)[0]?.name).toBe(expected)
})
