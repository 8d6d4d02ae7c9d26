import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { pageHeaders, parsePage } from '../paging.ts'
import { requestAudience } from '../sessions/audience.ts'
import type { UserRow } from '../users/user.ts'
import { countUsers, listUsers, type UserList } from './admin-users.sql.ts'

export interface UserPage {
  readonly users: readonly UserRow[]
  readonly audience: string
  readonly headers: Readonly<Record<string, string>>
}

/** Mirrors auth internal/api/admin.go@bc32168 adminUsers, with pages by number. */
export async function findUserPage(ctx: AuthContext, query: URLSearchParams): Promise<UserPage> {
  const page = parsePage(query)
  const list: UserList = {
    audience: requestAudience(ctx),
    filter: query.get('filter') ?? '',
    isAscending: parseSort(query.get('sort')),
    limit: page.limit,
    offset: page.offset,
  }
  const [total, users] = await Promise.all([countUsers(ctx.db, list), listUsers(ctx.db, list)])
  return { users, audience: list.audience, headers: pageHeaders('/admin/users', query, page, total) }
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
