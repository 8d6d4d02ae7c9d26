import { ident } from './names.ts'
import type { Embed, ReadNode } from '../plan/types.ts'
import { logicSql } from './expressions.ts'
import type { Parameters } from './parameters.ts'
import { clauses, fromSql, joinConditions } from './read.ts'

/**
 * The rows that a read would find without its limit, each as nothing. Inner joins become conditions, since only whether
 * they find something matters.
 */
export function countedRowsSql(node: ReadNode, params: Parameters): string {
  return level(node, params, null)
}

function level(node: ReadNode, params: Parameters, within: { embed: Embed; parent: string } | null): string {
  const table = ident(node.alias)
  const exists = (embed: Embed) => `exists (${level(embed.node, params, { embed, parent: table })})`
  const conditions = [
    ...node.where.map((logic) =>
      logicSql(table, logic, params, (alias, isPresent) => {
        const embed = node.embeds.find((e) => e.alias === alias)
        return embed === undefined ? 'true' : `${isPresent ? '' : 'not '}${exists(embed)}`
      }),
    ),
    ...(within === null ? [] : joinConditions(within.embed.relationship, node.alias, within.parent)),
    ...node.embeds.filter((embed) => embed.join === 'inner').map(exists),
  ]
  return clauses(
    'select 1',
    `from ${fromSql(node, within)}`,
    conditions.length > 0 && `where ${conditions.join(' and ')}`,
  )
}
