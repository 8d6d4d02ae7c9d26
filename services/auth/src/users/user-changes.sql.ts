import { sql, type Queryable, type Sql } from '@favo/postgres'
import type { Json } from './user.ts'

/** An object column that may be null, or was set to something else by the project's own SQL. */
const objectOf = (column: Sql): Sql =>
  sql`case when jsonb_typeof(${column}) = 'object' then ${column} else '{}'::jsonb end`

/** The members of `changes` on top of the column's; null takes a member away. Nothing that is not named is touched. */
export const mergedObject = (column: Sql, changes: Json): Sql => {
  const removed = Object.keys(changes).filter((key) => changes[key] === null)
  return sql`((${objectOf(column)} || ${JSON.stringify(changes)}::jsonb) - ${removed}::text[])`
}

export interface MetadataChanges {
  readonly user?: Json
  readonly app?: Json
}

export const mergeMetadata = (db: Queryable, id: string, changes: MetadataChanges) =>
  db.run(sql`
    update auth.users u
    set raw_user_meta_data = ${mergedObject(sql`u.raw_user_meta_data`, changes.user ?? {})},
        raw_app_meta_data = ${mergedObject(sql`u.raw_app_meta_data`, changes.app ?? {})},
        updated_at = now()
    where u.id = ${id}
  `)

/** What GoTrue's Confirm does: the address is good, and whatever was sent to prove it is used up. */
export const confirmEmail = async (db: Queryable, id: string, metadata: MetadataChanges = {}) => {
  await db.run(sql`
    with spent as (
      delete from auth.one_time_tokens where user_id = ${id}
    )
    update auth.users u
    set email_confirmed_at = now(),
        confirmation_token = '',
        raw_user_meta_data = ${mergedObject(sql`u.raw_user_meta_data`, { ...metadata.user, email_verified: true })},
        raw_app_meta_data = ${mergedObject(sql`u.raw_app_meta_data`, metadata.app ?? {})},
        updated_at = now()
    where u.id = ${id}
  `)
}

export const confirmPhone = async (db: Queryable, id: string, metadata: MetadataChanges = {}) => {
  await db.run(sql`
    with spent as (
      delete from auth.one_time_tokens where user_id = ${id}
    )
    update auth.users u
    set phone_confirmed_at = now(),
        confirmation_token = '',
        raw_user_meta_data = ${mergedObject(sql`u.raw_user_meta_data`, metadata.user ?? {})},
        raw_app_meta_data = ${mergedObject(sql`u.raw_app_meta_data`, metadata.app ?? {})},
        updated_at = now()
    where u.id = ${id}
  `)
}

/** The phone that a change is about, where it needs no proof. */
export const notePhoneChange = (db: Queryable, id: string, phone: string) =>
  db.run(sql`update auth.users set phone_change = ${phone}, updated_at = now() where id = ${id}`)

/**
 * Puts the phone that was asked for in the place of the old one. False when another was asked for by now. Fails on the
 * unique index when somebody else has it.
 */
export const confirmPhoneChange = async (db: Queryable, id: string, phone: string) => {
  const row = await db.maybeOne(sql`
    with spent as (
      delete from auth.one_time_tokens where user_id = ${id}
    )
    update auth.users
    set phone = ${phone}, phone_change = '', phone_change_token = '', phone_confirmed_at = now(), updated_at = now()
    where id = ${id} and phone_change = ${phone}
    returning id
  `)
  return row !== null
}

/** A proved address makes an anonymous user a lasting one. */
export const makeLasting = (db: Queryable, id: string) =>
  db.run(sql`update auth.users set is_anonymous = false, updated_at = now() where id = ${id}`)

/**
 * Sets or (with null) removes the password, and makes void whatever was sent out before: who changes a password may not
 * trust what was asked for under the old one.
 */
export const updatePassword = async (db: Queryable, id: string, passwordHash: string | null) => {
  await db.run(sql`
    with spent as (
      delete from auth.one_time_tokens where user_id = ${id}
    )
    update auth.users
    set encrypted_password = ${passwordHash},
        confirmation_token = '', confirmation_sent_at = null,
        recovery_token = '', recovery_sent_at = null,
        email_change_token_current = '', email_change_token_new = '', email_change_sent_at = null,
        phone_change_token = '', phone_change_sent_at = null,
        reauthentication_token = '', reauthentication_sent_at = null,
        updated_at = now()
    where id = ${id}
  `)
}

/** A proved address makes an anonymous user a lasting one. */
export const setEmail = (db: Queryable, id: string, email: string, isProved: boolean) =>
  db.run(sql`
    update auth.users
    set email = ${email}, is_anonymous = is_anonymous and not ${isProved}, updated_at = now()
    where id = ${id}
  `)

export const setPhone = (db: Queryable, id: string, phone: string, isProved: boolean) =>
  db.run(sql`
    update auth.users
    set phone = ${phone}, is_anonymous = is_anonymous and not ${isProved}, updated_at = now()
    where id = ${id}
  `)

/** Spends whatever was mailed: a recovery link signs in once. */
export const clearRecovery = async (db: Queryable, id: string) => {
  await db.run(sql`
    with spent as (
      delete from auth.one_time_tokens where user_id = ${id}
    )
    update auth.users set recovery_token = '', updated_at = now() where id = ${id}
  `)
}

export const clearReauthentication = async (db: Queryable, id: string) => {
  await db.run(sql`
    with spent as (
      delete from auth.one_time_tokens where user_id = ${id}
    )
    update auth.users set reauthentication_token = '', updated_at = now() where id = ${id}
  `)
}

/** Puts the address that was asked for in the place of the old one. Fails on the unique index when somebody else has it by now. */
export const confirmEmailChange = async (db: Queryable, id: string) => {
  await db.run(sql`
    with spent as (
      delete from auth.one_time_tokens where user_id = ${id}
    )
    update auth.users
    set email = email_change,
        email_change = '',
        email_change_token_current = '', email_change_token_new = '',
        email_change_confirm_status = 0,
        is_anonymous = false,
        updated_at = now()
    where id = ${id}
  `)
}

/** Names in app_metadata how the user can sign in, the oldest way first. */
export const refreshProviders = async (db: Queryable, id: string) => {
  await db.run(sql`
    update auth.users u
    set raw_app_meta_data = ${objectOf(sql`u.raw_app_meta_data`)}
          || jsonb_build_object('provider', p.names[1], 'providers', to_jsonb(p.names)),
        updated_at = now()
    from (
      select array_agg(provider order by first_at, provider) as names
      from (
        select provider, min(created_at) as first_at from auth.identities where user_id = ${id} group by provider
      ) ways
    ) p
    where u.id = ${id} and p.names is not null
  `)
}
