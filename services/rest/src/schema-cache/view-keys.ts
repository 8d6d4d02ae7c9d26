import { nameKey, type QualifiedName } from './types.ts'
import { baseColumns, originKey, type ViewRule } from './view-columns.ts'

/** A constraint as the catalog query tells it. Tables are `[schema, name, oid]`, columns `[attribute number, name]`. */
export interface ConstraintRow {
  readonly kind: 'p' | 'u' | 'f'
  readonly name: string
  readonly isInherited: boolean
  readonly table: readonly [string, string, number]
  readonly columns: readonly (readonly [number, string])[]
  readonly foreign: readonly [string, string, number] | null
  readonly foreignColumns: readonly (readonly [number, string])[] | null
}

/** A key that a view shows completely. */
interface ViewKey {
  readonly view: QualifiedName
  /** Ways to pick one of the view's columns for each of the key's, in the key's order. */
  readonly choices: readonly (readonly string[])[]
}

/** Primary keys of views: the base table's key where the view shows all of it. */
export function viewPrimaryKeys(
  constraints: readonly ConstraintRow[],
  views: readonly ViewRule[],
): Map<string, string[]> {
  const keys = new ViewKeys(views)
  const result = new Map<string, string[]>()
  for (const con of constraints) {
    if (con.kind !== 'p') continue
    for (const key of keys.showing(
      con.table[2],
      con.columns.map(([number]) => number),
    )) {
      const first = key.choices[0] ?? []
      result.set(nameKey(key.view), [...(result.get(nameKey(key.view)) ?? []), ...first])
    }
  }
  return result
}

/** Which views show all columns of a key. */
export class ViewKeys {
  /** Views by a base column's key. */
  readonly #byColumn = new Map<string, { view: ViewRule; names: readonly string[] }[]>()

  constructor(views: readonly ViewRule[]) {
    for (const [view, columns] of baseColumns(views))
      for (const [key, names] of columns) {
        const list = this.#byColumn.get(key) ?? []
        list.push({ view, names })
        this.#byColumn.set(key, list)
      }
  }

  /** Views that show every one of these columns of the table. */
  showing(table: number, columns: readonly number[]): ViewKey[] {
    const showings = columns.map((column) => this.#byColumn.get(originKey({ table, column })) ?? [])
    const [first, ...others] = showings
    return (first ?? []).flatMap(({ view, names }) => {
      const rest = others.map((list) => list.find((l) => l.view === view)?.names ?? [])
      const choices = combinations([names, ...rest])
      return choices.length > 0 ? [{ view: { schema: view.schema, name: view.name }, choices }] : []
    })
  }
}

const combinations = (lists: readonly (readonly string[])[]): string[][] =>
  lists.reduce<string[][]>((made, list) => made.flatMap((m) => list.map((x) => [...m, x])), [[]])
