import type { AuditRecord } from '@favo/contracts'
import type { AuditRow } from './audit-log.sql.ts'

export const renderAuditRow = (row: AuditRow): AuditRecord => ({
  id: Number(row.id),
  at: row.at,
  request_id: row.request_id,
  actor: { kind: row.actor_kind, id: row.actor_id, name: row.actor_name, token_id: row.token_id },
  operation: row.operation,
  organization_slug: row.organization_id,
  project_ref: row.project_ref,
  target: row.target,
  before: row.before === null ? null : JSON.parse(row.before),
  after: row.after === null ? null : JSON.parse(row.after),
  status: row.status,
  address: row.address,
})
