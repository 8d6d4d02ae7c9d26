import { sql, type Queryable, type Sql } from '@favo/postgres'
import { instanceId, stamp } from '../users/users.sql.ts'
import type { Json } from '../users/user.ts'

export type AuditField = 'actor_username' | 'actor_name' | 'action' | 'log_type'

export interface AuditFilter {
  readonly fields: readonly AuditField[]
  /** `%` and `_` stand for any text and any character, as in GoTrue. */
  readonly text: string
}

export interface AuditEntryRow {
  readonly id: string
  readonly payload: Json
  readonly created_at: string
  readonly ip_address: string
}

const matching = (filter: AuditFilter | null): Sql =>
  filter === null
    ? sql`instance_id = ${instanceId}::uuid`
    : sql`instance_id = ${instanceId}::uuid and exists (
        select from unnest(${filter.fields}::text[]) as field where payload ->> field ilike ${`%${filter.text}%`}
      )`

export const countAuditEntries = async (db: Queryable, filter: AuditFilter | null) => {
  const { count } = await db.one<{ count: number }>(sql`
    select count(*)::float8 as count from auth.audit_log_entries where ${matching(filter)}`)
  return count
}

export const listAuditEntries = (
  db: Queryable,
  filter: AuditFilter | null,
  { limit, offset }: { readonly limit: number; readonly offset: number },
) =>
  db.many<AuditEntryRow>(sql`
    select id, payload, ${stamp(sql`created_at`)} as created_at, ip_address
    from auth.audit_log_entries
    where ${matching(filter)}
    order by auth.audit_log_entries.created_at desc, id
    limit ${limit} offset ${offset}
  `)
