/** Rows `lower` to `upper`, both included and counted from 0; `upper` null = to the end. `upper < lower` is empty. */
export interface RowRange {
  readonly lower: number
  readonly upper: number | null
}

export const allRows: RowRange = { lower: 0, upper: null }

/** What `limit=0` means: allowed, unlike every other empty range. */
export const noRows: RowRange = { lower: 0, upper: -1 }

export const isAllRows = (r: RowRange): boolean => r.lower === 0 && r.upper === null
export const isEmpty = (r: RowRange): boolean => r.upper !== null && r.upper < r.lower
export const isLimitZero = (r: RowRange): boolean => r.upper === -1

export const rowLimit = (r: RowRange): number | null => (r.upper === null ? null : r.upper - r.lower + 1)

export function intersect(a: RowRange, b: RowRange): RowRange {
  const lower = Math.max(a.lower, b.lower)
  const upper = a.upper === null ? b.upper : b.upper === null ? a.upper : Math.min(a.upper, b.upper)
  return { lower, upper }
}

/** At most `limit` rows from where the range begins; the project's max rows, or the `limit` parameter. */
export function restrict(r: RowRange, limit: number | null): RowRange {
  return limit === null ? r : intersect(r, { lower: r.lower, upper: r.lower + limit - 1 })
}

/** `limit` and `offset` of one level. What is not a whole number is ignored, as PostgREST does. */
export function rangeOfParameters(limit: string | null, offset: string | null): RowRange {
  const rows = wholeNumber(limit)
  const from = wholeNumber(offset) ?? 0
  if (limit === null) return { lower: from, upper: null }
  if (offset === null) return restrict(allRows, rows)
  // An unreadable limit beside an offset counts as none given: no rows.
  return { lower: from, upper: from + (rows ?? 0) - 1 }
}

/** The `Range` header: `0-9` or `10-`; anything else counts as absent. */
export function rangeOfHeader(header: string | undefined): RowRange {
  const match = header === undefined ? null : /^([0-9]+)-([0-9]*)$/.exec(header)
  if (match === null) return allRows
  return { lower: Number(match[1]), upper: match[2] === '' ? null : Number(match[2]) }
}

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\s*-?[0-9]{1,15}\s*$/.test(text) ? Number(text) : null
}

/**
 * How many rows a range reaches to, rounded up to 16, 64, 256 …; null without an end or beyond a billion. With a limit
 * that is a parameter Postgres expects a tenth of all rows, finds that dearer than planning anew, and plans anew for each
 * request, which doubles the cost of a small read. A constant tells it enough, and so few of them keep plans shared.
 */
export function reachOf({ lower, upper }: RowRange): number | null {
  if (upper === null) return null
  let reach = 16
  while (reach <= upper && reach < REACH_MAX) reach *= 4
  return reach > upper && lower <= upper + 1 ? reach : null
}

const REACH_MAX = 2 ** 30
