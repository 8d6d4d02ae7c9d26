import { expect, test } from 'vitest'
import { parseRolePath, roleAt, usualRolePath } from './role-path.ts'

const claims = {
  role: 'usual',
  'my-app': { roles: ['user', 'db_writer', 'ops_admin'], level: 3 },
  äö: { $x: 'letters' },
}

test.each([
  ['.role', 'usual'],
  ['."my-app".roles[1]', 'db_writer'],
  ['."my-app".level', 3],
  ['.äö.$x', 'letters'],
  ['."my-app".roles[?(@ == "user")]', 'user'],
  ['."my-app".roles[?(@ != "user")]', 'db_writer'],
  ['."my-app".roles[?(@ ^== "ops")]', 'ops_admin'],
  ['."my-app".roles[?(@==^"_admin")]', 'ops_admin'],
  ['."my-app".roles[?(@ *== "_wri")]', 'db_writer'],
  ['."my-app".roles[?(@ == "root")]', undefined],
  ['."my-app".roles[7]', undefined],
  ['.role[0]', undefined],
  ['.nothing.there', undefined],
  ['.constructor', undefined],
])('%s leads to %j', (path, role) => {
  expect(roleAt(claims, parseRolePath(path))).toBe(role)
})

test.each(['', 'role', '.', '.a.', '.a b', '[x]', '.a[?(@ == "b")].c', '.a[?(@ ~ "b")]'])(
  'what is no path leaves the role where it usually is: %j',
  (path) => {
    expect(parseRolePath(path)).toBe(usualRolePath)
  },
)
