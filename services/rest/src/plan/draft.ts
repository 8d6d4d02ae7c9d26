import { requestErrors } from '../errors/request-errors.ts'
import type { ApiRequest, RangeSlots } from '../parse/request.ts'
import type {
  AtPath, Filter, Logic, OrderTerm, SelectField, SelectItem, SelectRelation,
} from '../parse/query-types.ts' // prettier-ignore

/** The select tree with every filter, order and range at the level that it names. Still nothing of the schema. */
export interface Draft {
  /** Null at the root. */
  readonly relation: SelectRelation | null
  readonly fields: readonly SelectField[]
  readonly children: readonly Draft[]
  readonly filters: Filter[]
  readonly logic: Logic[]
  order: readonly OrderTerm[]
  range: RangeSlots | null
}

/**
 * @param isWrite filters, logic and ranges of the root belong to the write then, not to what is read of its rows
 * @throws ApiError PGRST108 when something names a level that is not selected
 */
export function draftRead(request: ApiRequest, isWrite: boolean): Draft {
  const { query, ranges } = request
  const root = level(null, query.select)
  const own = <T>(items: readonly AtPath<T>[]) => (isWrite ? items.filter((i) => i.path.length > 0) : items)
  for (const { path, value } of own(query.filters)) find(root, path).filters.push(value)
  // Of several orders for one level the first counts.
  for (const { path, value } of [...query.order].reverse()) find(root, path).order = value
  if (!isWrite) for (const [name, slots] of ranges) find(root, name.split('.').slice(0, -1)).range = slots
  for (const { path, value } of own(query.logic)) find(root, path).logic.push(value)
  return root
}

function level(relation: SelectRelation | null, items: readonly SelectItem[]): Draft {
  return {
    relation,
    fields: items.filter((i) => i.kind === 'field'),
    children: items.filter((i) => i.kind !== 'field').map((i) => level(i, i.items)),
    filters: [],
    logic: [],
    order: [],
    range: null,
  }
}

function find(root: Draft, path: readonly string[]): Draft {
  return path.reduce((at, name) => {
    const child = at.children.find((c) => c.relation?.name === name || c.relation?.alias === name)
    if (child === undefined) throw requestErrors.notEmbedded(name)
    return child
  }, root)
}

/** What the level is called in the request. */
export const calledName = (draft: Draft): string => draft.relation?.alias ?? draft.relation?.name ?? ''
