/**
 * Where an answer ends is not the database's to say: behind a proxy that shares connections among projects, what is left of
 * one answer would be the beginning of another project's.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRest, type TestRest } from './start-rest.ts'

let rest: TestRest
beforeAll(async () => {
  rest = await startRest(`
    create function answer(headers text, status text) returns text language plpgsql as $$ begin
      perform set_config('response.headers', headers, true), set_config('response.status', status, true);
      return 'HTTP/1.1 200 OK';
    end $$;
    create function refuse(code text, detail text default null) returns void language plpgsql as $$ begin
      if detail is null then raise using errcode = code, message = 'no';
      else raise using errcode = code, message = '{"code":"X","message":"no"}', detail = detail; end if;
    end $$;
    create function echo(word text) returns text language sql immutable as $$ select word $$`)
})
afterAll(() => rest.close())

/** The bytes that come for two requests in a row on one connection, of which the first calls `name`. */
async function exchange(name: string, args: object): Promise<string> {
  const { hostname, port, pathname } = new URL(rest.url)
  const socket = connect(Number(port), hostname).setEncoding('latin1')
  const ask = (path: string, body: object, last: string) => {
    const text = JSON.stringify(body)
    const head = `POST ${pathname.replace(/\/$/, '')}${path} HTTP/1.1\r\nHost: localhost\r\napikey: ${rest.keys.anon}\r\n`
    return `${head}Content-Type: application/json\r\n${last}Content-Length: ${text.length}\r\n\r\n${text}`
  }
  socket.write(ask(`/rpc/${name}`, args, '') + ask('/rpc/echo', { word: 'second' }, 'Connection: close\r\n'))
  let received = ''
  socket.on('data', (chunk: string) => (received += chunk))
  await once(socket, 'end')
  socket.end()
  return received
}

/** Reads answers as a proxy does: none has a body with 204 and 304, the others have as much of it as they say. */
function answersIn(received: string): [status: number, body: string][] {
  const answers: [number, string][] = []
  for (let at = 0; at < received.length;) {
    const end = received.indexOf('\r\n\r\n', at) + 4
    const head = received.slice(at, end)
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
    expect(head.toLowerCase()).not.toContain('transfer-encoding')
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1]
    expect(length === undefined).toBe(status === 204 || status === 304)
    at = end + Number(length ?? 0)
    answers.push([status, received.slice(end, at)])
  }
  return answers
}

const header = (name: string, value: string) => JSON.stringify([{ [name]: value }])

test.each([
  ['answer', { headers: '[]', status: '204' }, 204],
  ['answer', { headers: '[]', status: '304' }, 304],
  ['answer', { headers: header('Content-Length', '2'), status: '200' }, 200],
  ['answer', { headers: header('content-length', '900'), status: '200' }, 200],
  ['answer', { headers: header('Transfer-Encoding', 'chunked'), status: '200' }, 200],
  ['answer', { headers: header('Connection', 'close'), status: '200' }, 200],
  ['answer', { headers: header('X-A', 'b\r\nContent-Length: 1\r\n\r\nHTTP/1.1 200'), status: '200' }, 200],
  ['answer', { headers: header('X-A: b\r\nX-B', 'c'), status: '200' }, 500],
  ['refuse', { code: 'PT204' }, 204],
  ['refuse', { code: 'PGRST', detail: '{"status":204,"headers":{}}' }, 204],
  ['refuse', { code: 'PGRST', detail: '{"status":402,"headers":{"Content-Length":"1"}}' }, 402],
  ['refuse', { code: 'PGRST', detail: '{"status":402,"status_text":"a\\r\\n\\r\\nb","headers":{}}' }, 402],
  ['refuse', { code: 'PGRST', detail: '{"status":402,"headers":{"not a name":"1"}}' }, 500],
])('%s %j leaves the next answer whole', async (name, args, status) => {
  const received = await exchange(name, args)
  const answers = answersIn(received)
  expect(
    answers.map(([code]) => code),
    received,
  ).toEqual([status, 200])
  expect(answers[1]?.[1]).toBe('"second"')
  if (status === 200) expect(answers[0]?.[1]).toBe('"HTTP/1.1 200 OK"')
})
