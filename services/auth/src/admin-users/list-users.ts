import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { requestAudience } from '../sessions/audience.ts'
import type { UserRow } from '../users/user.ts'
import { countUsers, listUsers, type UserList } from './admin-users.sql.ts'

const PER_PAGE = 50
/** GoTrue has no bound. This keeps one page within what one process may hold for one project. */
const PER_PAGE_MAX = 10_000

export interface UserPage {
  readonly users: readonly UserRow[]
  readonly audience: string
  readonly headers: Readonly<Record<string, string>>
}

/** Mirrors auth internal/api/admin.go@bc32168 adminUsers, with pages by number. */
export async function findUserPage(ctx: AuthContext, query: URLSearchParams): Promise<UserPage> {
  const page = parseCount(query.get('page'), 1)
  const perPage = Math.min(parseCount(query.get('per_page'), PER_PAGE), PER_PAGE_MAX)
  const list: UserList = {
    audience: requestAudience(ctx),
    filter: query.get('filter') ?? '',
    isAscending: parseSort(query.get('sort')),
    limit: perPage,
    offset: Math.min((page - 1) * perPage, Number.MAX_SAFE_INTEGER),
  }
  const [total, users] = await Promise.all([countUsers(ctx.db, list), listUsers(ctx.db, list)])
  return { users, audience: list.audience, headers: pageHeaders(query, page, perPage, total) }
}

function parseCount(given: string | null, fallback: number): number {
  if (given === null || given === '') return fallback
  if (!/^\d{1,15}$/.test(given))
    throw authErrors.validationFailed(
      `Bad Pagination Parameters: strconv.ParseUint: parsing ${JSON.stringify(given)}: invalid syntax`,
    )
  return Math.max(1, Number(given))
}

/** True for ascending. Only created_at can be sorted by. */
function parseSort(given: string | null): boolean {
  if (given === null) return false
  const [field = '', direction] = given.split(/ (.*)/s)
  if (field !== 'created_at')
    throw authErrors.validationFailed(`Bad Sort Parameters: bad field for sort '${field}'`)
  if (direction === undefined || /^desc$/i.test(direction)) return false
  if (/^asc$/i.test(direction)) return true
  throw authErrors.validationFailed(
    `Bad Sort Parameters: bad direction for sort '${direction}', only 'asc' and 'desc' allowed`,
  )
}

/** `page` stands first in the links: auth-js reads the number after the first `=`. */
function pageHeaders(query: URLSearchParams, page: number, perPage: number, total: number) {
  const pages = Math.ceil(total / perPage)
  const link = (to: number, rel: string) => {
    const target = new URLSearchParams(query)
    target.set('page', String(to))
    target.sort()
    return `</admin/users?${target.toString()}>; rel="${rel}"`
  }
  const links = [...(pages > page ? [link(page + 1, 'next')] : []), link(pages, 'last')]
  return { link: links.join(', '), 'x-total-count': String(total) }
}
