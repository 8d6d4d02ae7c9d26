import { ident, qualified } from './names.ts'
import type { Embed, ReadNode, RisingField } from '../plan/types.ts'
import type { Relationship } from '../schema-cache/types.ts'
import {
  aggregated, fieldSql, logicSql, orderSql, selectSql, ungrouped, type PresenceSql,
} from './expressions.ts' // prettier-ignore
import type { Parameters } from './parameters.ts'

/** Name of the rows that a write or a function call in front of the read has brought forth. */
export const SOURCE = 'pgrst_source'

/**
 * The query of one level and all below it. Each embed is a lateral subquery: to-one relations give a row, to-many ones a
 * JSON array, so that a parent's row never multiplies.
 */
export function readSql(node: ReadNode, params: Parameters, needsJsonb: boolean): string {
  return levelSql(node, params, null, needsJsonb)
}

/**
 * @param needsJsonb embeds have to be jsonb: something above groups by them. Elsewhere they stay json, which is faster and
 *   leaves the keys in the order of the select.
 */
function levelSql(
  node: ReadNode,
  params: Parameters,
  within: { embed: Embed; parent: string } | null,
  needsJsonb: boolean,
): string {
  const table = ident(node.alias)
  const isGrouped = node.select.some((s) => s.aggregate !== null) || node.embeds.some(risesAggregated)
  const isJsonb = isGrouped || needsJsonb
  const extras = (within?.embed.arrayOrder ?? []).map(
    ({ column, term }) =>
      `${fieldSql(term.embed === null ? table : ident(term.embed), term.field)} as ${ident(column)}`,
  )
  const selected =
    node.select.length === 0 && node.embeds.length === 0
      ? [`${table}.*`]
      : node.select.map((item) => selectSql(table, item))
  const shown = node.embeds.flatMap((embed) => embedColumns(embed, isJsonb))
  const joins = node.embeds.map((embed) => embedJoin(embed, table, params, isJsonb))
  const conditions = [
    ...node.where.map((logic) => logicSql(table, logic, params, presenceOf(node.embeds))),
    ...(within === null ? [] : joinConditions(within.embed.relationship, node.alias, within.parent)),
  ]
  const groups = isGrouped ? groupTerms(node, table) : []
  const rows = clauses(
    `select ${[...selected, ...extras, ...shown].join(', ')}`,
    `from ${fromSql(node, within)}`,
    ...joins,
    conditions.length > 0 && `where ${conditions.join(' and ')}`,
    groups.length > 0 && `group by ${groups.join(', ')}`,
    node.order.length > 0 && `order by ${node.order.map((t) => orderSql(table, t)).join(', ')}`,
  )
  return limitedSql(rows, node, params)
}

export const clauses = (...parts: readonly (string | false | null)[]): string =>
  parts.filter((part) => typeof part === 'string' && part !== '').join(' ')

export function fromSql(node: ReadNode, within: { embed: Embed; parent: string } | null): string {
  const alias = ident(node.alias)
  switch (node.source.kind) {
    case 'request':
      return `${SOURCE} as ${alias}`
    case 'relation': {
      const relationship = within?.embed.relationship
      const junction =
        relationship?.kind === 'many-to-many'
          ? `, ${qualified(relationship.junction)} as ${junctionAlias(node.alias)}`
          : ''
      return `${qualified(node.source.name)} as ${alias}${junction}`
    }
    case 'computed': {
      // Rows of a write or a call are no longer of the table's type; the cast makes them so again.
      const { function: fn, argument } = node.source
      return `${qualified(fn)}(${within?.parent ?? ''}::${qualified(argument)}) as ${alias}`
    }
  }
}

const junctionAlias = (alias: string) => ident(`${alias}_junction`)

/** @param parent quoted already */
export function joinConditions(r: Relationship, alias: string, parent: string): string[] {
  if (r.kind === 'computed') return []
  const equal = (a: string, x: string, b: string, y: string) => `${a}.${ident(x)} = ${b}.${ident(y)}`
  const table = ident(alias)
  if (r.kind !== 'many-to-many') return r.columns.map((c) => equal(table, c.foreign, parent, c.own))
  const junction = junctionAlias(alias)
  return [
    ...r.foreignColumns.map((c) => equal(table, c.own, junction, c.foreign)),
    ...r.columns.map((c) => equal(parent, c.own, junction, c.foreign)),
  ]
}

