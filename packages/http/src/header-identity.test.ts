import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { headerIdentity } from './header-identity.ts'

const message = (socket: object, ...rawHeaders: string[]) =>
  ({ socket, rawHeaders }) as unknown as IncomingMessage

test('a connection that repeats its headers has one identity, and a new one when any letter changes', () => {
  const socket = {}
  const first = headerIdentity(message(socket, 'Host', 'a', 'apikey', 'one'))
  expect(headerIdentity(message(socket, 'Host', 'a', 'apikey', 'one'))).toBe(first)
  const second = headerIdentity(message(socket, 'Host', 'a', 'apikey', 'two'))
  expect(second).not.toBe(first)
  expect(headerIdentity(message(socket, 'Host', 'a', 'apikey', 'one'))).not.toBe(first)
  expect(headerIdentity(message(socket, 'Host', 'a'))).not.toBe(second)
})

test('two connections never share an identity', () => {
  const headers = ['Host', 'a']
  const first = headerIdentity(message({}, ...headers))
  expect(headerIdentity(message({}, ...headers))).not.toBe(first)
})
