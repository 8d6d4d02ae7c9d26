import { sql, type Queryable, type Sql } from '@favo/postgres'
import { stamp } from '../users/users.sql.ts'
import type { Mail } from './compose-mail.ts'

/** Older mails go when newer ones come: the inbox is a help while there is no mail server, and no archive. */
const KEPT = 500

/** Puts a mail into the inbox for each row of `from`, an earlier part of the same `with`: none when nothing was done. */
export const mailInsert = (mail: Mail, from: Sql): Sql => sql`
  insert into auth.favo_mails (kind, recipient, subject, html)
  select ${mail.kind}, ${mail.recipient}, ${mail.subject}, ${mail.html}
  from ${from}
`

/** Identities count up without caring for transactions, so this keeps the last ones by number, about. */
export const trimInbox: Sql = sql`
  delete from auth.favo_mails where id <= (select max(id) from auth.favo_mails) - ${KEPT}::bigint
`

export interface MailRow {
  readonly id: string
  readonly kind: string
  readonly recipient: string
  readonly subject: string
  readonly html: string
  readonly created_at: string
}

/** The latest first; all recipients when `recipient` is null. */
export const listMails = (db: Queryable, recipient: string | null, limit: number) =>
  db.many<MailRow>(sql`
    select id::text as id, kind, recipient, subject, html, ${stamp(sql`created_at`)} as created_at
    from auth.favo_mails
    where ${recipient}::text is null or recipient = ${recipient}::text
    order by auth.favo_mails.id desc
    limit ${limit}
  `)
