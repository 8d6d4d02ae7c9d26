import { sql, type Queryable, type Sql } from '@favo/postgres'
import { auditEntry, type Actor, type AuditAction } from '../audit/audit.sql.ts'
import type { Mail } from '../mails/compose-mail.ts'
import { mailInsert, trimInbox } from '../mails/mails.sql.ts'
import { userColumns } from '../users/users.sql.ts'
import type { UserRow } from '../users/user.ts'

/** The enum auth.one_time_token_type. */
export type TokenType =
  | 'confirmation_token'
  | 'recovery_token'
  | 'reauthentication_token'
  | 'email_change_token_new'
  | 'email_change_token_current'
  | 'phone_change_token'

/** Columns of auth.users that go with a token. */
const columns = {
  confirmation_token: { token: 'confirmation_token', sentAt: 'confirmation_sent_at' },
  recovery_token: { token: 'recovery_token', sentAt: 'recovery_sent_at' },
  reauthentication_token: { token: 'reauthentication_token', sentAt: 'reauthentication_sent_at' },
  email_change_token_new: { token: 'email_change_token_new', sentAt: 'email_change_sent_at' },
  email_change_token_current: { token: 'email_change_token_current', sentAt: 'email_change_sent_at' },
  phone_change_token: { token: 'phone_change_token', sentAt: 'phone_change_sent_at' },
} as const

export interface NewToken {
  readonly userId: string
  readonly type: TokenType
  readonly hash: string
  /** The address it was sent to. */
  readonly relatesTo: string
  /** Seconds that must have passed since the last one of its kind; 0 = never mind. */
  readonly notWithinSeconds: number
  readonly isInvitation: boolean
  readonly mail: Mail | null
  readonly audit: { readonly action: AuditAction; readonly actor: Actor } | null
}

/**
 * Gives the user a token and puts its mail into the inbox, in one statement, whether the user exists or not: an unknown
 * address costs the same. False when there is no such user, or the last mail was sent a moment ago.
 */
export const issueToken = async (db: Queryable, token: NewToken) => {
  const column = columns[token.type]
  const sentAt = sql`u.${sql.ident(column.sentAt)}`
  const { issued } = await db.one<{ issued: boolean }>(sql`
    with issued as (
      update auth.users u
      set ${sql.ident(column.token)} = ${token.hash},
          ${sql.ident(column.sentAt)} = now(),
          ${token.isInvitation ? sql`invited_at = now(),` : sql``}
          updated_at = now()
      where u.id = ${token.userId}
        and (${sentAt} is null or ${sentAt} <= now() - make_interval(secs => ${token.notWithinSeconds}))
      returning u.id
    ), token as (${tokenInsert(token.type, token.hash, token.relatesTo)}),
    mail as (${token.mail === null ? sql`select` : mailInsert(token.mail, sql`issued`)}),
    audit as (${token.audit === null ? sql`select` : auditEntry(token.audit.action, token.audit.actor, null, sql`issued`)}),
    trimmed as (${trimInbox})
    select exists (select from issued) as issued
  `)
  return issued
}

/** Replaces the user's token of this type, if the earlier part `issued` of the statement has a row. */
export const tokenInsert = (type: TokenType, hash: string, relatesTo: string): Sql => sql`
  insert into auth.one_time_tokens (id, user_id, token_type, token_hash, relates_to, created_at, updated_at)
  select gen_random_uuid(), issued.id, ${type}::auth.one_time_token_type, ${hash}, ${relatesTo.toLowerCase()}, now(), now()
  from issued
  on conflict (user_id, token_type) do update
  set token_hash = excluded.token_hash, relates_to = excluded.relates_to, created_at = now(), updated_at = now()
`

export interface EmailChange {
  readonly userId: string
  readonly newEmail: string
  readonly newHash: string
  /** Null where a hook sends the mails. */
  readonly newMail: Mail | null
  /** Null where the old address is not asked. */
  readonly current: { readonly email: string; readonly hash: string; readonly mail: Mail | null } | null
  readonly notWithinSeconds: number
}

