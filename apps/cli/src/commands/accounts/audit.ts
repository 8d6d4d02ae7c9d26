import type { AuditOptions } from '../../accounts-program.ts'
import { connectAccounts } from '../../connect.ts'
import { CommandError, exitCodes, printJson, renderTable, type Terminal } from '../../terminal.ts'

export async function listAudit(terminal: Terminal, options: AuditOptions): Promise<void> {
  const limit = Number(options.limit)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
    throw new CommandError('--limit must be a whole number from 1 to 1000.', exitCodes.usage)
  const client = await connectAccounts(terminal)
  const { entries } = await client.listAuditLog(options.organization ?? null, {
    limit,
    ...(options.project === undefined ? {} : { project: options.project }),
    ...(options.operation === undefined ? {} : { operation: options.operation }),
  })
  if (options.json === true) return printJson(terminal, entries)
  terminal.out(
    renderTable(
      ['AT', 'WHO', 'WHAT', 'WHERE', 'OF', 'STATUS'],
      entries.map((entry) => [
        entry.at.slice(0, 19).replace('T', ' '),
        entry.actor.name ?? 'platform',
        entry.operation,
        entry.project_ref ?? entry.organization_slug ?? '',
        entry.target ?? '',
        entry.status === null ? 'done' : String(entry.status),
      ]),
    ),
  )
}
