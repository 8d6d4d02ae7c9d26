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

/**
 * A view may show a column many times, and a key of several columns then in very many ways. Nobody needs them all, and a
 * schema made to have millions must not hold up the process.
 */
const CHOICES_MAX = 50

/** Which views show all columns of a key. */
export class ViewKeys {
  /** By a base column's key. */
  readonly #byColumn = new Map<string, Map<ViewRule, readonly string[]>>()

  constructor(views: readonly ViewRule[]) {
    for (const [view, columns] of baseColumns(views))
      for (const [key, names] of columns) {
        const showing = this.#byColumn.get(key) ?? new Map<ViewRule, readonly string[]>()
        this.#byColumn.set(key, showing.set(view, names))
      }
  }

  /** Views that show every one of these columns of the table. */
  showing(table: number, columns: readonly number[]): ViewKey[] {
    const showings = columns.map((column) => this.#byColumn.get(originKey({ table, column })))
    return [...(showings[0]?.keys() ?? [])].flatMap((view) => {
      const choices = combinations(showings.map((showing) => showing?.get(view) ?? []))
      return choices.length > 0 ? [{ view: { schema: view.schema, name: view.name }, choices }] : []
    })
  }
}

function combinations(lists: readonly (readonly string[])[]): string[][] {
  let made: string[][] = [[]]
  for (const list of lists) made = made.flatMap((m) => list.map((x) => [...m, x])).slice(0, CHOICES_MAX)
  return made
}
