import {
  attempt, char, choice, eof, label, lookAhead, optional, sepBy, string, type Parser, type Scanner,
} from './parsec.ts' // prettier-ignore
import { field, fieldName, identifier, lexeme } from './names.grammar.ts'
import type { Aggregate, JoinType, SelectField, SelectItem, SelectRelation } from './query-types.ts'

/** The `select` parameter: `alias:column->key::type.sum()::type`, `alias:relation!hint!inner(…)`, `...relation(…)`. */

const aliasEnd: Parser<unknown> = (s) => {
  char(':')(s)
  if (s.text[s.at] === ':') s.refuse(':', [])
}
const alias = optional(
  attempt((s: Scanner) => {
    const name = fieldName(s)
    aliasEnd(s)
    return name
  }),
)

const endOfField: Parser<unknown> = choice<unknown>(
  attempt(lookAhead(string(')'))),
  attempt(lookAhead(string(','))),
  attempt(eof),
)

const castSuffix = optional((s: Scanner) => (string('::')(s), identifier(s)))

const aggregateName = choice<string>(
  string('sum'),
  string('avg'),
  string('count'),
  attempt(string('max')),
  attempt(string('min')),
)
const aggregate = optional(
  attempt((s: Scanner) => {
    char('.')(s)
    const name = aggregateName(s) as Aggregate
    string('()')(s)
    return name
  }),
)

const plain = { kind: 'field', alias: null, cast: null, aggregate: null, aggregateCast: null } as const

const star: Parser<SelectField> = attempt((s: Scanner) => {
  string('*')(s)
  endOfField(s)
  return { ...plain, field: { name: '*', path: [] } }
})

const countAll: Parser<SelectField> = attempt((s: Scanner) => {
  const name = alias(s)
  string('count()')(s)
  const aggregateCast = castSuffix(s)
  endOfField(s)
  return { ...plain, field: { name: '*', path: [] }, alias: name, aggregate: 'count', aggregateCast }
})

const column: Parser<SelectField> = (s) => {
  const name = alias(s)
  const ref = field(s)
  const cast = castSuffix(s)
  const fn = aggregate(s)
  const aggregateCast = castSuffix(s)
  endOfField(s)
  return { kind: 'field', field: ref, alias: name, cast, aggregate: fn, aggregateCast }
}

const selectField = lexeme(choice(star, countAll, column))

const embedParameter: Parser<{ join: JoinType } | { hint: string }> = (s) => {
  char('!')(s)
  return choice<{ join: JoinType } | { hint: string }>(
    attempt((t: Scanner) => (string('left')(t), { join: 'left' as const })),
    attempt((t: Scanner) => (string('inner')(t), { join: 'inner' as const })),
    attempt((t: Scanner) => ({ hint: fieldName(t) })),
  )(s)
}

function embedParameters(s: Scanner): { hint: string | null; join: JoinType | null } {
  const given = [optional(embedParameter)(s), optional(embedParameter)(s)]
  let hint: string | null = null
  let join: JoinType | null = null
  for (const one of given) {
    if (one === null) continue
    if ('hint' in one) hint ??= one.hint
    else join ??= one.join
  }
  return { hint, join }
}

type RelationHead = Omit<SelectRelation, 'items'>

const spreadHead: Parser<RelationHead> = lexeme((s: Scanner) => {
  string('...')(s)
  const name = fieldName(s)
  const parameters = embedParameters(s)
  attempt(lookAhead(string('(')))(s)
  return { kind: 'spread', name, alias: null, ...parameters }
})

const relationHead: Parser<RelationHead> = lexeme((s: Scanner) => {
  const aliasName = alias(s)
  const name = fieldName(s)
  // `count(…)` would be taken for a relation; it is the start of the aggregate.
  if (name === 'count') label(string('\0'), '')(s)
  const parameters = embedParameters(s)
  attempt(lookAhead(string('(')))(s)
  return { kind: 'relation', name, alias: aliasName, ...parameters }
})

const relation =
  (head: Parser<RelationHead>): Parser<SelectItem> =>
  (s) => {
    const start = attempt(head)(s)
    char('(')(s)
    const items = selectItems(s)
    char(')')(s)
    return { ...start, items }
  }

const selectItem: Parser<SelectItem> = choice<SelectItem>(
  relation(spreadHead),
  relation(relationHead),
  selectField,
)

export const selectItems: Parser<SelectItem[]> = sepBy(selectItem, lexeme(char(',')))
