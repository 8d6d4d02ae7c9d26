import { sql, type Queryable } from '@favo/postgres'
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
  readonly audit: { readonly action: AuditAction; readonly actor: Actor; readonly traits: Json | null } | null
}

/** Gives the user a token for a phone. False when there is no such user, or the last one was given a moment ago. */
export const issuePhoneToken = async (db: Queryable, token: NewPhoneToken) => {
  const { type, sentAt } = columns[token.kind]
  const sent = sql`u.${sql.ident(sentAt)}`
  const { audit } = token
  const { issued } = await db.one<{ issued: boolean }>(sql`
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
    audit as (
      ${audit === null ? sql`select` : auditEntry(audit.action, audit.actor, audit.traits, sql`issued`)}
    )
    select exists (select from issued) as issued
  `)
  return issued
}

/** Takes a token back whose message did not leave; a later one stays. */
export const withdrawPhoneToken = async (
  db: Queryable,
  userId: string,
  kind: PhoneCodeKind,
  hash: string,
) => {
  const { type, sentAt } = columns[kind]
  await db.run(sql`
    with spent as (
      delete from auth.one_time_tokens
      where user_id = ${userId} and token_type = ${type}::auth.one_time_token_type and token_hash = ${hash}
    )
    update auth.users
    set ${sql.ident(type)} = '', ${sql.ident(sentAt)} = null, updated_at = now()
    where id = ${userId} and ${sql.ident(type)} = ${hash}
  `)
}
