import { LRUCache } from 'lru-cache'
import { encodeUrlPart } from '../url.ts'
import { requestErrors } from '../errors/request-errors.ts'
import { condition, logicPath, logicTree, orderTerms, wholeValue, type Value } from './filter.grammar.ts'
import { columnNames, treePath } from './names.grammar.ts'
import { run, type Parser } from './parsec.ts'
import { arrayLiteral } from './literals.ts'
import { rangeOfParameters, type RowRange } from './range.ts'
import { selectItems } from './select.grammar.ts'
import type {
  AtPath,
  CompareOperator,
  Filter,
  Logic,
  Operation,
  OrderTerm,
  SelectItem,
  Slot,
} from './query-types.ts'

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
  const lift = (value: Value) => literals.push(typeof value === 'string' ? value : arrayLiteral(value)) - 1
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

const percent = /%[0-9a-fA-F]{2}/

/** As HTTP forms are read: plus is a space, broken UTF-8 becomes replacement characters. */
function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  if (!percent.test(spaced)) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    const bytes = Buffer.from(spaced, 'utf8').toString('latin1')
    return Buffer.from(
      bytes.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
      'latin1',
    ).toString('utf8')
  }
}

function decodePairs(raw: string): (readonly [string, string | null])[] {
  if (raw === '') return []
  return raw
    .split('&')
    .filter((piece) => piece !== '')
    .map((piece) => {
      const equals = piece.indexOf('=')
      if (equals < 0) return [decode(piece), null] as const
      return [decode(piece.slice(0, equals)), decode(piece.slice(equals + 1))] as const
    })
}

function canonicalOf(pairs: readonly (readonly [string, string | null])[]): string {
  return [...pairs]
    .sort(byName)
    .map(([name, value]) => `${encodeUrlPart(name)}=${encodeUrlPart(value ?? '')}`)
    .join('&')
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) =>
  a < b ? -1 : a > b ? 1 : 0

function rangesOf(limits: Map<string, string>, offsets: Map<string, string>): Map<string, RowRange> {
  const ranges = new Map<string, RowRange>()
  for (const name of new Set([...limits.keys(), ...offsets.keys()]))
    ranges.set(name, rangeOfParameters(limits.get(name) ?? null, offsets.get(name) ?? null))
  return ranges
}

/** Deeper ones would not be meant for reading, and the parser is recursive. */
const NESTING_MAX = 100

function validateNesting(text: string, what: string): void {
  let depth = 0
  for (let i = text.indexOf('('); i >= 0 && i < text.length; i++) {
    const c = text[i]
    if (c === '(' && ++depth > NESTING_MAX)
      throw requestErrors.queryParameter(
        `"failed to parse ${what}" (line 1, column ${i + 1})`,
        `more than ${NESTING_MAX} levels of parentheses`,
      )
    if (c === ')') depth--
  }
}

/** What Parsec calls the source name stands in the message, quoted as Haskell shows a string. */
function parseOrThrow<T>(parser: Parser<T>, text: string, what: string): T {
  const result = run(parser, text)
  if ('ok' in result) return result.ok
  const { position, detail } = result.failure
  throw requestErrors.queryParameter(`"failed to parse ${what} (${text})" ${position}`, detail)
}

// The same few dozen texts come again and again; only the values of filters differ from request to request.
function cached<T>(parser: Parser<T>, what: string): (text: string) => T {
  const known = new LRUCache<string, { parsed: T }>({ max: 2_000, maxSize: 1_000_000 })
  return (text) => {
    const hit = known.get(text)
    if (hit !== undefined) return hit.parsed
    validateNesting(text, what)
    const parsed = parseOrThrow(parser, text, what)
    known.set(text, { parsed }, { size: text.length + 100 })
    return parsed
  }
}
const cachedSelect = cached(selectItems, 'select parameter')
const cachedOrder = cached(orderTerms, 'order')
const cachedTreePath = cached(treePath, 'tree path')

const namesOf = (name: string, text: string): string[] => [
  ...new Set(parseOrThrow(columnNames, text, `${name} parameter`)),
]

const filterCondition = condition(wholeValue)

/** The commonest conditions, without the grammar: same result, a tenth of the time. */
const COMMON = /^(not\.)?(?:(eq|neq|gte|gt|lte|lt|like|ilike|cs|cd)\.([^]*)|in\.\(((?![ \t])[^()"]*)\))$/

interface ParsedFilter {
  readonly filter: AtPath<Filter>
  readonly shape: string
}

function parseFilter(
  name: string,
  value: string,
  isCall: boolean,
  lift: (value: Value) => Slot,
): ParsedFilter | { argument: string } {
  const { path, field } = cachedTreePath(name)
  const common = COMMON.exec(value)
  let negated: boolean
  let operation: Operation<Value>
  if (common !== null) {
    const [, not, operator, text = '', list = ''] = common
    negated = not !== undefined
    operation =
      operator === undefined
        ? { kind: 'in', value: list.split(',') }
        : { kind: 'compare', operator: operator as CompareOperator, quantifier: null, value: text }
  } else {
    if (isCall && !startsLikeCondition(value) && !('ok' in run(filterCondition, value)))
      return { argument: field.name }
    ;({ negated, operation } = parseOrThrow(filterCondition, value, 'filter'))
  }
  const filter: Filter = { kind: 'filter', field, negated, operation: liftOperation(operation, lift) }
  const shape = `${negated ? 'not.' : ''}${JSON.stringify(filter.operation)}`
  return { filter: { path, value: filter }, shape }
}

/** Once an operator has been recognized, what follows is an error and no argument any more. */
const startsLikeCondition = (value: string) => /^(?:not|in|is|isdistinct)\./.test(value)

function parseLogic(name: string, value: string, lift: (value: Value) => Slot): AtPath<Logic> {
  const { path, operator } = parseOrThrow(logicPath, name, 'logic path')
  validateNesting(value, 'logic tree')
  const result = run(logicTree, operator + value)
  if ('ok' in result) return { path, value: liftLogic(result.ok, lift) }
  const { position, detail } = result.failure
  throw requestErrors.queryParameter(`"failed to parse logic tree (${value})" ${position}`, detail)
}

function liftLogic(logic: Logic<Value>, lift: (value: Value) => Slot): Logic {
  if (logic.kind === 'filter') return { ...logic, operation: liftOperation(logic.operation, lift) }
  return { ...logic, members: logic.members.map((member) => liftLogic(member, lift)) }
}

function liftOperation(operation: Operation<Value>, lift: (value: Value) => Slot): Operation<Slot> {
  if (operation.kind === 'is') return operation
  if (operation.kind !== 'compare') return { ...operation, value: lift(operation.value) }
  const isPattern = operation.operator === 'like' || operation.operator === 'ilike'
  const value = isPattern ? String(operation.value).replaceAll('*', '%') : operation.value
  return { ...operation, value: lift(value) }
}
