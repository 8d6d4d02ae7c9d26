import { randomUUID } from 'node:crypto'
import type { Queryable } from '@favo/postgres'
import type { Logger } from '@favo/runtime'
import type { SecretBox } from '@favo/tokens'
import { reasonOf } from '../errors.ts'
import type { Platform } from '../platform.ts'
import { deleteOutboxRow, insertOutboxRow, postponeOutboxRow, takeDueRows } from './outbox.sql.ts'

export interface InvitationMail {
  readonly email: string
  readonly organization: string
  readonly role: string
  /** Address of who invites, or `operator`. */
  readonly invitedBy: string
  readonly token: string
  /** ISO 8601. */
  readonly expiresAt: string
  /** What who invites reads, as a header says it; null when it is not known. */
  readonly acceptLanguage: string | null
}

/** How mails of the control plane leave. Delivering one twice is harmless: `id` is the same. */
export interface PlatformMailer {
  /** Throws when it should be tried again later. */
  sendInvitation(id: string, mail: InvitationMail): Promise<void>
}

const context = (id: string) => `control:outbox:${id}`

/** Leaves when the transaction has committed, and not before. */
export async function enqueueInvitation(
  tx: Queryable,
  secretBox: SecretBox,
  mail: InvitationMail,
): Promise<void> {
  const id = randomUUID()
  await insertOutboxRow(tx, {
    id,
    kind: 'invitation',
    sealed: secretBox.seal(JSON.stringify(mail), context(id)),
  })
}

const ATTEMPTS_MAX = 12

/** Seconds until the next attempt: 10, 20, 40, … an hour at most. */
const pauseAfter = (attempts: number): number => Math.min(3_600, 5 * 2 ** attempts)

/** Carries out what is due. Called after each commit that enqueued something, and by the sweep. */
export async function deliverOutbox(
  { db, secretBox }: Pick<Platform, 'db' | 'secretBox'>,
  mailer: PlatformMailer,
  log: Logger,
): Promise<void> {
  for (const row of await takeDueRows(db, 20)) {
    try {
      const mail = JSON.parse(secretBox.open(row.sealed, context(row.id))) as InvitationMail
      await mailer.sendInvitation(row.id, mail)
      await deleteOutboxRow(db, row.id)
    } catch (error) {
      const hasFailed = row.attempts >= ATTEMPTS_MAX
      log[hasFailed ? 'error' : 'warn'](
        { kind: row.kind, attempts: row.attempts, error },
        hasFailed ? 'a mail was given up' : 'a mail could not be sent yet',
      )
      if (hasFailed) await deleteOutboxRow(db, row.id)
      else await postponeOutboxRow(db, row.id, pauseAfter(row.attempts), reasonOf(error))
    }
  }
}
