import {
  attempt, char, choice, eof, FAIL, lazy, lookAhead, map, notFollowedBy, optional, sepBy, seq, string,
  type Parser,
} from './parsec.ts' // prettier-ignore
import { field, fieldName, identifier, lexeme } from './names.grammar.ts'
import type { Aggregate, JoinType, SelectField, SelectItem, SelectRelation } from './query-types.ts'

/** The `select` parameter: `alias:column->key::type.sum()::type`, `alias:relation!hint!inner(…)`, `...relation(…)`. */

/** One colon; two begin a cast. */
const alias = optional(attempt(seq([fieldName, char(':'), notFollowedBy(/:/y)], (name) => name)))

const endOfField: Parser<unknown> = choice<unknown>(
  attempt(lookAhead(string(')'))),
  attempt(lookAhead(string(','))),
  attempt(eof),
)

const castSuffix = optional(seq([string('::'), identifier], (_, type) => type))

const aggregateName = choice<string>(
  string('sum'),
  string('avg'),
  string('count'),
  attempt(string('max')),
  attempt(string('min')),
) as Parser<Aggregate>
const aggregate = optional(attempt(seq([char('.'), aggregateName, string('()')], (_, name) => name)))

const everything = { name: '*', path: [] }
const plain = { kind: 'field', alias: null, cast: null, aggregate: null, aggregateCast: null } as const

const star: Parser<SelectField> = attempt(
  seq([string('*'), endOfField], () => ({ ...plain, field: everything })),
)

const countAll: Parser<SelectField> = attempt(
  seq([alias, string('count()'), castSuffix, endOfField], (name, _, aggregateCast) => ({
    ...plain,
    field: everything,
    alias: name,
    aggregate: 'count' as const,
    aggregateCast,
  })),
)

const column: Parser<SelectField> = seq(
  [alias, field, castSuffix, aggregate, castSuffix, endOfField],
  (name, ref, cast, fn, aggregateCast) => ({
    kind: 'field' as const,
    field: ref,
    alias: name,
    cast,
    aggregate: fn,
    aggregateCast,
  }),
)

const selectField = lexeme(choice(star, countAll, column))

interface EmbedParameter {
  readonly hint: string | null
  readonly join: JoinType | null
}
const joinType = (join: JoinType) => map(attempt(string(join)), (): EmbedParameter => ({ hint: null, join }))
const embedParameter: Parser<EmbedParameter> = seq(
  [
    char('!'),
    choice<EmbedParameter>(
      joinType('left'),
      joinType('inner'),
      attempt(map(fieldName, (hint): EmbedParameter => ({ hint, join: null }))),
    ),
  ],
  (_, parameter) => parameter,
)
const embedParameters: Parser<EmbedParameter> = seq(
  [optional(embedParameter), optional(embedParameter)],
  (one, two) => ({ hint: one?.hint ?? two?.hint ?? null, join: one?.join ?? two?.join ?? null }),
)

type RelationHead = Omit<SelectRelation, 'items'>
const opening = attempt(lookAhead(string('(')))

const spreadHead: Parser<RelationHead> = lexeme(
  seq([string('...'), fieldName, embedParameters, opening], (_, name, parameters) => ({
    kind: 'spread' as const,
    name,
    alias: null,
    ...parameters,
  })),
)

/** `count(…)` would be taken for a relation; it is the start of the aggregate. */
const relationName: Parser<string> = (s) => {
  const name = fieldName(s)
  return name === 'count' ? FAIL : name
}
const relationHead: Parser<RelationHead> = lexeme(
  seq([alias, relationName, embedParameters, opening], (aliasName, name, parameters) => ({
    kind: 'relation' as const,
    name,
    alias: aliasName,
    ...parameters,
  })),
)

const items = lazy(() => selectItems)
const relation = (head: Parser<RelationHead>): Parser<SelectItem> =>
  seq([attempt(head), char('('), items, char(')')], (start, _, inner) => ({ ...start, items: inner }))

const selectItem = choice<SelectItem>(relation(spreadHead), relation(relationHead), selectField)

export const selectItems: Parser<SelectItem[]> = sepBy(selectItem, lexeme(char(',')))
