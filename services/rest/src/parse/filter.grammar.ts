import {
  anyText, attempt, char, chars, choice, label, lookAhead, notFollowedBy, eof, optional, sepBy1, string,
  type Parser, type Scanner,
} from './parsec.ts' // prettier-ignore
import { delimiter, field, fieldName, identifier, lexeme, quotedValue } from './names.grammar.ts'
import type {
  CompareOperator, Filter, FtsOperator, Logic, Operation, OrderTerm,
} from './query-types.ts' // prettier-ignore

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

const inParentheses =
  <T>(p: Parser<T>): Parser<T> =>
  (s) => {
    char('(')(s)
    const value = p(s)
    char(')')(s)
    return value
  }

const quantifier = optional(attempt(inParentheses(choice(attempt(string('any')), string('all')))))
const ftsOperator = word<FtsOperator>('fts', 'plfts', 'phfts', 'wfts')
const ftsLanguage = optional(attempt(inParentheses(identifier)))

/** A list element or a value in a tree ends at a comma or a closing parenthesis, unless it is quoted. */
const unquoted = chars(/[^,)]*/y, [], 0)
const endOfQuoted = notFollowedBy(/[^,)]/y)
const quotedElement: Parser<string> = attempt((s: Scanner) => {
  const value = quotedValue(s)
  endOfQuoted(s)
  return value
})
const arrayLiteral: Parser<string> = attempt(
  (s: Scanner) => string('{')(s) + chars(/[^{}]*/y, [], 0)(s) + string('}')(s),
)

export const wholeValue: Parser<string> = anyText
const treeValue: Parser<string> = choice(quotedElement, arrayLiteral, unquoted)

const list: Parser<string[]> = (s) => {
  lexeme(char('('))(s)
  const values = sepBy1(choice(quotedElement, unquoted), char(','))(s)
  lexeme(char(')'))(s)
  return values
}

const isValues = {
  null: 'null',
  not_null: 'not null',
  true: 'true',
  false: 'false',
  unknown: 'unknown',
} as const
type IsWord = keyof typeof isValues
/** Letter by letter, so that the text names the letter that was wrong. */
const isWord = (name: IsWord): Parser<IsWord> =>
  attempt((s: Scanner) => {
    for (const letter of name) choice(char(letter), char(letter.toUpperCase()))(s)
    return name
  })
const isValue = label(
  choice(isWord('null'), isWord('not_null'), isWord('true'), isWord('false'), isWord('unknown')),
  'isVal: (null, not_null, true, false, unknown)',
)

/** The operator is taken together with its dot, so that `in` is not found in `inx`. */
const operatorWithDot = (name: string) => attempt((s: Scanner) => (string(name)(s), delimiter(s)))

function operation(value: Parser<string>): Parser<Operation<Value>> {
  const isIn: Parser<Operation<Value>> = (s) => (operatorWithDot('in')(s), { kind: 'in', value: list(s) })
  const isIs: Parser<Operation<Value>> = (s) => {
    operatorWithDot('is')(s)
    return { kind: 'is', value: isValues[isValue(s)] }
  }
  const isDistinct: Parser<Operation<Value>> = (s) => (
    operatorWithDot('isdistinct')(s),
    { kind: 'distinct', value: value(s) }
  )
  const fts: Parser<Operation<Value>> = attempt((s: Scanner) => {
    const operator = ftsOperator(s)
    const language = ftsLanguage(s)
    delimiter(s)
    return { kind: 'fts', operator, language, value: value(s) }
  })
  const simple: Parser<Operation<Value>> = attempt((s: Scanner) => {
    const operator = simpleOperator(s)
    delimiter(s)
    return { kind: 'compare', operator, quantifier: null, value: value(s) }
  })
  const quantified: Parser<Operation<Value>> = attempt((s: Scanner) => {
    const operator = quantifiableOperator(s)
    const any = quantifier(s) as 'any' | 'all' | null
    delimiter(s)
    return { kind: 'compare', operator, quantifier: any, value: value(s) }
  })
  return label(choice(isIn, isIs, isDistinct, fts, simple, quantified), 'operator (eq, gt, ...)')
}

const negation = choice(
  attempt((s: Scanner) => (string('not')(s), delimiter(s), true)),
  () => false,
)

export function condition(value: Parser<string>): Parser<Condition> {
  const op = operation(value)
  return (s) => ({ negated: negation(s), operation: op(s) })
}

const treeCondition = condition(treeValue)
const treeFilter: Parser<Filter<Value>> = attempt((s: Scanner) => {
  const ref = field(s)
  delimiter(s)
  return { kind: 'filter', field: ref, ...treeCondition(s) }
})
const groupNegation = label(negation, 'negation operator (not)')
const groupOperator = label(
  choice(attempt(string('and')), string('or')),
  'logic operator (and, or)',
) as Parser<'and' | 'or'>

export const logicTree: Parser<Logic<Value>> = choice<Logic<Value>>(treeFilter, (s) => {
  const negated = groupNegation(s)
  const operator = groupOperator(s)
  lexeme(char('('))(s)
  const members = sepBy1(logicTree, lexeme(char(',')))(s)
  lexeme(char(')'))(s)
  return { kind: 'group', negated, operator, members }
})

/** `clients.not.or`: the embed it belongs to and the operator, negation included. */
export const logicPath: Parser<{ path: string[]; operator: string }> = (s) => {
  const names = sepBy1(fieldName, delimiter)(s)
  const operator = names.at(-1) ?? ''
  return {
    path: names.slice(0, -1).filter((n) => n !== 'not'),
    operator: names.includes('not') ? `not.${operator}` : operator,
  }
}

const direction = optional(
  choice(
    attempt((s: Scanner) => (delimiter(s), string('asc')(s))),
    attempt((s: Scanner) => (delimiter(s), string('desc')(s))),
  ),
) as Parser<'asc' | 'desc' | null>
const nulls = choice(
  attempt((s: Scanner) => (delimiter(s), string('nullsfirst')(s), 'first' as const)),
  attempt((s: Scanner) => (delimiter(s), string('nullslast')(s), 'last' as const)),
)
const endOfTerm = choice<unknown>(attempt(lookAhead(char(','))), attempt(eof))

const orderSuffix: Parser<Pick<OrderTerm, 'direction' | 'nulls'>> = (s) => {
  const by = direction(s)
  return {
    direction: by,
    nulls: choice<'first' | 'last' | null>(
      (t) => {
        const value = optional(nulls)(t)
        endOfTerm(t)
        return value
      },
      (t) => (endOfTerm(t), null),
    )(s),
  }
}

const relatedTerm: Parser<OrderTerm> = attempt((s: Scanner) => {
  const relation = fieldName(s)
  const ref = inParentheses(field)(s)
  return { relation, field: ref, ...orderSuffix(s) }
})
const ownTerm: Parser<OrderTerm> = (s) => ({ relation: null, field: field(s), ...orderSuffix(s) })

export const orderTerms = sepBy1(lexeme(choice(relatedTerm, ownTerm)), char(','))
