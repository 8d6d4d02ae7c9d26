import { sql, type Db } from '@favo/postgres'
import type { Project } from '@favo/projects'
import { effectiveSettings } from '../settings.ts'
import type { MailWorker } from '../outbox/mail-worker.ts'

/** A mail that is not about an account of the project: the platform's own, by the way that the project's mails go. */
export interface Notice {
  /** The same id twice is one mail. */
  readonly id: string
  /** What it is, for those who look into the inbox: `organization_invitation`. */
  readonly kind: string
  readonly recipient: string
  readonly subject: string
  readonly html: string
  readonly text: string
}

/** Stores it in the project's outbox (or, without a mail server, in its inbox) and sees to its delivery. */
export async function sendNotice(
  worker: MailWorker,
  project: Project,
  db: Db,
  notice: Notice,
): Promise<void> {
  const isOutgoing = effectiveSettings(project).smtpHost !== ''
  const outbox = worker.forRequest(project)
  if (isOutgoing) await outbox.announce()
  await db.run(sql`
    insert into auth.favo_mails (kind, recipient, subject, html, text, message_id, state, due_at)
    select ${notice.kind}, ${notice.recipient}, ${notice.subject}, ${notice.html}, ${notice.text},
      ${notice.id}::uuid, ${isOutgoing ? 'waiting' : 'local'}, ${isOutgoing ? sql`now()` : sql`null`}
    where not exists (select from auth.favo_mails where message_id = ${notice.id}::uuid)`)
  outbox.flush()
}
