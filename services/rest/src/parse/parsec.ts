import { FAIL, isUnknown, show, type Parser, type Trouble } from './scanner.ts'

export { FAIL, run, type Parser, type Scanner } from './scanner.ts'

/** The combinators, named as Parsec names them where it has one. */

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
