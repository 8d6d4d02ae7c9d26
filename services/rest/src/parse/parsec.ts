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

interface Trouble {
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

const isUnknown = (t: Trouble) => t.unexpected.length === 0 && t.read.length === 0 && t.expected.length === 0

/** As Haskell shows characters and strings; nothing for nothing. */
function show(text: string, quote: '"' | "'"): string {
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

export function char(c: string): Parser<string> {
  const expected = [show(c, '"')]
  return (s) => {
    if (s.text[s.at] === c) return s.consume(1)
    s.note(expected)
    return FAIL
  }
}

/** Fails at its start, naming the character that differed; what matched before it counts as consumed (see `attempt`). */
export function string(word: string): Parser<string> {
  const expected = [`"${word}"`]
  return (s) => {
    if (s.text.startsWith(word, s.at)) return s.consume(word.length)
    let same = 0
    while (s.text[s.at + same] === word[same]) same++
    const read = show(s.text.charAt(s.at + same), '"')
    const trouble = { at: s.at, unexpected: [], read: [read], expected }
    if (same > 0) {
      s.consume(same)
      s.trouble = trouble
    } else s.merge(trouble)
    return FAIL
  }
}

/**
 * One or more (or, with `min` 0, any number of) characters of a class; `pattern` is sticky and matches one run.
 * `expected` are the labels of the single character's alternatives.
 */
export function chars(pattern: RegExp, expected: readonly string[], min: 0 | 1): Parser<string> {
  return (s) => {
    pattern.lastIndex = s.at
    const matched = pattern.exec(s.text)?.[0] ?? ''
    const taken = s.consume(matched.length)
    s.note(expected)
    return matched.length < min ? FAIL : taken
  }
}

export const anyText: Parser<string> = (s) => s.consume(s.text.length - s.at)

const END = ['end of input']
export const eof: Parser<null> = (s) => (s.at < s.text.length ? s.refuse(s.here(), END) : null)

type Values<P extends readonly Parser<unknown>[]> = {
  [K in keyof P]: P[K] extends Parser<infer T> ? T : never
}

/** One after the other; `build` makes the result of what they gave. */
export function seq<P extends readonly Parser<unknown>[], R>(
  parsers: readonly [...P],
  build: (...values: Values<P>) => R,
): Parser<R> {
  return (s) => {
    const values: unknown[] = []
    for (const p of parsers) {
      const value = p(s)
      if (value === FAIL) return FAIL
      values.push(value)
    }
    return build(...(values as Values<P>))
  }
}

export function map<T, R>(p: Parser<T>, build: (value: T) => R): Parser<R> {
  return (s) => {
    const value = p(s)
    return value === FAIL ? FAIL : build(value)
  }
}

/** A parser that is defined further down; for grammars that refer to themselves. */
export const lazy =
  <T>(get: () => Parser<T>): Parser<T> =>
  (s) =>
    get()(s)

/** Matches nothing and gives the value. */
export const succeed =
  <T>(value: T): Parser<T> =>
  () =>
    value

/** Takes back what a failing parser consumed, so that an alternative may start over. */
export function attempt<T>(p: Parser<T>): Parser<T> {
  return (s) => {
    const start = s.at
    const before = s.trouble
    const value = p(s)
    if (value === FAIL && s.at !== start) {
      const inner = s.trouble
      s.at = start
      s.trouble = before
      s.merge(inner)
    }
    return value
  }
}

/** Matches without consuming. */
export function lookAhead<T>(p: Parser<T>): Parser<T> {
  return (s) => {
    const start = s.at
    const before = s.trouble
    const value = p(s)
    if (value !== FAIL) {
      s.at = start
      s.trouble = before
    }
    return value
  }
}

/** The first alternative that matches; one that fails after consuming ends the search, as in Parsec. */
export function choice<T>(...alternatives: readonly Parser<T>[]): Parser<T> {
  return (s) => {
    const start = s.at
    for (const p of alternatives) {
      const value = p(s)
      if (value !== FAIL || s.at !== start) return value
    }
    return FAIL
  }
}

export const optional = <T>(p: Parser<T>): Parser<T | null> => choice<T | null>(p, succeed(null))

/** What was expected is told by this name, unless `p` got underway. */
export function label<T>(p: Parser<T>, name: string): Parser<T> {
  const expected = [name]
  return (s) => {
    const start = s.at
    const before = s.trouble
    s.trouble = null
    const value = p(s)
    if (s.at !== start) return value
    const inner = s.trouble as Trouble | null
    s.trouble = before
    if (inner !== null && !isUnknown(inner)) s.merge({ ...inner, expected })
    return value
  }
}

export function many<T>(p: Parser<T>): Parser<T[]> {
  return (s) => {
    const values: T[] = []
    for (;;) {
      const start = s.at
      const value = p(s)
      if (value === FAIL) return s.at === start ? values : FAIL
      values.push(value)
    }
  }
}

export const sepBy1 = <T>(p: Parser<T>, separator: Parser<unknown>): Parser<T[]> =>
  seq([p, many(seq([separator, p], (_, value) => value))], (first, rest) => [first, ...rest])

export const sepBy = <T>(p: Parser<T>, separator: Parser<unknown>): Parser<T[]> =>
  choice<T[]>(sepBy1(p, separator), () => [])

/** Fails when the (sticky) pattern matches here; consumes nothing. */
export function notFollowedBy(pattern: RegExp): Parser<null> {
  return (s) => {
    pattern.lastIndex = s.at
    const next = pattern.exec(s.text)?.[0]
    return next !== undefined && next !== '' ? s.refuse(next, []) : null
  }
}
