/**
 * A small parser with Parsec's error semantics, because the texts of PGRST100 are Parsec's own and clients show them.
 *
 * The rules that make the texts come out alike (parsec 3.1, Text.Parsec.Prim and Text.Parsec.Error):
 * - The scanner carries the error of the last empty-handed attempt. Consuming a character forgets it, so alternatives
 *   that were tried at the place where the parse finally stops are listed together, in the order they were tried.
 * - Of two errors the one further to the right wins; at the same place they are joined.
 * - A label replaces what was expected, unless the labelled parser consumed something.
 */
export interface ParseFailure {
  /** `(line 1, column 5)`. */
  readonly position: string
  /** `unexpected "x" expecting "(" or end of input`. */
  readonly detail: string
}

/** What a parser returns that did not match. A value and no exception: alternatives fail all the time. */
export const FAIL = Symbol('parse failure')
export type Fail = typeof FAIL

export interface Trouble {
  readonly at: number
  /** Said by a parser (`'x'`); outranks what was merely read. */
  readonly unexpected: readonly string[]
  /** What was read instead (`"x"`; empty = the end). Only the first is told. */
  readonly read: readonly string[]
  readonly expected: readonly string[]
}

export type Parser<T> = (s: Scanner) => T | Fail

export class Scanner {
  readonly text: string
  at = 0
  trouble: Trouble | null = null

  constructor(text: string) {
    this.text = text
  }

  /** Moves on and forgets the alternatives that did not match here. */
  consume(length: number): string {
    const taken = this.text.slice(this.at, this.at + length)
    if (length > 0) {
      this.at += length
      this.trouble = null
    }
    return taken
  }

  /** Notes an attempt that failed at the current position because of the character there. */
  note(expected: readonly string[]): void {
    this.merge({ at: this.at, unexpected: [], read: [show(this.here(), '"')], expected })
  }

  /** Fails because what stands here is forbidden. */
  refuse(found: string, expected: readonly string[]): Fail {
    this.merge({ at: this.at, unexpected: [show(found, "'")], read: [], expected })
    return FAIL
  }

  merge(other: Trouble | null): void {
    const mine = this.trouble
    if (other === null) return
    if (mine === null || isUnknown(mine) || (!isUnknown(other) && other.at > mine.at)) this.trouble = other
    else if (other.at === mine.at && !isUnknown(other))
      this.trouble = {
        at: mine.at,
        unexpected: [...mine.unexpected, ...other.unexpected],
        read: [...mine.read, ...other.read],
        expected: [...mine.expected, ...other.expected],
      }
  }

  /** The character here, empty at the end. */
  here(): string {
    const point = this.text.codePointAt(this.at)
    return point === undefined ? '' : String.fromCodePoint(point)
  }
}

export const isUnknown = (t: Trouble) =>
  t.unexpected.length === 0 && t.read.length === 0 && t.expected.length === 0

/** As Haskell shows characters and strings; nothing for nothing. */
export function show(text: string, quote: '"' | "'"): string {
  const escaped = [...text].map((c) => {
    const code = c.codePointAt(0) ?? 0
    if (c === quote || c === '\\') return `\\${c}`
    if (c === '\n') return '\\n'
    if (c === '\t') return '\\t'
    return code < 32 || code > 126 ? `\\${code}` : c
  })
  return text === '' ? '' : `${quote}${escaped.join('')}${quote}`
}

/** Parses the whole text or as much as the parser wants of it. */
export function run<T>(parser: Parser<T>, text: string): { ok: T } | { failure: ParseFailure } {
  const s = new Scanner(text)
  const value = parser(s)
  return value === FAIL ? { failure: describe(s) } : { ok: value }
}

function describe(s: Scanner): ParseFailure {
  const trouble = s.trouble ?? { at: s.at, unexpected: [], read: [], expected: [] }
  const before = s.text.slice(0, trouble.at).split('\n')
  const read = trouble.read[0]
  const parts: string[] = []
  if (trouble.unexpected.length > 0) parts.push(`unexpected ${listed(trouble.unexpected)}`)
  else if (read !== undefined) parts.push(`unexpected ${read === '' ? 'end of input' : read}`)
  if (trouble.expected.length > 0) parts.push(`expecting ${listed(trouble.expected)}`)
  return {
    position: `(line ${before.length}, column ${[...(before.at(-1) ?? '')].length + 1})`,
    detail: parts.length > 0 ? parts.join(' ') : 'unknown parse error',
  }
}

function listed(items: readonly string[]): string {
  const unique = [...new Set(items)]
  const last = unique.pop()
  return unique.length > 0 ? `${unique.join(', ')} or ${last}` : (last ?? '')
}
