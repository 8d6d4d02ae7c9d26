import { sql, type Queryable, type Sql } from '@favo/postgres'
import type { StoredSms } from './stored-sms.ts'

/** A message to a phone, beside the project's mails. */
export interface Sms {
  readonly phone: string
  readonly text: string
  readonly code: string
  readonly channel: 'sms' | 'whatsapp'
  /** False where the project's inbox holds it. */
  readonly isOutgoing: boolean
  /** What the project's hook is asked to send instead. */
  readonly hookInput: object | null
  /** Whoever stores an outgoing one delivers it, and has so many seconds. */
  readonly claimSeconds: number
}

/** The token that a message brings, as its row remembers it. */
export type SmsToken = Pick<StoredSms, 'user_id' | 'token_type' | 'token_hash'>

/** Stores the message, if the earlier part `issued` of the statement has a row. Gives its `id` and `message_id`. */
export const smsInsert = (sms: Sms, token: SmsToken): Sql => sql`
  insert into auth.favo_mails (kind, recipient, subject, html, hook_input, sms, state, tries, due_at)
  select 'sms', ${sms.phone}, '', ${sms.text},
    ${sms.hookInput === null ? null : JSON.stringify(sms.hookInput)}::jsonb,
    ${sms.isOutgoing ? JSON.stringify({ code: sms.code, channel: sms.channel, ...token }) : null}::jsonb,
    ${
      sms.isOutgoing
        ? sql`'waiting', 1, now() + make_interval(secs => ${sms.claimSeconds})`
        : sql`'local', 0, null`
    }
  from issued
  returning id::text as id, message_id::text as message_id
`

/** Puts a message into the project's local inbox. */
export const insertLocalSms = (db: Queryable, phone: string, text: string) =>
  db.run(sql`
    insert into auth.favo_mails (kind, recipient, subject, html)
    values ('sms', ${phone}, '', ${text})
  `)

/** Whether the code of a message is still waited for: neither used nor replaced nor expired. */
export const isCodeAwaited = async (db: Queryable, token: SmsToken, expireSeconds: number) => {
  const { awaited } = await db.one<{ awaited: boolean }>(sql`
    select exists (
      select from auth.one_time_tokens
      where user_id = ${token.user_id} and token_type::text = ${token.token_type}
        and token_hash = ${token.token_hash}
        and created_at > now() - make_interval(secs => ${expireSeconds})
    ) as awaited
  `)
  return awaited
}
