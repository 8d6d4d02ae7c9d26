import {
  attempt, char, chars, choice, label, many, notFollowedBy, optional, sepBy1, string, type Parser, type Scanner,
} from './parsec.ts' // prettier-ignore
import type { FieldRef, JsonStep } from './query-types.ts'

/** Field names and JSON paths, as in PostgREST 14's `ApiRequest/QueryParams.hs` (pFieldName, pJsonPath). */

const spaces = chars(/[ \t]*/y, [], 0)

export const lexeme =
  <T>(p: Parser<T>): Parser<T> =>
  (s) => {
    spaces(s)
    const value = p(s)
    spaces(s)
    return value
  }

export const delimiter = label(char('.'), 'delimiter (.)')

/** Text in double quotes; a backslash takes the next character as it is. */
export const quotedValue: Parser<string> = (s) => {
  char('"')(s)
  const inner = chars(/[^\\"]*(?:\\[^][^\\"]*)*/y, [], 0)(s)
  if (s.text[s.at] === '\\') s.consume(1)
  char('"')(s)
  return inner.replace(/\\([^])/g, '$1')
}

const identifierCharacters = chars(/[\p{L}0-9_ $]+/uy, ['letter', 'digit'], 1)
export const identifier: Parser<string> = (s) => identifierCharacters(s).trim()

/** A dash inside a name; `->` is not one. */
const dash: Parser<unknown> = attempt((s: Scanner) => (char('-')(s), notFollowedBy(/>/y)(s)))
const dashed = (part: Parser<string>): Parser<string> => {
  const parts = sepBy1(part, dash)
  return (s) => parts(s).join('-')
}

export const fieldName = label(choice(quotedValue, dashed(identifier)), 'field name (* or [a..z0..9_$])')

const keyCharacters = chars(/[^(\-:.,>)]+/y, [], 1)
const keyName = label(
  choice(
    quotedValue,
    dashed((s) => keyCharacters(s).trim()),
  ),
  'any non reserved character different from: .,>()',
)

/** What may follow an index; anything else makes it a key. */
const endOfIndex: Parser<unknown> = (s) => {
  if (s.at === s.text.length || /^(?:->|::|\.|,)/.test(s.text.slice(s.at, s.at + 2))) return
  const expected = ['"->"', '"::"', '"."', '","', 'end of input']
  s.refuse(s.here(), expected)
}

const minus = optional(char('-'))
const jsonIndex: Parser<Omit<JsonStep, 'arrow'>> = attempt((s: Scanner) => {
  const sign = minus(s) ?? '+'
  const operand = sign + chars(/[0-9]+/y, ['digit'], 1)(s)
  endOfIndex(s)
  return { operand, isIndex: true }
})
const jsonKey: Parser<Omit<JsonStep, 'arrow'>> = attempt((s: Scanner) => ({
  operand: keyName(s),
  isIndex: false,
}))

const arrow = choice(attempt(string('->>')), attempt(string('->')))
const operand = choice(jsonIndex, jsonKey)

export const jsonPath: Parser<JsonStep[]> = many((s: Scanner) => ({
  arrow: arrow(s) as JsonStep['arrow'],
  ...operand(s),
}))

export const field: Parser<FieldRef> = lexeme((s: Scanner) => ({ name: fieldName(s), path: jsonPath(s) }))

/** `clients.projects.name->>first`: the path of embeds and the field at its end. */
export const treePath: Parser<{ path: string[]; field: FieldRef }> = (s) => {
  const names = sepBy1(fieldName, delimiter)(s)
  return { path: names.slice(0, -1), field: { name: names.at(-1) ?? '', path: jsonPath(s) } }
}

export const columnNames = sepBy1(fieldName, lexeme(char(',')))
