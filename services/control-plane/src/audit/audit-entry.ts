import type { Db, Queryable } from '@favo/postgres'
import { insertAuditEntry, type NewAuditEntry } from './audit-log.sql.ts'
import { redact } from './redact.ts'

/** What a handler knows of the change it makes. All of it is optional. */
export interface AuditDetails {
  /** What was changed, when it is neither the project nor the organization of the path: an id, a name. */
  readonly target?: string
  readonly before?: unknown
  readonly after?: unknown
  /** For changes that the path does not place. */
  readonly organizationId?: string
  readonly projectRef?: string
}

/**
 * The audit row of one request. The platform writes one for every request that is no GET, after the handler; a handler adds
 * details by `note`, and one with a transaction writes the row in it, so that there is no change without its row.
 */
export interface Audit {
  /** Adds to what is known. Fields named like secrets are masked. */
  note(details: AuditDetails): void
  /** Writes the row in the change's own transaction. */
  write(tx: Queryable): Promise<void>
  /**
   * The row as JSON for a change that ends later, perhaps in another process: it is kept with the change and written in the
   * transaction that ends it (migrations/0051_change_audit.sql). What is noted afterwards is not in it.
   */
  carry(): string
  /** For requests that change nothing although they are no GET. */
  skip(): void
}

/** Who does what and where; known before the handler runs. */
export type AuditSubject = Omit<NewAuditEntry, 'target' | 'before' | 'after' | 'status'>

export class AuditEntry implements Audit {
  readonly #fixed: AuditSubject
  #details: AuditDetails = {}
  #isWritten = false
  #isSkipped = false

  constructor(fixed: AuditSubject) {
    this.#fixed = fixed
  }

  note(details: AuditDetails): void {
    this.#details = { ...this.#details, ...details }
  }

  async write(tx: Queryable): Promise<void> {
    await insertAuditEntry(tx, this.#entry(null))
    this.#isWritten = true
  }

  carry(): string {
    const entry = this.#entry(null)
    this.#isWritten = true
    return JSON.stringify({
      request_id: entry.requestId,
      actor_kind: entry.actorKind,
      actor_id: entry.actorId,
      token_id: entry.tokenId,
      actor_name: entry.actorName,
      operation: entry.operation,
      organization_id: entry.organizationId,
      project_ref: entry.projectRef,
      target: entry.target,
      before: entry.before === null ? null : (JSON.parse(entry.before) as unknown),
      after: entry.after === null ? null : (JSON.parse(entry.after) as unknown),
      address: entry.address,
    })
  }

  skip(): void {
    this.#isSkipped = true
  }

  /** After the handler: writes the row unless the handler has. A change whose transaction failed has none yet. */
  async finish(db: Db, status: number): Promise<void> {
    // A handler that failed after writing was rolled back, and the row with it.
    if (this.#isSkipped || (this.#isWritten && status < 400)) return
    await insertAuditEntry(db, this.#entry(status))
  }

  #entry(status: number | null): NewAuditEntry {
    const { target, before, after, organizationId, projectRef } = this.#details
    return {
      ...this.#fixed,
      organizationId: organizationId ?? this.#fixed.organizationId,
      projectRef: projectRef ?? this.#fixed.projectRef,
      target: target ?? null,
      before: toJson(before),
      after: toJson(after),
      status,
    }
  }
}

const toJson = (value: unknown): string | null =>
  value === undefined || value === null ? null : JSON.stringify(redact(value))
