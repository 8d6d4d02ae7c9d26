import { sql, type Queryable } from '@favo/postgres'

export interface NewAuditEntry {
  readonly requestId: string | null
  readonly actorKind: 'operator' | 'user' | null
  readonly actorId: string | null
  readonly tokenId: string | null
  readonly actorName: string | null
  readonly operation: string
  readonly organizationId: string | null
  readonly projectRef: string | null
  readonly target: string | null
  /** JSON text. */
  readonly before: string | null
  readonly after: string | null
  readonly status: number | null
  readonly address: string | null
}

export const insertAuditEntry = (db: Queryable, entry: NewAuditEntry) =>
  db.run(sql`
    insert into control.audit_log (
      request_id, actor_kind, actor_id, token_id, actor_name, operation, organization_id, project_ref, target,
      before, after, status, address
    )
    values (
      ${entry.requestId}, ${entry.actorKind}, ${entry.actorId}, ${entry.tokenId}, ${entry.actorName},
      ${entry.operation}, ${entry.organizationId}, ${entry.projectRef}, ${entry.target},
      ${entry.before}::jsonb, ${entry.after}::jsonb, ${entry.status}, ${entry.address}
    )`)
