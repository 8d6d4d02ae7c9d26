import { authErrors } from './errors.ts'

const PER_PAGE = 50
/** GoTrue has no bound. This keeps one page within what one process may hold for one project. */
const PER_PAGE_MAX = 10_000

export interface Page {
  readonly number: number
  readonly limit: number
  readonly offset: number
}

/** `page` and `per_page`. Throws validation_failed. Mirrors auth internal/api/pagination.go@bc32168. */
export function parsePage(query: URLSearchParams): Page {
  const number = parseCount(query.get('page'), 1)
  const limit = Math.min(parseCount(query.get('per_page'), PER_PAGE), PER_PAGE_MAX)
  return { number, limit, offset: Math.min((number - 1) * limit, Number.MAX_SAFE_INTEGER) }
}

function parseCount(given: string | null, fallback: number): number {
  if (given === null || given === '') return fallback
  if (!/^\d{1,15}$/.test(given))
    throw authErrors.validationFailed(
      `Bad Pagination Parameters: strconv.ParseUint: parsing ${JSON.stringify(given)}: invalid syntax`,
    )
  return Math.max(1, Number(given))
}

/** Where the other pages are. `page` stands first in the links: auth-js reads the number after the first `=`. */
export function pageHeaders(path: string, query: URLSearchParams, page: Page, total: number) {
  const pages = Math.ceil(total / page.limit)
  const link = (to: number, rel: string) => {
    const target = new URLSearchParams(query)
    target.set('page', String(to))
    target.sort()
    return `<${path}?${target.toString()}>; rel="${rel}"`
  }
  const links = [...(pages > page.number ? [link(page.number + 1, 'next')] : []), link(pages, 'last')]
  return { link: links.join(', '), 'x-total-count': String(total) }
}
