import { once } from 'node:events'
import { connect } from 'node:net'
import Fastify from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeAnswer, type Answer } from './write-answer.ts'

const app = Fastify({ exposeHeadRoutes: false, keepAliveTimeout: 5_000 })
const answers = new Map<string, Answer>()
let port = 0

beforeAll(async () => {
  app.all('/*', (request, reply) => {
    reply.header('x-request-id', 'id-1')
    const answer = answers.get(request.url)
    try {
      if (answer !== undefined) writeAnswer(reply, answer, ['x-request-id', 'id-1'])
    } catch (error) {
      reply.send(error)
    }
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const bound = app.server.address()
  port = typeof bound === 'object' && bound !== null ? bound.port : 0
})
afterAll(() => app.close())

/** All that the server sends for these bytes, up to the end of the connection. */
async function exchange(bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => (received += text))
  socket.write(bytes, 'latin1')
  await once(socket, 'close')
  return received
}

const request = (path: string, rest = '', method = 'GET', version = '1.1') =>
  `${method} ${path} HTTP/${version}\r\nHost: localhost\r\n${rest}\r\n`
const last = 'Connection: close\r\n'

/** Lines of a head in lower case, without the date, in order of their names. */
const headLines = (head: string) =>
  head
    .toLowerCase()
    .split('\r\n')
    .map((line) => line.replace(/^date: .*/, 'date'))
    .toSorted()

function answer(headers: Answer['headers'], body: string | null, status = 200): Answer {
  return { status, statusText: null, headers, body: body === null ? null : Buffer.from(body) }
}
const json = (body: string) =>
  answer(
    [
      ['Content-Type', 'application/json'],
      ['Content-Length', String(Buffer.byteLength(body))],
    ],
    body,
  )

test('what is written at once says the same as what Node writes', async () => {
  answers.set('/quick', json('["ä"]'))
  // A name that is not among the usual ones is left to Node.
  const { headers, ...rest } = json('["ä"]')
  answers.set('/slow', { ...rest, headers: [...headers, ['X-Own', 'a']] })
  const received = await exchange(request('/quick') + request('/slow') + request('/quick', last))
  const [quick, slow, end] = received.split(Buffer.from('["ä"]').toString('latin1'))
  expect(headLines(quick ?? '')).toEqual(headLines((slow ?? '').replace('x-own: a\r\n', '')))
  expect(headLines(quick ?? '')).toContain('keep-alive: timeout=5')
  // The last answer of a connection says so.
  expect(headLines(end ?? '')).toContain('connection: close')
})

test('answers to requests that were sent together come in order, each whole', async () => {
  for (let i = 0; i < 50; i++) answers.set(`/${i}`, json(JSON.stringify({ i, text: 'x'.repeat(i * 100) })))
  let sent = ''
  for (let i = 0; i < 50; i++) sent += request(`/${i}`)
  const received = await exchange(sent + request('/49', last))
  const found = [...received.matchAll(/"i":(\d+)/g)].map(([, i]) => Number(i))
  expect(found).toEqual([...Array(50).keys(), 49])
  expect(received.match(/HTTP\/1.1 200 OK\r\n/g)).toHaveLength(51)
})

test('a client of HTTP/1.0 is answered as one', async () => {
  answers.set('/old', json('{}'))
  const received = await exchange(request('/old', '', 'GET', '1.0'))
  expect(received.toLowerCase()).toContain('connection: close')
  expect(received.endsWith('{}')).toBe(true)
})

test('an answer to HEAD has the length and no body', async () => {
  answers.set('/head', { ...json('{}'), body: null })
  const received = await exchange(request('/head', '', 'HEAD') + request('/head', last, 'HEAD'))
  expect(received.match(/content-length: 2\r\n/gi)).toHaveLength(2)
  expect(received.endsWith('\r\n\r\n')).toBe(true)
  expect(received).not.toContain('{}')
})

test('an answer without a body is framed as one', async () => {
  answers.set('/none', answer([], null, 204))
  const received = await exchange(request('/none') + request('/none', last))
  expect(received.match(/HTTP\/1.1 204 No Content\r\n/g)).toHaveLength(2)
  expect(received.toLowerCase()).not.toContain('content-length')
})

test('a value cannot end its line', async () => {
  answers.set('/split', answer([['Content-Type', 'text/plain\r\nx-evil: 1'], ['Content-Length', '2']], 'ab')) // prettier-ignore
  const received = await exchange(request('/split', last))
  expect(received).toMatch(/^HTTP\/1.1 500 /)
  expect(received).not.toMatch(/^x-evil/m)
})

test('a header of the answer replaces the one of the gateway', async () => {
  const { headers, ...rest } = json('{}')
  answers.set('/own', { ...rest, headers: [...headers, ['X-Request-Id', 'mine']] })
  const received = await exchange(request('/own', last))
  expect(received.match(/x-request-id: .*/gi)).toEqual(['x-request-id: mine'])
})
