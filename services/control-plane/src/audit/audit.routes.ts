import { ExportAuditQuery, ListAuditQuery, type AuditFilters, type AuditPage } from '@favo/contracts'
import type { ControlContext } from '../context.ts'
import { route, type Route } from '../route.ts'
import { listAuditEntries } from './audit-log.sql.ts'
import { exportAuditLog } from './export-audit-log.ts'
import { renderAuditRow } from './render-audit-row.ts'

const organization = { scope: 'organization', role: 'administrator', grant: 'organizations:read' } as const
const platform = { scope: 'platform', grant: 'organizations:read' } as const

/** Who changed what, latest first: of an organization, and for platform administrators of everything. */
export const auditRoutes: readonly Route[] = [
  route({
    operation: 'audit.list',
    method: 'GET',
    path: '/organizations/:slug/audit-log',
    permission: organization,
    query: ListAuditQuery,
    handle: (ctx, { query }) => list(ctx, query),
  }),
  route({
    operation: 'audit.export',
    method: 'GET',
    path: '/organizations/:slug/audit-log/export',
    permission: organization,
    query: ExportAuditQuery,
    handle: async (ctx, { query }) => exportAuditLog(ctx, ctx.access.organizationId, query),
  }),
  route({
    operation: 'audit.list_all',
    method: 'GET',
    path: '/audit-log',
    permission: platform,
    query: ListAuditQuery,
    handle: (ctx, { query }) => list(ctx, query),
  }),
  route({
    operation: 'audit.export_all',
    method: 'GET',
    path: '/audit-log/export',
    permission: platform,
    query: ExportAuditQuery,
    handle: async (ctx, { query }) => exportAuditLog(ctx, null, query),
  }),
]

async function list(
  { db, access }: ControlContext,
  query: AuditFilters & { limit: number; before?: number | undefined },
): Promise<AuditPage> {
  const rows = await listAuditEntries(db, {
    organizationId: access.organizationId,
    filters: query,
    before: query.before ?? null,
    limit: query.limit + 1,
  })
  const page = rows.slice(0, query.limit)
  return {
    entries: page.map(renderAuditRow),
    next: rows.length > query.limit ? Number(page.at(-1)?.id) : null,
  }
}
