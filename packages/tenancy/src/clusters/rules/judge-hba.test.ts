import { expect, test } from 'vitest'
import { judgeHba, type HbaLine } from './judge-hba.ts'

const line = (text: string, index = 1): HbaLine => {
  const [type = '', database = '', user = '', method = ''] = text.split(' ')
  return {
    line_number: index,
    type,
    database: database.split(','),
    user_name: user.split(','),
    auth_method: method,
    error: null,
  }
}
const judge = (...texts: string[]) => judgeHba(texts.map((text, index) => line(text, index + 1)))

test('the two rules of the home cluster are all that is wanted', () => {
  expect(judge('local all favo_admin scram-sha-256', 'host samerole all scram-sha-256')).toEqual({
    open: [],
    wide: [],
    letsProjectsIn: true,
    unreadable: [],
  })
})

test.each([
  ['trust for everybody', 'host all all trust', { open: [1], wide: [1] }],
  ['trust for the superuser alone', 'local all favo_admin trust', { open: [1] }],
  ['a password in the clear', 'host samerole all password', { open: [1] }],
  ['a pattern of users', 'host shop /^p_ scram-sha-256', { wide: [1] }],
  ['a group', 'host shop +staff md5', { wide: [1] }],
  ['a login by its name', 'host shop p_abc_db scram-sha-256', { wide: [1] }],
])('%s is seen', (_name, text, expected) => {
  expect(judge(text)).toMatchObject(expected)
})

test.each([
  ['somebody else', 'host all backup trust'],
  ['replication', 'host replication all trust'],
  ['a database named like the login', 'host sameuser all trust'],
  ['the owner of a local process', 'local all all peer'],
  ['a refusal', 'host all all reject'],
])('a line for %s leads no project anywhere', (_name, text) => {
  expect(judge(text)).toEqual({ open: [], wide: [], letsProjectsIn: false, unreadable: [] })
})

test('a line that Postgres cannot read is told', () => {
  expect(judgeHba([{ ...line('host all all trust', 7), error: 'invalid' }])).toMatchObject({
    open: [],
    unreadable: [7],
  })
})
