import { sql, type Queryable, type Sql } from '@favo/postgres'
import type { Json, UserRow } from './user.ts'

/** GoTrue's tables once held many sites; since then every row has this instance. */
export const instanceId = '00000000-0000-0000-0000-000000000000'

/** A timestamp as text in UTC: nothing is lost and nothing depends on a session's settings. */
export const stamp = (expression: Sql): Sql =>
  sql`to_char(${expression} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

const identities = sql`
  coalesce((
    select jsonb_agg(
      jsonb_strip_nulls(jsonb_build_object('email', i.email)) || jsonb_build_object(
        'identity_id', i.id,
        'id', i.provider_id,
        'user_id', i.user_id,
        'identity_data', i.identity_data,
        'provider', i.provider,
        'last_sign_in_at', ${stamp(sql`i.last_sign_in_at`)},
        'created_at', ${stamp(sql`i.created_at`)},
        'updated_at', ${stamp(sql`i.updated_at`)}
      )
      order by i.created_at, i.id
    )
    from auth.identities i
    where i.user_id = u.id
  ), '[]') as identities`

const factors = sql`
  coalesce((
    select jsonb_agg(
      jsonb_strip_nulls(jsonb_build_object('friendly_name', nullif(f.friendly_name, ''))) || jsonb_build_object(
        'id', f.id,
        'created_at', ${stamp(sql`f.created_at`)},
        'updated_at', ${stamp(sql`f.updated_at`)},
        'status', f.status,
        'factor_type', f.factor_type,
        'phone', f.phone,
        'last_challenged_at', ${stamp(sql`f.last_challenged_at`)}
      )
      order by f.created_at, f.id
    )
    from auth.mfa_factors f
    where f.user_id = u.id
  ), '[]') as factors`

/** Of `auth.users u`, with what belongs to it. */
export const userColumns = sql`
  u.id, u.aud, u.role, u.email, u.phone, u.encrypted_password,
  ${stamp(sql`u.email_confirmed_at`)} as email_confirmed_at,
  ${stamp(sql`u.phone_confirmed_at`)} as phone_confirmed_at,
  ${stamp(sql`u.confirmed_at`)} as confirmed_at,
  ${stamp(sql`u.invited_at`)} as invited_at,
  ${stamp(sql`u.confirmation_sent_at`)} as confirmation_sent_at,
  ${stamp(sql`u.recovery_sent_at`)} as recovery_sent_at,
  u.email_change,
  ${stamp(sql`u.email_change_sent_at`)} as email_change_sent_at,
  u.phone_change,
  ${stamp(sql`u.phone_change_sent_at`)} as phone_change_sent_at,
  ${stamp(sql`u.reauthentication_sent_at`)} as reauthentication_sent_at,
  ${stamp(sql`u.last_sign_in_at`)} as last_sign_in_at,
  u.raw_app_meta_data, u.raw_user_meta_data,
  ${stamp(sql`u.created_at`)} as created_at,
  ${stamp(sql`u.updated_at`)} as updated_at,
  ${stamp(sql`u.banned_until`)} as banned_until,
  coalesce(u.banned_until > now(), false) as is_banned,
  ${stamp(sql`u.deleted_at`)} as deleted_at,
  u.is_sso_user, u.is_anonymous,
  ${identities},
  ${factors}`

/** Accounts of single sign-on do not count: several may share an address, and none has a password. */
export const findUserByEmail = (db: Queryable, email: string, audience: string) =>
  db.maybeOne<UserRow>(sql`
    select ${userColumns}
    from auth.users u
    where u.instance_id = ${instanceId}
      and lower(u.email) = ${email.toLowerCase()}
      and u.aud = ${audience}
      and u.is_sso_user = false
    order by u.created_at
    limit 1
  `)

export const findUserByPhone = (db: Queryable, phone: string, audience: string) =>
  db.maybeOne<UserRow>(sql`
    select ${userColumns}
    from auth.users u
    where u.instance_id = ${instanceId} and u.phone = ${phone} and u.aud = ${audience} and u.is_sso_user = false
  `)

/** Who asked last for this phone. */
export const findUserByPhoneChange = (db: Queryable, phone: string, audience: string) =>
  db.maybeOne<UserRow>(sql`
    select ${userColumns}
    from auth.users u
    where u.instance_id = ${instanceId}
      and u.phone_change = ${phone}
      and u.aud = ${audience}
      and u.is_sso_user = false
    order by u.phone_change_sent_at desc nulls last
    limit 1
  `)

export const findUserById = (db: Queryable, id: string) =>
  db.maybeOne<UserRow>(sql`
    select ${userColumns}
    from auth.users u
    where u.id = ${id}
  `)

export const getUserById = (db: Queryable, id: string) =>
  db.one<UserRow>(sql`
    select ${userColumns}
    from auth.users u
    where u.id = ${id}
  `)

/** True when another user has the address, in users or as that of a sign-in elsewhere. Mirrors models.IsDuplicatedEmail. */
export const isEmailTaken = async (db: Queryable, email: string, audience: string, exceptUserId: string) => {
  const { taken } = await db.one<{ taken: boolean }>(sql`
    select exists (
      select
      from auth.users u
      where u.aud = ${audience}
        and u.id <> ${exceptUserId}
        and (
          (u.instance_id = ${instanceId} and lower(u.email) = ${email} and u.is_sso_user = false)
          or u.id in (
            select i.user_id from auth.identities i where i.email = ${email} and i.provider not like 'sso:%'
          )
        )
    ) as taken
  `)
  return taken
}

export const isPhoneTaken = async (db: Queryable, phone: string, audience: string) => {
  const { taken } = await db.one<{ taken: boolean }>(sql`
    select exists (
      select from auth.users u
      where u.instance_id = ${instanceId} and u.phone = ${phone} and u.aud = ${audience} and not u.is_sso_user
    ) as taken
  `)
  return taken
}

/** Takes back a sign-up whose message did not leave; who confirmed it in the meantime stays. */
export const deleteUnconfirmedUser = (db: Queryable, id: string) =>
  db.run(sql`delete from auth.users where id = ${id} and confirmed_at is null`)

export interface NewUser {
  readonly id: string
  readonly email: string | null
  readonly phone: string | null
  readonly passwordHash: string | null
  readonly audience: string
  readonly role: string
  readonly appMetadata: Json
  readonly userMetadata: Json
  readonly isAnonymous: boolean
  /** Of single sign-on: the address may be another user's too. */
  readonly isSsoUser?: boolean
}

/**
 * False when the address (or the phone, or the id) is taken. The unique index decides, so that of two sign-ups at once
 * only one wins. The tokens are empty and not null because GoTrue cannot read a null there, should the database move.
 */
export const insertUserIfNew = async (db: Queryable, user: NewUser) => {
  const inserted = await db.run(sql`
    insert into auth.users (
      instance_id, id, aud, role, email, phone, encrypted_password, raw_app_meta_data, raw_user_meta_data,
      is_anonymous, is_sso_user, confirmation_token, recovery_token, email_change_token_new, email_change,
      created_at, updated_at
    )
    values (
      ${instanceId}, ${user.id}, ${user.audience}, ${user.role}, ${user.email}, ${user.phone},
      ${user.passwordHash}, ${user.appMetadata}, ${user.userMetadata},
      ${user.isAnonymous}, ${user.isSsoUser === true}, '', '', '', '',
      now(), now()
    )
    on conflict do nothing
  `)
  return inserted === 1
}
