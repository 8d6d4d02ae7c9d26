import { requestErrors } from '../errors/request-errors.ts'
import type { OrderTerm } from '../parse/query-types.ts'
import type { ApiRequest } from '../parse/request.ts'
import { isToOne, type QualifiedName, type Relationship, type SchemaCache } from '../schema-cache/types.ts'
import type { Settings } from '../settings.ts'
import { calledName, draftRead, type Draft } from './draft.ts'
import { Fields } from './fields.ts'
import { findRelationship } from './find-relationship.ts'
import { outputName, planSelect } from './select.ts'
import { addArrayOrder, risingFields } from './spread.ts'
import type { Embed, PlannedLogic, PlannedOrder, PlannedSelect, ReadNode, Source } from './types.ts'

export interface ReadContext {
  readonly cache: SchemaCache
  readonly settings: Settings
  readonly request: ApiRequest
}

/**
 * Plans what is read, from the root down.
 *
 * @param root the table, or the table whose rows the request's write or function brings forth
 * @param source where the root's rows come from
 */
export function planRead(
  context: ReadContext,
  root: QualifiedName,
  source: Source['kind'] & ('relation' | 'request'),
): ReadNode {
  const { kind } = context.request.action
  const isWrite = kind !== 'read' && kind !== 'call'
  const draft = draftRead(context.request, isWrite)
  validateAggregates(draft, context.settings)
  const maxRows = isWrite ? null : context.settings.maxRows
  const from: Source = source === 'relation' ? { kind: 'relation', name: root } : { kind: 'request' }
  return planLevel({ context, maxRows }, draft, {
    table: root,
    source: from,
    alias: root.name,
    depth: 0,
    isSpread: false,
    expandsStar: false,
    maxRows,
  })
}

interface Level {
  readonly table: QualifiedName
  readonly source: Source
  readonly alias: string
  readonly depth: number
  readonly isSpread: boolean
  readonly expandsStar: boolean
  readonly maxRows: number | null
}

interface Planning {
  readonly context: ReadContext
  readonly maxRows: number | null
}

function planLevel(planning: Planning, draft: Draft, level: Level): ReadNode {
  const { cache } = planning.context
  const fields = new Fields(cache, level.table)
  const expandsStar = level.expandsStar || draft.fields.some((f) => f.aggregate !== null)
  const select = planSelect(draft.fields, fields, { isSpread: level.isSpread, expandsStar })
  const embeds = draft.children.map((child) => planEmbed(planning, child, level, expandsStar))
  const where = [...draft.logic.map((l) => fields.logic(l)), ...draft.filters.map((f) => fields.filter(f))]
  return {
    source: level.source,
    alias: level.alias,
    select,
    embeds,
    where: where.map((l) => withPresence(l, embeds)),
    order: draft.order.map((term) => planOrder(term, fields, embeds, level.table)),
    range: draft.range,
    maxRows: draft.range === null ? level.maxRows : null,
  }
}

function planEmbed(planning: Planning, draft: Draft, parent: Level, parentExpandsStar: boolean): Embed {
  const { relation } = draft
  if (relation === null) throw new Error('the root is no embed')
  const { cache } = planning.context
  const relationship = findRelationship(cache, parent.table, relation.name, relation.hint)
  const depth = parent.depth + 1
  const isSpread = relation.kind === 'spread'
  const toOne = isToOne(relationship)
  const mode = isSpread ? (toOne ? 'spread-one' : 'spread-many') : toOne ? 'object' : 'array'
  const node = planLevel(planning, draft, {
    table: relationship.foreign,
    source: sourceOf(relationship),
    alias: `${relationship.foreign.name}_${depth}`,
    depth,
    isSpread,
    expandsStar: parentExpandsStar || mode === 'spread-many',
    // A limit keeps Postgres from joining the two tables directly, which costs a third of such a read's time.
    maxRows: isUniqueRow(relationship) ? null : planning.maxRows,
  })
  const embed: Embed = {
    alias: `${relationship.table.name}_${calledName(draft)}_${depth}`,
    name: calledName(draft),
    relationship,
    join: relation.join,
    mode,
    isHidden: isSpread ? false : selectsNothing(draft),
    node,
    rising: [],
    arrayOrder: [],
  }
  if (mode === 'spread-many') return addArrayOrder({ ...embed, rising: risingFields(node) })
  if (mode === 'spread-one') {
    const rising = risingFields(node)
    return { ...embed, rising, node: withoutAggregates(node) }
  }
  return embed
}

/** A unique key sees to it that there is one row at most: of a table itself, since a view may show a row many times. */
const isUniqueRow = (r: Relationship): boolean => r.kind !== 'computed' && isToOne(r) && !r.isForeignView

const sourceOf = (r: Relationship): Source =>
  r.kind === 'computed'
    ? { kind: 'computed', function: r.function, argument: r.table }
    : { kind: 'relation', name: r.foreign }

/** In a to-one spread an aggregate would see a single row; the parent applies it to the column that rises. */
function withoutAggregates(node: ReadNode): ReadNode {
  const bare = (item: PlannedSelect): PlannedSelect => ({
    ...item,
    alias: item.aggregate === null ? item.alias : outputName(item),
    aggregate: null,
    aggregateCast: null,
  })
  const plain = (embed: Embed): Embed => ({
    ...embed,
    rising: embed.rising.map((f) => ({ ...f, aggregate: null, aggregateCast: null, alias: null })),
  })
  return { ...node, select: node.select.map(bare), embeds: node.embeds.map(plain) }
}

const selectsNothing = (draft: Draft): boolean =>
  draft.fields.length === 0 && draft.children.every(selectsNothing)

function withPresence(logic: PlannedLogic, embeds: readonly Embed[]): PlannedLogic {
  if (logic.kind === 'group')
    return { ...logic, members: logic.members.map((member) => withPresence(member, embeds)) }
  if (logic.kind === 'presence' || logic.field.path.length > 0) return logic
  const { operation } = logic
  if (operation.kind !== 'is' || operation.value !== 'null') return logic
  const embed = embeds.find((e) => e.name === logic.field.name)
  return embed === undefined ? logic : { kind: 'presence', embed: embed.alias, isPresent: logic.negated }
}

function planOrder(
  term: OrderTerm,
  fields: Fields,
  embeds: readonly Embed[],
  table: QualifiedName,
): PlannedOrder {
  const { direction, nulls } = term
  if (term.relation === null) return { embed: null, field: fields.plain(term.field), direction, nulls }
  const embed = embeds.find((e) => e.name === term.relation)
  if (embed === undefined) throw requestErrors.notEmbedded(term.relation)
  if (!isToOne(embed.relationship)) throw requestErrors.relatedOrder(table.name, embed.name)
  const field = { ...fields.plain(term.field), needsJson: false }
  return { embed: embed.alias, field, direction, nulls }
}

function validateAggregates(draft: Draft, settings: Settings): void {
  if (settings.aggregatesEnabled) return
  if (draft.fields.some((f) => f.aggregate !== null)) throw requestErrors.aggregates()
  for (const child of draft.children) validateAggregates(child, settings)
}
