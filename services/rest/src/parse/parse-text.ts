import { LRUCache } from 'lru-cache'
import { requestErrors } from '../errors/request-errors.ts'
import { run, type Parser } from './parsec.ts'

/** Deeper ones would not be meant for reading, and the parser is recursive. */
const NESTING_MAX = 100

export function validateNesting(text: string, what: string): void {
  let depth = 0
  for (let i = text.indexOf('('); i >= 0 && i < text.length; i++) {
    const c = text[i]
    if (c === '(' && ++depth > NESTING_MAX)
      throw requestErrors.queryParameter(
        `"failed to parse ${what}" (line 1, column ${i + 1})`,
        `more than ${NESTING_MAX} levels of parentheses`,
      )
    if (c === ')') depth--
  }
}

/** What Parsec calls the source name stands in the message. `shown` is the text as the client wrote it. */
export function parseOrThrow<T>(parser: Parser<T>, text: string, what: string, shown = text): T {
  const result = run(parser, text)
  if ('ok' in result) return result.ok
  const { position, detail } = result.failure
  throw requestErrors.queryParameter(`"failed to parse ${what} (${shown})" ${position}`, detail)
}

/** The same few dozen texts come again and again; only the values of filters differ from request to request. */
export function cached<T>(parser: Parser<T>, what: string): (text: string) => T {
  const known = new LRUCache<string, { parsed: T }>({ max: 2_000, maxSize: 1_000_000 })
  return (text) => {
    const hit = known.get(text)
    if (hit !== undefined) return hit.parsed
    validateNesting(text, what)
    const parsed = parseOrThrow(parser, text, what)
    known.set(text, { parsed }, { size: text.length + 100 })
    return parsed
  }
}
