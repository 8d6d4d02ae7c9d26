import {
  anyText, attempt, char, chars, choice, eof, label, lazy, lookAhead, map, notFollowedBy, optional, sepBy1, seq,
  string, succeed, type Parser,
} from './parsec.ts' // prettier-ignore
import { delimiter, field, fieldName, identifier, lexeme, quotedValue } from './names.grammar.ts'
import type { CompareOperator, Filter, FtsOperator, Logic, Operation, OrderTerm } from './query-types.ts'

/** Operators, logic trees and order terms, as in PostgREST 14's `ApiRequest/QueryParams.hs` (pOpExpr, pLogicTree, pOrder). */

/** `in` keeps its list until the values are lifted. */
export type Value = string | readonly string[]

export interface Condition {
  readonly negated: boolean
  readonly operation: Operation<Value>
}

const word = <W extends string>(...words: readonly W[]): Parser<W> =>
  choice(...words.map((w) => attempt(string(w)))) as Parser<W>

const simpleOperator = label(
  word<CompareOperator>('neq', 'cs', 'cd', 'ov', 'sl', 'sr', 'nxr', 'nxl', 'adj'),
  'unknown single value operator',
)
const quantifiableOperator = label(
  word<CompareOperator>('eq', 'gte', 'gt', 'lte', 'lt', 'like', 'ilike', 'match', 'imatch'),
  'unknown single value operator',
)

const inParentheses = <T>(p: Parser<T>): Parser<T> => seq([char('('), p, char(')')], (_, value) => value)

const quantifier = optional(attempt(inParentheses(choice(attempt(string('any')), string('all'))))) as Parser<
  'any' | 'all' | null
>
const ftsOperator = word<FtsOperator>('fts', 'plfts', 'phfts', 'wfts')
const ftsLanguage = optional(attempt(inParentheses(identifier)))

/** A list element or a value in a tree ends at a comma or a closing parenthesis, unless it is quoted. */
const unquoted = chars(/[^,)]*/y, [], 0)
const quotedElement = attempt(seq([quotedValue, notFollowedBy(/[^,)]/y)], (value) => value))
const arrayLiteral = attempt(
  seq([string('{'), chars(/[^{}]*/y, [], 0), string('}')], (_, inner) => `{${inner}}`),
)

export const wholeValue: Parser<string> = anyText
const treeValue: Parser<string> = choice(quotedElement, arrayLiteral, unquoted)

const list: Parser<string[]> = seq(
  [lexeme(char('(')), sepBy1(choice(quotedElement, unquoted), char(',')), lexeme(char(')'))],
  (_, values) => values,
)

const isValues = {
  null: 'null',
  not_null: 'not null',
  true: 'true',
  false: 'false',
  unknown: 'unknown',
} as const
type IsWord = keyof typeof isValues
/** Letter by letter, so that the text names the letter that was wrong. */
const isWord = (name: IsWord): Parser<IsWord> => {
  const letters = [...name].map((letter) => choice(char(letter), char(letter.toUpperCase())))
  return attempt(seq(letters, () => name))
}
const isValue = label(
  choice(isWord('null'), isWord('not_null'), isWord('true'), isWord('false'), isWord('unknown')),
  'isVal: (null, not_null, true, false, unknown)',
)

/** The operator is taken together with its dot, so that `in` is not found in `inx`. */
const withDot = (name: string) => attempt(seq([string(name), delimiter], () => null))

type AnyOperation = Operation<Value>

function operation(value: Parser<string>): Parser<AnyOperation> {
  const isIn = seq([withDot('in'), list], (_, values): AnyOperation => ({ kind: 'in', value: values }))
  const isIs = seq([withDot('is'), isValue], (_, is): AnyOperation => ({ kind: 'is', value: isValues[is] }))
  const isDistinct = seq([withDot('isdistinct'), value], (_, text): AnyOperation => ({
    kind: 'distinct',
    value: text,
  }))
  const fts = seq(
    [ftsOperator, ftsLanguage, delimiter, value],
    (operator, language, _, text): AnyOperation => ({ kind: 'fts', operator, language, value: text }),
  )
  const simple = seq([simpleOperator, delimiter, value], (operator, _, text): AnyOperation => ({
    kind: 'compare',
    operator,
    quantifier: null,
    value: text,
  }))
  const quantified = seq(
    [quantifiableOperator, quantifier, delimiter, value],
    (operator, any, _, text): AnyOperation => ({ kind: 'compare', operator, quantifier: any, value: text }),
  )
  return label(
    choice(isIn, isIs, isDistinct, attempt(fts), attempt(simple), attempt(quantified)),
    'operator (eq, gt, ...)',
  )
}

const negation: Parser<boolean> = choice<boolean>(
  attempt(seq([string('not'), delimiter], () => true)),
  succeed(false),
)

export const condition = (value: Parser<string>): Parser<Condition> =>
  seq([negation, operation(value)], (negated, op) => ({ negated, operation: op }))

const treeFilter = attempt(
  seq([field, delimiter, condition(treeValue)], (ref, _, rest): Filter<Value> => ({
    kind: 'filter',
    field: ref,
    ...rest,
  })),
)
const groupOperator = label(
  choice(attempt(string('and')), string('or')),
  'logic operator (and, or)',
) as Parser<'and' | 'or'>

const members = lazy(() => sepBy1(logicTree, lexeme(char(','))))
const group = seq(
  [label(negation, 'negation operator (not)'), groupOperator, lexeme(char('(')), members, lexeme(char(')'))],
  (negated, operator, _, inner): Logic<Value> => ({ kind: 'group', negated, operator, members: inner }),
)

export const logicTree: Parser<Logic<Value>> = choice<Logic<Value>>(treeFilter, group)

/** `clients.not.or`: the embed it belongs to and the operator, negation included. */
export const logicPath: Parser<{ path: string[]; operator: string }> = map(
  sepBy1(fieldName, delimiter),
  (names) => {
    const operator = names.at(-1) ?? ''
    return {
      path: names.slice(0, -1).filter((n) => n !== 'not'),
      operator: names.includes('not') ? `not.${operator}` : operator,
    }
  },
)

const dotted = <R>(name: string, value: R) => attempt(seq([delimiter, string(name)], () => value))
const direction = optional(choice<'asc' | 'desc'>(dotted('asc', 'asc'), dotted('desc', 'desc')))
const nulls = choice<'first' | 'last'>(dotted('nullsfirst', 'first'), dotted('nullslast', 'last'))
const endOfTerm = choice<unknown>(attempt(lookAhead(char(','))), attempt(eof))
const nullsAtEnd = choice<'first' | 'last' | null>(
  seq([optional(nulls), endOfTerm], (value) => value),
  seq([endOfTerm], () => null),
)

const relatedTerm = attempt(
  seq([fieldName, inParentheses(field), direction, nullsAtEnd], (relation, ref, by, at): OrderTerm => ({
    relation,
    field: ref,
    direction: by,
    nulls: at,
  })),
)
const ownTerm = seq([field, direction, nullsAtEnd], (ref, by, at): OrderTerm => ({
  relation: null,
  field: ref,
  direction: by,
  nulls: at,
}))

export const orderTerms = sepBy1(lexeme(choice(relatedTerm, ownTerm)), char(','))
