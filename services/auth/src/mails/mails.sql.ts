import { sql, type Queryable, type Sql } from '@favo/postgres'
import { stamp } from '../users/users.sql.ts'
import type { Mail } from './compose-mail.ts'

/** Older mails go when newer ones come: the inbox is a help while there is no mail server, and no archive. */
const KEPT = 500

/** Puts a mail into the inbox for each row of `from`, an earlier part of the same `with`: none when nothing was done. */
export const mailInsert = (mail: Mail, from: Sql): Sql => sql`
  insert into auth.favo_mails (kind, recipient, subject, html, text, hook_input, state, due_at)
  select ${mail.kind}, ${mail.recipient}, ${mail.subject}, ${mail.html}, ${mail.text},
    ${mail.hookInput === undefined ? null : JSON.stringify(mail.hookInput)}::jsonb,
    ${mail.isOutgoing ? 'waiting' : 'local'}, ${mail.isOutgoing ? sql`now()` : sql`null`}
  from ${from}
`

/** Identities count up without caring for transactions, so this keeps the last ones by number, about. */
export const trimInbox: Sql = sql`
  delete from auth.favo_mails
  where id <= (select max(id) from auth.favo_mails) - ${KEPT}::bigint and state <> 'waiting'
`

/** In the caller's transaction. */
export const storeMail = (tx: Queryable, mail: Mail) =>
  tx.run(sql`with trimmed as (${trimInbox}) ${mailInsert(mail, sql`(select) one`)}`)

export interface MailRow {
  readonly id: string
  readonly kind: string
  readonly recipient: string
  readonly subject: string
  /** Empty once sent, as is the text: its code and link are in the recipient's hands alone then. */
  readonly html: string
  readonly text: string
  readonly state: 'local' | 'waiting' | 'sent' | 'dead'
  readonly tries: number
  readonly error: string | null
  readonly created_at: string
  readonly due_at: string | null
  readonly sent_at: string | null
}

/** The latest first; all recipients when `recipient` is null, and all states when `state` is. */
export const listMails = (db: Queryable, recipient: string | null, state: string | null, limit: number) =>
  db.many<MailRow>(sql`
    select id::text as id, kind, recipient, subject, html, text, state, tries, error,
      ${stamp(sql`created_at`)} as created_at, ${stamp(sql`due_at`)} as due_at, ${stamp(sql`sent_at`)} as sent_at
    from auth.favo_mails
    where (${recipient}::text is null or recipient = ${recipient}::text)
      and (${state}::text is null or state = ${state}::text)
    order by auth.favo_mails.id desc
    limit ${limit}
  `)

/** False when there is no such mail among those that were given up; codes for phones are void by then. */
export const reviveMail = async (db: Queryable, id: string) =>
  (await db.run(sql`
    update auth.favo_mails set state = 'waiting', due_at = now(), tries = 0
    where id = ${id}::bigint and state = 'dead' and sms is null
  `)) > 0
