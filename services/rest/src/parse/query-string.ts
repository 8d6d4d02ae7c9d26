import { LRUCache } from 'lru-cache'
import { cachedTreePath, parseFilter, parseLogic, type Lift } from './conditions.ts'
import { orderTerms } from './filter.grammar.ts'
import { arrayLiteral } from './literals.ts'
import { columnNames } from './names.grammar.ts'
import { cached, parseOrThrow } from './parse-text.ts'
import { canonicalOf, decodePairs } from './query-pairs.ts'
import { rangeOfParameters, type RowRange } from './range.ts'
import { selectItems } from './select.grammar.ts'
import type { AtPath, Filter, Logic, OrderTerm, SelectItem } from './query-types.ts'

/**
 * The query string of a request. Values of filters stand in `literals`, everything else refers to them by slot; `shape`
 * is equal for two query strings that differ in literals only.
 */
export interface Query {
  readonly select: readonly SelectItem[]
  readonly filters: readonly AtPath<Filter>[]
  readonly logic: readonly AtPath<Logic>[]
  readonly order: readonly AtPath<readonly OrderTerm[]>[]
  /** By dotted path of embeds and `limit` at its end, as in the parameter's name. */
  readonly ranges: ReadonlyMap<string, RowRange>
  readonly columns: readonly string[] | null
  readonly onConflict: readonly string[] | null
  /** Arguments of a function called by GET: parameters that are no filters. */
  readonly arguments: readonly (readonly [string, string])[]
  /** Names of all filter parameters as given, for PUT. */
  readonly filterNames: ReadonlySet<string>
  /** All parameters sorted by name and encoded anew, for Content-Location. */
  readonly canonical: string
  readonly literals: readonly string[]
  readonly shape: readonly (string | null)[]
}

const RESERVED = new Set(['select', 'columns', 'on_conflict'])
const LAST_WORDS = new Set(['order', 'limit', 'offset', 'and', 'or'])

/**
 * @param raw without the question mark
 * @param isCall true for a function called by GET or HEAD: there a parameter without operator is an argument
 * @throws ApiError PGRST100
 */
export function parseQuery(raw: string, isCall: boolean): Query {
  const key = isCall ? `call ${raw}` : raw
  const known = queries.get(key)
  if (known !== undefined) return known
  const query = parseNewQuery(raw, isCall)
  const hasValues = query.literals.length > 0 || query.arguments.length > 0
  if (!hasValues && raw.length <= KEPT_LENGTH_MAX) queries.set(key, query)
  return query
}

/** Lists ask the same thing over and over. (Queries with values differ each time; keeping them costs more than it saves.) */
const queries = new LRUCache<string, Query>({ max: 2_000 })
const KEPT_LENGTH_MAX = 500

function parseNewQuery(raw: string, isCall: boolean): Query {
  const pairs = decodePairs(raw)
  const first = new Map<string, string | null>()
  for (const [name, value] of pairs) if (!first.has(name)) first.set(name, value)

  const literals: string[] = []
  const lift: Lift = (value) => literals.push(typeof value === 'string' ? value : arrayLiteral(value)) - 1
  const shape: string[] = []
  const order: AtPath<readonly OrderTerm[]>[] = []
  const logic: AtPath<Logic>[] = []
  const filters: AtPath<Filter>[] = []
  const args: [string, string][] = []
  const filterNames = new Set<string>()
  const limits = new Map<string, string>()
  const offsets = new Map<string, string>()

  for (const [name, value] of pairs) {
    if (value === null) continue
    const lastWord = name.slice(name.lastIndexOf('.') + 1)
    if (!LAST_WORDS.has(lastWord)) {
      if (RESERVED.has(name)) continue
      filterNames.add(name)
      const parsed = parseFilter(name, value, isCall, lift)
      if ('argument' in parsed) args.push([parsed.argument, value])
      else {
        filters.push(parsed.filter)
        shape.push(name, parsed.shape)
      }
    } else if (lastWord === 'order') {
      order.push({ path: cachedTreePath(name).path, value: cachedOrder(value) })
      shape.push(name, value)
    } else if (lastWord === 'limit') limits.set(name, value)
    else if (lastWord === 'offset') offsets.set(`${name.slice(0, -'offset'.length)}limit`, value)
    else logic.push(parseLogic(name, value, lift))
  }
  if (logic.length > 0) shape.push(JSON.stringify(logic))

  const given = (name: string) => first.get(name) ?? null
  const columns = given('columns')
  const onConflict = given('on_conflict')
  const select = given('select') ?? '*'
  return {
    select: cachedSelect(select),
    filters,
    logic,
    order,
    ranges: rangesOf(limits, offsets),
    columns: columns === null ? null : namesOf('columns', columns),
    onConflict: onConflict === null ? null : namesOf('on_conflict', onConflict),
    arguments: args,
    filterNames,
    canonical: canonicalOf(pairs),
    literals,
    shape: [select, columns, onConflict, ...shape],
  }
}

function rangesOf(limits: Map<string, string>, offsets: Map<string, string>): Map<string, RowRange> {
  const ranges = new Map<string, RowRange>()
  for (const name of new Set([...limits.keys(), ...offsets.keys()]))
    ranges.set(name, rangeOfParameters(limits.get(name) ?? null, offsets.get(name) ?? null))
  return ranges
}

const cachedSelect = cached(selectItems, 'select parameter')
const cachedOrder = cached(orderTerms, 'order')

const namesOf = (name: string, text: string): string[] => [
  ...new Set(parseOrThrow(columnNames, text, `${name} parameter`)),
]
