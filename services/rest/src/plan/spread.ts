import { requestErrors } from '../errors/request-errors.ts'
import { outputName } from './select.ts'
import type { ArrayOrder, Embed, ReadNode, RisingField } from './types.ts'

/** What a spread relation gives to its parent: its fields, its embeds, and what its own spreads gave it. */
export function risingFields(node: ReadNode): RisingField[] {
  const plain = (name: string): RisingField => ({ name, aggregate: null, aggregateCast: null, alias: null })
  return [
    ...node.select.map((item) => ({
      name: outputName(item),
      aggregate: item.aggregate,
      aggregateCast: item.aggregateCast,
      alias: item.aggregate === null ? null : item.alias,
    })),
    ...node.embeds.flatMap((embed) =>
      embed.rising.length > 0 ? embed.rising : isSpread(embed) || embed.isHidden ? [] : [plain(embed.name)],
    ),
  ]
}

const isSpread = (embed: Embed) => embed.mode === 'spread-one' || embed.mode === 'spread-many'

/**
 * A to-many spread turns each column into an array. The order of its rows moves into the arrays, and what orders them is
 * selected beside the columns, under names that cannot clash.
 *
 * @throws ApiError PGRST127 for aggregates, which nobody has defined here
 */
export function addArrayOrder(embed: Embed): Embed {
  const { node } = embed
  if (embed.rising.some((f) => f.aggregate !== null))
    throw requestErrors.notImplemented(
      'Aggregates are not implemented for one-to-many or many-to-many spreads.',
    )
  const arrayOrder = node.order.map((term, i): ArrayOrder => ({
    column: `${embed.alias}_${term.field.name}_${i + 1}`,
    term,
  }))
  // With a limit the order decides which rows there are, so it stays inside as well.
  const isLimited = node.range !== null || node.maxRows !== null
  return { ...embed, arrayOrder, node: isLimited ? node : { ...node, order: [] } }
}
