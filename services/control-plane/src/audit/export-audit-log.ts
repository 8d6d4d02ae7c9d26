import { Readable } from 'node:stream'
import type { AuditFilters } from '@favo/contracts'
import type { ControlContext } from '../context.ts'
import { listAuditEntries, type AuditRow } from './audit-log.sql.ts'
import { StreamAnswer } from '../stream-answer.ts'
import { renderAuditRow } from './render-audit-row.ts'

/** Rows that are in memory at a time. */
const BATCH = 500

const columns = [
  'id',
  'at',
  'request_id',
  'actor_kind',
  'actor_id',
  'actor_name',
  'token_id',
  'operation',
  'organization_id',
  'project_ref',
  'target',
  'before',
  'after',
  'status',
  'address',
] as const satisfies readonly (keyof AuditRow)[]

/** The log as a stream, latest first, read in batches as the client takes them. What comes meanwhile is not in it. */
export function exportAuditLog(
  ctx: ControlContext,
  organizationId: string | null,
  { format, ...filters }: AuditFilters & { format: 'ndjson' | 'csv' },
): StreamAnswer {
  const lines = async function* (): AsyncGenerator<string> {
    if (format === 'csv') yield `${columns.join(',')}\r\n`
    for (let before: number | null = null; !ctx.signal.aborted;) {
      const rows: AuditRow[] = await listAuditEntries(ctx.db, {
        organizationId,
        filters,
        before,
        limit: BATCH,
      })
      yield rows.map(format === 'csv' ? toCsv : toNdjson).join('')
      const last = rows.at(-1)
      if (last === undefined || rows.length < BATCH) return
      before = Number(last.id)
    }
  }
  return new StreamAnswer(
    format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson; charset=utf-8',
    Readable.from(lines()),
  )
}

const toNdjson = (row: AuditRow): string => `${JSON.stringify(renderAuditRow(row))}\n`

const toCsv = (row: AuditRow): string => `${columns.map((column) => cell(row[column])).join(',')}\r\n`

/** RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe in front. */
function cell(value: string | number | null): string {
  if (value === null) return ''
  const text = String(value)
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
