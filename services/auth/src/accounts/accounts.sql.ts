import { sql, type Queryable } from '@favo/postgres'
import { stamp } from '../users/users.sql.ts'
import type { IdentityView, Json } from '../users/user.ts'

export interface IdentityRow {
  readonly id: string
  readonly user_id: string
  readonly provider: string
  readonly provider_id: string
}

export const findIdentity = (db: Queryable, provider: string, providerId: string) =>
  db.maybeOne<IdentityRow>(sql`
    select id, user_id, provider, provider_id
    from auth.identities
    where provider = ${provider} and provider_id = ${providerId}
  `)

/** Fails on identities_provider_id_provider_unique when somebody came in the same way a moment ago. */
export const createIdentity = (
  db: Queryable,
  identity: {
    readonly userId: string
    readonly provider: string
    readonly providerId: string
    readonly data: Json
  },
) =>
  db.one<IdentityRow>(sql`
    insert into auth.identities (
      id, provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at
    )
    values (
      gen_random_uuid(), ${identity.providerId}, ${identity.userId}, ${identity.data}, ${identity.provider},
      now(), now(), now()
    )
    returning id, user_id, provider, provider_id
  `)

/** What the provider says now takes the place of what it said before. */
export const updateIdentityData = async (db: Queryable, id: string, data: Json) => {
  await db.run(sql`
    update auth.identities set identity_data = ${data}, last_sign_in_at = now(), updated_at = now()
    where id = ${id}
  `)
}

/**
 * Users who have one of the addresses, as their own or as that of an identity. With a provider of single sign-on, only
 * its own identities count; else those of all others, and users who are not of single sign-on.
 */
export const listUsersOfEmails = (db: Queryable, emails: readonly string[], ssoProvider: string | null) =>
  db.many<{ readonly user_id: string }>(sql`
    select i.user_id
    from auth.identities i
    where i.email = any (${emails})
      and case when ${ssoProvider}::text is null then i.provider not like 'sso:%'
          else i.provider = ${ssoProvider}::text end
    union
    select u.id
    from auth.users u
    where ${ssoProvider}::text is null and u.email = any (${emails}) and not u.is_sso_user
  `)

/**
 * An account that was never confirmed belongs to nobody yet: whoever made it may have wanted to be let in with the owner.
 * So its password and other identities go, and its metadata is the new identity's.
 */
export const dropUnconfirmed = async (db: Queryable, userId: string, keptIdentityId: string, data: Json) => {
  await db.run(sql`
    with others as (
      delete from auth.identities where user_id = ${userId} and id <> ${keptIdentityId}
    ), sessions as (
      delete from auth.sessions where user_id = ${userId}
    )
    update auth.users
    set encrypted_password = null, raw_user_meta_data = ${data}, updated_at = now()
    where id = ${userId}
  `)
}

export const lockUser = (tx: Queryable, id: string) =>
  tx.maybeOne<{ readonly id: string }>(sql`select id from auth.users where id = ${id} for update`)

export const deleteIdentity = (db: Queryable, id: string, userId: string) =>
  db.run(sql`delete from auth.identities where id = ${id} and user_id = ${userId}`)

export const clearPhone = async (db: Queryable, userId: string) => {
  await db.run(sql`
    update auth.users set phone = null, phone_confirmed_at = null, updated_at = now() where id = ${userId}
  `)
}

export const markNotAnonymous = async (db: Queryable, userId: string) => {
  await db.run(sql`update auth.users set is_anonymous = false, updated_at = now() where id = ${userId}`)
}

/** Identities, those whose address the provider verified first, then by age; as the user's address is chosen from them. */
export const listIdentitiesByTrust = (db: Queryable, userId: string) =>
  db.many<
    Pick<IdentityView, 'created_at'> & { readonly email: string | null; readonly is_verified: boolean }
  >(sql`
    select email, ${stamp(sql`created_at`)} as created_at,
      coalesce(identity_data -> 'email_verified' = 'true', false) as is_verified
    from auth.identities
    where user_id = ${userId}
    order by
      case when coalesce(email, '') = '' then 2
           when identity_data -> 'email_verified' = 'true' then 0
           else 1 end,
      created_at, id
  `)

/** Takes another address. What was sent out for the old one is void, and the confirmation too unless the new one is proved. */
export const replaceEmail = async (
  db: Queryable,
  userId: string,
  email: string | null,
  isProved: boolean,
) => {
  await db.run(sql`
    with spent as (
      delete from auth.one_time_tokens where user_id = ${userId}
    )
    update auth.users
    set email = ${email},
        confirmation_token = '', recovery_token = '', reauthentication_token = '',
        email_change = '', email_change_token_current = '', email_change_token_new = '',
        email_change_confirm_status = 0,
        email_confirmed_at = case when ${isProved} then email_confirmed_at end,
        raw_user_meta_data = case when ${isProved} then raw_user_meta_data
          else coalesce(raw_user_meta_data, '{}') || '{"email_verified": false}' end,
        updated_at = now()
    where id = ${userId}
  `)
}
