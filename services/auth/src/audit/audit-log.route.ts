import { authErrors } from '../errors.ts'
import { pageHeaders, parsePage } from '../paging.ts'
import { route } from '../route.ts'
import { countAuditEntries, listAuditEntries, type AuditField, type AuditFilter } from './audit-log.sql.ts'

/** What can be searched in, by GoTrue's names for it. */
const fields: Readonly<Record<string, readonly AuditField[]>> = {
  author: ['actor_username', 'actor_name'],
  action: ['action'],
  type: ['log_type'],
}

/**
 * What was done, the latest first, in pages; `query=author:ann` keeps what holds the word there. Mirrors auth
 * internal/api/audit.go@bc32168.
 */
export const listAuditRoute = route({
  operation: 'auth.admin_list_audit',
  method: 'GET',
  path: '/admin/audit',
  access: 'admin',
  handle: async (ctx, { query }) => {
    const page = parsePage(query)
    const filter = parseFilter(query.get('query') ?? '')
    const [total, entries] = await Promise.all([
      countAuditEntries(ctx.db, filter),
      listAuditEntries(ctx.db, filter, page),
    ])
    return { status: 200, headers: pageHeaders('/admin/audit', query, page, total), body: entries }
  },
})

/** Null when everything is wanted. */
function parseFilter(query: string): AuditFilter | null {
  if (query === '') return null
  const end = query.indexOf(':')
  const scope = query.slice(0, Math.max(end, 0))
  const searched = Object.hasOwn(fields, scope) ? fields[scope] : undefined
  if (searched === undefined) throw authErrors.validationFailed(`Invalid query scope: ${query}`)
  const text = query.slice(end + 1)
  return text === '' ? null : { fields: searched, text }
}
