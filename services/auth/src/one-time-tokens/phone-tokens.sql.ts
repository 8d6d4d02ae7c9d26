import { sql, type Queryable } from '@favo/postgres'
import { trimInbox } from '../mails/mails.sql.ts'
import { smsInsert, type Sms } from '../sms/sms.sql.ts'
import { auditEntry, type Actor, type AuditAction } from '../audit/audit.sql.ts'
import type { Json } from '../users/user.ts'
import { tokenInsert } from './one-time-tokens.sql.ts'

/** What a code is sent to a phone for, in GoTrue's words. */
export type PhoneCodeKind = 'confirmation' | 'phone_change' | 'reauthentication'

const columns = {
  confirmation: { type: 'confirmation_token', sentAt: 'confirmation_sent_at' },
  phone_change: { type: 'phone_change_token', sentAt: 'phone_change_sent_at' },
  reauthentication: { type: 'reauthentication_token', sentAt: 'reauthentication_sent_at' },
} as const

export interface NewPhoneToken {
  readonly userId: string
  readonly kind: PhoneCodeKind
  readonly hash: string
  readonly phone: string
  /** Seconds that must have passed since the last one of its kind. */
  readonly notWithinSeconds: number
  /** What brings the code; null = nothing does. */
  readonly sms: Sms | null
  readonly audit: { readonly action: AuditAction; readonly actor: Actor; readonly traits: Json | null } | null
}

/** What of it there is now: not issued when there is no such user, or the last one was given a moment ago. */
export interface IssuedPhoneToken {
  readonly is_issued: boolean
  /** Of the message; null when there is none. */
  readonly id: string | null
  readonly message_id: string | null
}

/** Gives the user a token for a phone, and stores the message that brings it, in one statement. */
export const issuePhoneToken = (db: Queryable, token: NewPhoneToken) => {
  const { type, sentAt } = columns[token.kind]
  const sent = sql`u.${sql.ident(sentAt)}`
  const { audit, sms } = token
  const message =
    sms === null
      ? sql`select null::text as id, null::text as message_id where false`
      : smsInsert(sms, { user_id: token.userId, token_type: type, token_hash: token.hash })
  return db.one<IssuedPhoneToken>(sql`
    with issued as (
      update auth.users u
      set ${sql.ident(type)} = ${token.hash},
          ${sql.ident(sentAt)} = now(),
          ${token.kind === 'phone_change' ? sql`phone_change = ${token.phone},` : sql``}
          updated_at = now()
      where u.id = ${token.userId}
        and (${sent} is null or ${sent} <= now() - make_interval(secs => ${token.notWithinSeconds}))
      returning u.id
    ), token as (${tokenInsert(type, token.hash, token.phone)}),
    message as (${message}),
    audit as (
      ${audit === null ? sql`select` : auditEntry(audit.action, audit.actor, audit.traits, sql`issued`)}
    ),
    trimmed as (${trimInbox})
    select exists (select from issued) as is_issued,
      (select id from message) as id, (select message_id from message) as message_id
  `)
}

/** Takes a token back whose message did not leave, and the message; a later token stays. */
export const withdrawPhoneToken = async (
  db: Queryable,
  {
    userId,
    kind,
    hash,
    mailId,
  }: {
    readonly userId: string
    readonly kind: PhoneCodeKind
    readonly hash: string
    readonly mailId: string
  },
) => {
  const { type, sentAt } = columns[kind]
  await db.run(sql`
    with spent as (
      delete from auth.one_time_tokens
      where user_id = ${userId} and token_type = ${type}::auth.one_time_token_type and token_hash = ${hash}
    ), unsent as (
      delete from auth.favo_mails where id = ${mailId}::bigint and state = 'waiting'
    )
    update auth.users
    set ${sql.ident(type)} = '', ${sql.ident(sentAt)} = null, updated_at = now()
    where id = ${userId} and ${sql.ident(type)} = ${hash}
  `)
}
