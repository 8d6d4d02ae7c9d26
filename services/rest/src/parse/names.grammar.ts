import {
  attempt, char, chars, choice, label, map, many, notFollowedBy, optional, sepBy1, seq, string,
  type Parser, type Scanner,
} from './parsec.ts' // prettier-ignore
import type { FieldRef, JsonStep } from './query-types.ts'

/** Field names and JSON paths, as in PostgREST 14's `ApiRequest/QueryParams.hs` (pFieldName, pJsonPath). */

const spaces = chars(/[ \t]*/y, [], 0)

export const lexeme = <T>(p: Parser<T>): Parser<T> => seq([spaces, p, spaces], (_, value) => value)

export const delimiter = label(char('.'), 'delimiter (.)')

/** Text in double quotes; a backslash takes the next character as it is. */
export const quotedValue: Parser<string> = seq(
  [char('"'), chars(/[^\\"]*(?:\\[^][^\\"]*)*/y, [], 0), char('"')],
  (_open, inner) => inner.replace(/\\([^])/g, '$1'),
)

export const identifier: Parser<string> = map(chars(/[\p{L}0-9_ $]+/uy, ['letter', 'digit'], 1), (text) =>
  text.trim(),
)

/** A dash inside a name; `->` is not one. */
const dash = attempt(seq([char('-'), notFollowedBy(/>/y)], () => null))
const dashed = (part: Parser<string>): Parser<string> => map(sepBy1(part, dash), (parts) => parts.join('-'))

export const fieldName = label(choice(quotedValue, dashed(identifier)), 'field name (* or [a..z0..9_$])')

const keyName = label(
  choice(quotedValue, dashed(map(chars(/[^(\-:.,>)]+/y, [], 1), (text) => text.trim()))),
  'any non reserved character different from: .,>()',
)

/** What may follow an index; anything else makes it a key. */
const AFTER_INDEX = ['"->"', '"::"', '"."', '","', 'end of input']
function endOfIndex(s: Scanner) {
  const isEnd = s.at === s.text.length || /^(?:->|::|\.|,)/.test(s.text.slice(s.at, s.at + 2))
  return isEnd ? null : s.refuse(s.here(), AFTER_INDEX)
}

type Operand = Omit<JsonStep, 'arrow'>
const jsonIndex: Parser<Operand> = attempt(
  seq([optional(char('-')), chars(/[0-9]+/y, ['digit'], 1), endOfIndex], (minus, digits) => ({
    operand: `${minus ?? '+'}${digits}`,
    isIndex: true,
  })),
)
const jsonKey: Parser<Operand> = attempt(map(keyName, (operand) => ({ operand, isIndex: false })))

const arrow = choice(attempt(string('->>')), attempt(string('->'))) as Parser<JsonStep['arrow']>

export const jsonPath: Parser<JsonStep[]> = many(
  seq([arrow, choice(jsonIndex, jsonKey)], (kind, operand) => ({ arrow: kind, ...operand })),
)

export const field: Parser<FieldRef> = lexeme(seq([fieldName, jsonPath], (name, path) => ({ name, path })))

/** `clients.projects.name->>first`: the path of embeds and the field at its end. */
export const treePath: Parser<{ path: string[]; field: FieldRef }> = seq(
  [sepBy1(fieldName, delimiter), jsonPath],
  (names, path) => ({ path: names.slice(0, -1), field: { name: names.at(-1) ?? '', path } }),
)

export const columnNames = sepBy1(fieldName, lexeme(char(',')))
