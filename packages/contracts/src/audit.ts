import { z } from 'zod'

const Moment = z.iso.datetime({ offset: true, message: 'must be a time, such as 2026-01-31T12:00:00Z' })

/** All of them narrow the list. */
export const AuditFilters = z.object({
  operation: z.string().max(100).optional(),
  actor: z.string().max(255).optional(),
  project: z.string().max(20).optional(),
  from: Moment.optional(),
  to: Moment.optional(),
})
export type AuditFilters = z.infer<typeof AuditFilters>

export const ListAuditQuery = AuditFilters.extend({
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  /** Entries older than the one with this id: the `next` of the page before. */
  before: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
})
export type ListAuditQuery = z.infer<typeof ListAuditQuery>

export const ExportAuditQuery = AuditFilters.extend({ format: z.enum(['ndjson', 'csv']).default('ndjson') })
export type ExportAuditQuery = z.infer<typeof ExportAuditQuery>

export const AuditRecord = z.object({
  id: z.number(),
  at: z.string(),
  request_id: z.string().nullable(),
  actor: z.object({
    /** `operator`, `user`, or null for the platform itself. */
    kind: z.string().nullable(),
    id: z.string().nullable(),
    name: z.string().nullable(),
    token_id: z.string().nullable(),
  }),
  operation: z.string(),
  organization_slug: z.string().nullable(),
  project_ref: z.string().nullable(),
  target: z.string().nullable(),
  before: z.unknown(),
  after: z.unknown(),
  /** HTTP status; null when the entry was written together with the change. */
  status: z.number().nullable(),
  address: z.string().nullable(),
})
export type AuditRecord = z.infer<typeof AuditRecord>

export const AuditPage = z.object({
  entries: z.array(AuditRecord),
  /** For `before` of the next page; null at the end. */
  next: z.number().nullable(),
})
export type AuditPage = z.infer<typeof AuditPage>