/** Notes the address that the user wants, and asks there (and at the old one). False when it was asked a moment ago. */
export const issueEmailChange = async (tx: Queryable, change: EmailChange) => {
  const { current } = change
  const { issued } = await tx.one<{ issued: boolean }>(sql`
    with issued as (
      update auth.users u
      set email_change = ${change.newEmail},
          email_change_token_new = ${change.newHash},
          email_change_token_current = ${current?.hash ?? ''},
          email_change_confirm_status = 0,
          email_change_sent_at = now(),
          updated_at = now()
      where u.id = ${change.userId}
        and (u.email_change_sent_at is null
          or u.email_change_sent_at <= now() - make_interval(secs => ${change.notWithinSeconds}))
      returning u.id
    ), new_token as (${tokenInsert('email_change_token_new', change.newHash, change.newEmail)}),
    new_mail as (${change.newMail === null ? sql`select` : mailInsert(change.newMail, sql`issued`)}),
    current_token as (
      ${current === null ? sql`select` : tokenInsert('email_change_token_current', current.hash, current.email)}
    ),
    current_mail as (${current === null || current.mail === null ? sql`select` : mailInsert(current.mail, sql`issued`)}),
    trimmed as (${trimInbox})
    select exists (select from issued) as issued
  `)
  return issued
}

export interface TokenSearch {
  /** Any of these types. */
  readonly types: readonly TokenType[]
  /** The hash as stored, or without the PKCE prefix. */
  readonly hashes: readonly string[]
  /** Null when only the hash was given, as in links. */
  readonly email: string | null
  readonly audience: string | null
  readonly expireSeconds: number
}

export type FoundToken = UserRow & {
  readonly token_type: TokenType
  readonly is_token_expired: boolean
  readonly email_change_confirm_status: number | null
}

/** The token with its user, both locked until the transaction ends: a token is used once, however many ask at once. */
export const lockToken = (tx: Queryable, search: TokenSearch) =>
  tx.maybeOne<FoundToken>(sql`
    select ${userColumns}, u.email_change_confirm_status, t.token_type::text as token_type,
      coalesce(
        case t.token_type
          when 'confirmation_token' then u.confirmation_sent_at
          when 'recovery_token' then u.recovery_sent_at
          when 'reauthentication_token' then u.reauthentication_sent_at
          when 'phone_change_token' then u.phone_change_sent_at
          else u.email_change_sent_at
        end < now() - make_interval(secs => ${search.expireSeconds}),
        true
      ) as is_token_expired
    from auth.one_time_tokens t
    join auth.users u on u.id = t.user_id
    where t.token_hash = any(${search.hashes}::text[])
      and t.token_type::text = any(${search.types}::text[])
      and (${search.email}::text is null or t.relates_to = ${search.email}::text)
      and (${search.audience}::text is null or u.aud = ${search.audience}::text)
    limit 1
    for update of u, t
  `)

export const deleteTokens = (tx: Queryable, userId: string) =>
  tx.run(sql`delete from auth.one_time_tokens where user_id = ${userId}`)

/** One of the two addresses of a change has agreed. */
export const halfConfirmEmailChange = async (tx: Queryable, userId: string, type: TokenType) => {
  await tx.run(sql`
    with spent as (
      delete from auth.one_time_tokens
      where user_id = ${userId} and token_type = ${type}::auth.one_time_token_type
    )
    update auth.users
    set email_change_confirm_status = 1, ${sql.ident(columns[type].token)} = '', updated_at = now()
    where id = ${userId}
  `)
}

/** The address that a change is about, where its links are made one by one. */
export const noteEmailChange = (tx: Queryable, userId: string, newEmail: string) =>
  tx.run(sql`
    update auth.users
    set email_change = ${newEmail}, email_change_confirm_status = 0, updated_at = now()
    where id = ${userId}
  `)
