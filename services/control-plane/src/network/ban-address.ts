import { sql } from '@favo/postgres'
import { insertAuditEntry } from '../audit/audit-log.sql.ts'
import type { Platform } from '../platform.ts'
import { insertBan } from './network.sql.ts'

/**
 * Keeps an address, or an IPv6 network, away from a project's database for a while. The gateways hear of it by the notice of
 * any change. Nobody asked for it, so the audit log names nobody.
 */
export const banAddress = (
  platform: Pick<Platform, 'db'>,
  ref: string,
  range: string,
  seconds: number,
): Promise<void> =>
  platform.db.transaction(async (tx) => {
    if (!(await insertBan(tx, { ref, range, seconds }))) return
    const { organization_id: organizationId } = await tx.one<{ organization_id: string }>(
      sql`select organization_id from control.projects where ref = ${ref}`,
    )
    await insertAuditEntry(tx, {
      requestId: null,
      actorKind: null,
      actorId: null,
      tokenId: null,
      actorName: null,
      operation: 'network.ban',
      organizationId,
      projectRef: ref,
      target: range,
      before: null,
      after: JSON.stringify({ seconds }),
      status: null,
      address: range,
    })
  })
