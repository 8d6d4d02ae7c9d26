import { sql, type Queryable } from '@favo/postgres'

/** Puts a message into the project's local inbox, beside its mails. */
export const insertSms = (db: Queryable, phone: string, text: string) =>
  db.run(sql`
    insert into auth.favo_mails (kind, recipient, subject, html)
    values ('sms', ${phone}, '', ${text})
  `)
