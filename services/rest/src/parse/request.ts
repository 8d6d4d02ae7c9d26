import { requestErrors } from '../errors/request-errors.ts'
import type { Settings } from '../settings.ts'
import { parseAction, type Action } from './action.ts'
import { parseBody, type Payload } from './body.ts'
import { parseAccept, parseMediaType, type MediaType } from './media-type.ts'
import { parsePreferences, type Preferences } from './preferences.ts'
import { parseQuery, type Query } from './query-string.ts'
import {
  allRows, intersect, isAllRows, isEmpty, isLimitZero, noRows, rangeOfHeader, reachOf, restrict, rowLimit,
  type RowRange,
} from './range.ts' // prettier-ignore
import type { Slot } from './query-types.ts'

/** What a request wants, in terms of the dialect; not yet checked against the schema. */
export interface ApiRequest {
  readonly action: Action
  readonly method: string
  readonly schema: string
  /** Whether the schema was a choice, so that the answer has to name it. */
  readonly isSchemaNegotiated: boolean
  readonly query: Query
  readonly preferences: Preferences
  /** Best first. */
  readonly accept: readonly MediaType[]
  readonly contentType: MediaType
  readonly payload: Payload | null
  /** Rows asked of the root, before the project's limit. */
  readonly range: RowRange
  /** `limit` and `offset` of each level that has them, by dotted path of embeds ending in `limit`. */
  readonly ranges: ReadonlyMap<string, RangeSlots>
  readonly literals: readonly string[]
  /** Equal for requests that one plan serves. */
  readonly shape: string
}

export interface RangeSlots {
  readonly limit: Slot | null
  readonly offset: Slot | null
  /** Rows up to the end of the range, rounded up coarsely: part of the shape, for the planner's sake. */
  readonly reach: number | null
}

export interface RawRequest {
  readonly method: string
  /** As it came, without what the gateway takes from it. */
  readonly url: string
  /** Below the service's prefix, still encoded: `/items`. */
  readonly path: string
  /** Without question mark. */
  readonly queryString: string
  /** Names in lower case; repeated ones joined with a comma, as Node does. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The same object as long as a connection repeats its headers. */
  readonly headersKey: object
  readonly body: Buffer
}

/** @throws ApiError PGRST1xx */
export function parseRequest(
  raw: RawRequest,
  settings: Settings,
  isTimezone: (name: string) => boolean,
): ApiRequest {
  const { method, headers } = raw
  const action = parseAction(method, raw.path, settings)
  const { schema, isSchemaNegotiated } = chooseSchema(method, headers, settings)
  const isGetCall = action.kind === 'call' && action.via !== 'post'
  const query = parseQuery(raw.queryString, isGetCall)
  const range = chooseRange(method, headers.range, query)
  const contentType = headers['content-type']
  const type: MediaType = contentType === undefined ? { kind: 'json' } : parseMediaType(contentType)
  const payload = hasPayload(action)
    ? parseBody(raw.body, type, action.kind === 'upsert' ? null : query.columns, action.kind === 'call')
    : null
  const preferences = parsePreferences(headers.prefer, settings.isTransactionChoiceAllowed, isTimezone)
  const literals = [...query.literals]
  const isWrite = action.kind !== 'read' && action.kind !== 'call'
  const ranges = liftRanges(query, range, isWrite ? null : settings.maxRows, literals)
  return {
    action,
    method,
    schema,
    isSchemaNegotiated,
    query,
    preferences,
    accept: parseAccept(headers.accept),
    contentType: type,
    payload,
    range,
    ranges,
    literals,
    // As JSON, so that no text of one part can pass for another part.
    shape: JSON.stringify([
      ...[method, raw.path, schema, headers.prefer, headers.accept, contentType],
      ...[shapeOfRanges(ranges), shapeOfPayload(payload), query.arguments.map(([name]) => name)],
      ...[[...query.filterNames], query.shape],
    ]),
  }
}

const WRITES = new Set(['POST', 'PATCH', 'PUT', 'DELETE'])

function chooseSchema(
  method: string,
  headers: RawRequest['headers'],
  { schemas }: Settings,
): { schema: string; isSchemaNegotiated: boolean } {
  const header = WRITES.has(method) ? headers['content-profile'] : headers['accept-profile']
  if (header === undefined)
    return { schema: schemas[0] ?? 'public', isSchemaNegotiated: schemas.length !== 1 }
  const profile = utf8Header(header)
  if (!schemas.includes(profile)) throw requestErrors.schema(profile, schemas)
  return { schema: profile, isSchemaNegotiated: true }
}

/** Node reads header bytes as Latin-1; names of schemas are UTF-8. */
export const utf8Header = (value: string): string =>
  /[\x80-\xff]/.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value

/** The Range header counts for GET only (RFC 9110); together with `limit` and `offset` the narrower holds. */
function chooseRange(method: string, header: string | undefined, query: Query): RowRange {
  const ofHeader = method === 'GET' ? rangeOfHeader(header) : allRows
  const ofQuery = query.ranges.get('limit') ?? allRows
  const both = isLimitZero(ofQuery) ? noRows : intersect(ofHeader, ofQuery)
  if (isEmpty(both) && !isLimitZero(ofQuery))
    throw isEmpty(ofHeader) ? requestErrors.rangeReversed() : requestErrors.limitNegative()
  if (method === 'PUT' && !isAllRows(both)) throw requestErrors.putLimit()
  return both
}

function liftRanges(
  query: Query,
  root: RowRange,
  maxRows: number | null,
  literals: string[],
): Map<string, RangeSlots> {
  const ranges = new Map<string, RangeSlots>()
  for (const [path, given] of new Map(query.ranges).set('limit', root)) {
    const range = isLimitZero(given) ? noRows : restrict(given, maxRows)
    if (isAllRows(range)) continue
    const limit = rowLimit(range)
    ranges.set(path, {
      limit: limit === null ? null : literals.push(String(limit)) - 1,
      offset: range.lower === 0 ? null : literals.push(String(range.lower)) - 1,
      reach: reachOf(range),
    })
  }
  return ranges
}

const hasPayload = ({ kind, ...action }: Action): boolean =>
  kind === 'insert' || kind === 'update' || kind === 'upsert' || ('via' in action && action.via === 'post')

const shapeOfRanges = (ranges: ReadonlyMap<string, RangeSlots>): unknown =>
  ranges.size === 0
    ? null
    : [...ranges].map(([path, { limit, offset, reach }]) => [path, limit, offset, reach])

function shapeOfPayload(payload: Payload | null): unknown {
  switch (payload?.kind) {
    case 'json':
      return [payload.isObject, payload.keys]
    case 'form':
      return payload.pairs.map(([name]) => name)
    default:
      return payload?.kind ?? null
  }
}
