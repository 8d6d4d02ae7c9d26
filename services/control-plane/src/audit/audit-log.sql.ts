import type { AuditFilters } from '@favo/contracts'
import { sql, type Queryable } from '@favo/postgres'
import { isoTime } from '../iso-time.ts'

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

export interface AuditRow {
  /** A bigint, as text. */
  readonly id: string
  readonly at: string
  readonly request_id: string | null
  readonly actor_kind: string | null
  readonly actor_id: string | null
  readonly token_id: string | null
  readonly actor_name: string | null
  readonly operation: string
  readonly organization_id: string | null
  readonly project_ref: string | null
  readonly target: string | null
  readonly before: string | null
  readonly after: string | null
  readonly status: number | null
  readonly address: string | null
}

/** Latest first. `organizationId` null: all of the platform's. */
export const listAuditEntries = (
  db: Queryable,
  {
    organizationId,
    filters,
    before,
    limit,
  }: {
    readonly organizationId: string | null
    readonly filters: AuditFilters
    readonly before: number | null
    readonly limit: number
  },
) =>
  db.many<AuditRow>(sql`
    select id::text as id, ${isoTime('at')} as at, request_id, actor_kind, actor_id, token_id, actor_name, operation,
      organization_id, project_ref, target, before::text as before, after::text as after, status, address
    from control.audit_log l
    where (${organizationId}::text is null or organization_id = ${organizationId})
      and (${before}::bigint is null or id < ${before}::bigint)
      and (${filters.operation ?? null}::text is null or operation = ${filters.operation ?? null})
      and (
        ${filters.actor ?? null}::text is null
        or ${filters.actor ?? null} in (actor_id, actor_name, actor_kind, token_id)
      )
      and (${filters.project ?? null}::text is null or project_ref = ${filters.project ?? null})
      and (${filters.from ?? null}::timestamptz is null or at >= ${filters.from ?? null}::timestamptz)
      and (${filters.to ?? null}::timestamptz is null or at < ${filters.to ?? null}::timestamptz)
    order by l.id desc
    limit ${limit}`)
