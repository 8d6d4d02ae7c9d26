import { STATUS_CODES, type Server, type ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'

/** An answer whose bytes are ready. */
export interface Answer {
  readonly status: number
  readonly statusText: string | null
  /** Repeated names are sent repeatedly. A header replaces the gateway's of the same name. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Null = there is none, and no Content-Length. */
  readonly body: Buffer | null
}

/**
 * Writes an answer past Fastify, which would only serialize again what is ready.
 *
 * @param given what the gateway adds to every answer: names in lower case and values, in turn
 * @throws TypeError when a header cannot be sent; nothing has been written then, and the reply is still Fastify's
 */
export function writeAnswer(reply: FastifyReply, answer: Answer, given: readonly string[]): void {
  const { raw } = reply
  const { status, body } = answer
  // Latin-1 keeps bytes as they are.
  if (body !== null && body.length <= SMALL_BYTES && answer.statusText === null && isPlain(raw, status)) {
    const head = headOf(raw, answer, given)
    if (head !== null) {
      reply.hijack()
      raw.statusCode = status
      sendAtOnce(raw, head + body.toString('latin1'))
      return
    }
  }
  const headers: string[] = []
  for (const [name, value] of answer.headers) {
    headers.push(name.toLowerCase(), value)
    // For the log line, which finds the error's code in it.
    if (name === 'Proxy-Status') reply.header(name, value)
  }
  const own = headers.length
  const known = reply.getHeaders()
  for (const name in known) {
    const value = known[name]
    if (value === undefined || hasName(headers, own, name)) continue
    if (Array.isArray(value)) for (const one of value) headers.push(name, one)
    else headers.push(name, String(value))
  }
  if (answer.statusText === null) raw.writeHead(status, headers)
  else raw.writeHead(status, answer.statusText, headers)
  reply.hijack()
  if (body === null) raw.end()
  else raw.end(body)
}

/** Beyond it Node's own way, which sends the bytes as they are, costs less than a string of them. */
const SMALL_BYTES = 16_384

/** An HTTP/1.1 connection that goes on, and a response that has a body and on which nobody else has set a header. */
const isPlain = (raw: ServerResponse, status: number): boolean =>
  status !== 204 &&
  status !== 304 &&
  raw.req.method !== 'HEAD' &&
  raw.shouldKeepAlive &&
  raw.req.httpVersionMinor === 1 &&
  !raw.headersSent &&
  raw.getHeaderNames().length === 0

/**
 * The head as text. Node would check each name and value with a regular expression and set up more than is needed here:
 * 7 µs of 23 for a small answer. Null where there are headers that Node acts on, or that it would refuse.
 */
function headOf(raw: ServerResponse, { status, headers }: Answer, given: readonly string[]): string | null {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`
  let hasLength = false
  for (const [name, value] of headers) {
    const plain = plainHeaders.get(name)
    if (plain === undefined || UNSENDABLE.test(value)) return null
    if (plain === 'content-length') hasLength = true
    head += `${plain}: ${value}\r\n`
  }
  if (!hasLength) return null
  for (let i = 0; i < given.length; i += 2) head += `${given[i] ?? ''}: ${given[i + 1] ?? ''}\r\n`
  return `${head}${connectionLines(raw)}\r\n`
}

/** Those of most answers; no other header of an answer can be among the gateway's or mean anything to Node. */
const plainHeaders = new Map(
  [
    ...['Content-Length', 'Content-Location', 'Content-Profile', 'Content-Range', 'Content-Type'],
    ...['Location', 'Preference-Applied', 'Server-Timing', 'Vary'],
  ].map((name) => [name, name.toLowerCase()]),
)

/** What would end the line, or has no byte. */
const UNSENDABLE = /[^\t\x20-\x7e\x80-\xff]/

let second = 0
let lines = ''
let linesTimeout = 0

/** As Node writes them by itself, once a second. */
function connectionLines({ req }: ServerResponse): string {
  const now = Math.floor(Date.now() / 1_000)
  const timeout = serverOf(req.socket)?.keepAliveTimeout ?? 0
  if (now !== second || timeout !== linesTimeout) {
    const keepAlive = timeout > 0 ? `Keep-Alive: timeout=${Math.floor(timeout / 1_000)}\r\n` : ''
    lines = `Date: ${new Date(now * 1_000).toUTCString()}\r\nConnection: keep-alive\r\n${keepAlive}`
    second = now
    linesTimeout = timeout
  }
  return lines
}

/** A socket knows its server, which the types do not say. */
const serverOf = (socket: object): Server | undefined => (socket as { server?: Server }).server

/**
 * Head and body in one string, one write and one packet. `_header` is where Node itself keeps the head that `end` sends, from
 * its first versions to 24; the types leave it out.
 */
function sendAtOnce(raw: ServerResponse, text: string): void {
  ;(raw as unknown as { _header: string })._header = text
  raw.end()
}

function hasName(headers: readonly string[], end: number, name: string): boolean {
  for (let i = 0; i < end; i += 2) if (headers[i] === name) return true
  return false
}