/** Within a constant number of rows, so that a prepared statement's plan serves any limit (see `reachOf`). */
function limitedSql(rows: string, { range, maxRows }: ReadNode, params: Parameters): string {
  if (range === null) return maxRows === null ? rows : `${rows} limit ${maxRows}`
  const { limit, offset, reach } = range
  return clauses(
    reach === null ? rows : `select * from (${rows} limit ${reach}) as pgrst_reach`,
    limit !== null && `limit ${params.literal(limit)}`,
    offset !== null && `offset ${params.literal(offset)}`,
  )
}

const isMany = (embed: Embed) => embed.mode === 'array' || embed.mode === 'spread-many'
const risesAggregated = (embed: Embed) =>
  embed.mode === 'spread-one' && embed.rising.some((f) => f.aggregate !== null)

/** Arrays are null when nothing was found, rows of a left join as a whole. */
const presenceOf =
  (embeds: readonly Embed[]): PresenceSql =>
  (alias, isPresent) => {
    const embed = embeds.find((e) => e.alias === alias)
    const found = embed !== undefined && isMany(embed) ? arrayOf(embed) : ident(alias)
    return `${found} is ${isPresent ? '' : 'not '}distinct from null`
  }

const arrayOf = (embed: Embed) => `${ident(embed.alias)}.${ident(embed.alias)}`

const embedValue = (embed: Embed, isJsonb: boolean): string => {
  const value =
    embed.mode === 'object' ? `row_to_json(${ident(embed.alias)}.*)` : `coalesce(${arrayOf(embed)}, '[]')`
  return isJsonb ? `${value}::jsonb` : value
}

function embedColumns(embed: Embed, isJsonb: boolean): string[] {
  if (embed.mode === 'object' || embed.mode === 'array')
    return embed.isHidden ? [] : [`${embedValue(embed, isJsonb)} as ${ident(embed.name)}`]
  return embed.rising.map((field) => {
    const value = aggregated(risingColumn(embed, field), field.aggregate, field.aggregateCast)
    return field.alias === null ? value : `${value} as ${ident(field.alias)}`
  })
}

const risingColumn = (embed: Embed, field: RisingField): string =>
  `${ident(embed.alias)}.${field.name === '*' ? '*' : ident(field.name)}`

function embedJoin(embed: Embed, parent: string, params: Parameters, isJsonb: boolean): string {
  const alias = ident(embed.alias)
  const inner = embed.join === 'inner'
  const join = inner ? 'join' : 'left join'
  const rises = embed.mode === 'spread-one' || embed.mode === 'spread-many'
  const rows = levelSql(embed.node, params, { embed, parent }, rises && isJsonb)
  if (!isMany(embed)) return `${join} lateral (${rows}) as ${alias} on true`
  const columns = [
    `json_agg(${alias}) as ${alias}`,
    ...embed.rising.map((f) => risingArray(embed, f, isJsonb)),
  ]
  const found = inner ? `${arrayOf(embed)} is not null` : 'true'
  return `${join} lateral (select ${embed.mode === 'array' ? columns[0] : columns.join(', ')} from (${rows}) as ${alias}) as ${alias} on ${found}`
}

function risingArray(embed: Embed, field: RisingField, isJsonb: boolean): string {
  const alias = ident(embed.alias)
  const order = embed.arrayOrder.map(({ column, term }) =>
    clauses(`${alias}.${ident(column)}`, term.direction, term.nulls !== null && `nulls ${term.nulls}`),
  )
  const by = order.length > 0 ? ` order by ${order.join(', ')}` : ''
  const type = isJsonb ? '::jsonb' : ''
  return `coalesce(json_agg(${risingColumn(embed, field)}${by}), '[]')${type} as ${ident(field.alias ?? field.name)}`
}

/** Everything shown that is no aggregate. */
function groupTerms(node: ReadNode, table: string): string[] {
  return [
    ...node.select.filter((s) => s.aggregate === null).map((s) => ungrouped(table, s)),
    ...node.embeds.flatMap((embed) => {
      if (embed.mode === 'object' || embed.mode === 'array')
        return embed.isHidden ? [] : [embedValue(embed, true)]
      return embed.rising.filter((f) => f.aggregate === null).map((f) => risingColumn(embed, f))
    }),
  ]
}
