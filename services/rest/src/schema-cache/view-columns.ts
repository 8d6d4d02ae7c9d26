/**
 * Which table's column does each column of a view show? Postgres notes it in the view's rewrite rule (`resorigtbl`,
 * `resorigcol` of each target entry, seen through joins, subselects and CTEs). The rule is a `pg_node_tree`: nodes in
 * braces, fields with a colon, special characters behind a backslash. Only the target list of the outermost query
 * matters: its entries stand two braces deep, those of any query inside stand deeper.
 */
export interface ViewRule {
  readonly id: number
  readonly schema: string
  readonly name: string
  /** By attribute number. */
  readonly columns: Readonly<Record<string, string>>
  readonly rule: string
}

export interface Origin {
  readonly table: number
  readonly column: number
}

const TOKEN = /\\[^]|[{}]|:(targetList|resno|resorigtbl|resorigcol)\b(?: (\d+))?/g

/** Origins by attribute number of the view; computed columns have none. */
export function columnOrigins(rule: string): Map<number, Origin> {
  const origins = new Map<number, Origin>()
  let depth = 0
  let isTarget = false
  let number = 0
  let table = 0
  for (const [token, field, digits] of rule.matchAll(TOKEN)) {
    if (token === '{') depth++
    else if (token === '}') depth--
    else if (depth === 1 && field === 'targetList') isTarget = true
    else if (depth === 2 && isTarget) {
      if (field === 'resno') number = Number(digits)
      else if (field === 'resorigtbl') table = Number(digits)
      else if (field === 'resorigcol' && table !== 0) origins.set(number, { table, column: Number(digits) })
    }
  }
  return origins
}

/** Key of a table's column. */
export const originKey = (o: Origin): string => `${o.table}.${o.column}`

/**
 * For each view the names of its columns by the base table's column that they show (a column may be shown twice).
 * Views upon views are followed down; a view that is not in the list ends the way.
 */
export function baseColumns(views: readonly ViewRule[]): Map<ViewRule, Map<string, string[]>> {
  const byId = new Map(views.map((view) => [view.id, columnOrigins(view.rule)]))
  const descend = (from: Origin): Origin | null => {
    const visited = new Set<number>()
    let origin = from
    for (;;) {
      const below = byId.get(origin.table)
      if (below === undefined) return origin
      if (visited.has(origin.table)) return null
      visited.add(origin.table)
      const next = below.get(origin.column)
      if (next === undefined) return null
      origin = next
    }
  }
  const result = new Map<ViewRule, Map<string, string[]>>()
  for (const view of views) {
    const columns = new Map<string, string[]>()
    for (const [number, origin] of [...(byId.get(view.id) ?? [])].sort(([a], [b]) => a - b)) {
      const base = descend(origin)
      const name = view.columns[number]
      if (base === null || name === undefined) continue
      const key = originKey(base)
      columns.set(key, [...(columns.get(key) ?? []), name])
    }
    result.set(view, columns)
  }
  return result
}
