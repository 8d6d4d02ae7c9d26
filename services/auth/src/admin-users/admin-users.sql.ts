import { createHash } from 'node:crypto'
import { sql, type Queryable } from '@favo/postgres'
import { instanceId, userColumns } from '../users/users.sql.ts'
import type { UserRow } from '../users/user.ts'

export interface UserList {
  readonly audience: string
  /** Part of an address or of `full_name`; empty = all. */
  readonly filter: string
  readonly isAscending: boolean
  readonly limit: number
  readonly offset: number
}

const matching = (list: UserList) => {
  const pattern = `%${list.filter}%`
  const filter =
    list.filter === ''
      ? sql``
      : sql`and (u.email like ${pattern} or u.raw_user_meta_data ->> 'full_name' ilike ${pattern})`
  return sql`u.instance_id = ${instanceId} and u.aud = ${list.audience} ${filter}`
}

export const listUsers = (db: Queryable, list: UserList) =>
  db.many<UserRow>(sql`
    select ${userColumns}
    from auth.users u
    where ${matching(list)}
    order by ${list.isAscending ? sql`u.created_at, u.id` : sql`u.created_at desc, u.id desc`}
    limit ${list.limit}
    offset ${list.offset}
  `)

export const countUsers = async (db: Queryable, list: UserList): Promise<number> => {
  const { count } = await db.one<{ count: string }>(sql`
    select count(*)::text as count from auth.users u where ${matching(list)}
  `)
  return Number(count)
}

export const setRole = (db: Queryable, id: string, role: string) =>
  db.run(sql`update auth.users set role = ${role.trim()}, updated_at = now() where id = ${id}`)

/** 0 seconds lift the ban. */
export const setBan = (db: Queryable, id: string, seconds: number) =>
  db.run(sql`
    update auth.users
    set banned_until = case when ${seconds}::float8 = 0 then null else now() + make_interval(secs => ${seconds}::float8) end,
        updated_at = now()
    where id = ${id}
  `)

export const deleteUser = (db: Queryable, id: string) => db.run(sql`delete from auth.users where id = ${id}`)

/** What GoTrue puts in the place of a personal datum: nobody can read it back, and who has the datum can compare. */
const obscured = (userId: string, value: string) =>
  createHash('sha256')
    .update(userId + value)
    .digest('base64url')

/** Keeps the row for those who point at it, and takes from it everything about the person; no way to sign in is left. */
export async function eraseUser(tx: Queryable, user: UserRow): Promise<void> {
  const { id } = user
  await tx.run(sql`
    with tokens as (delete from auth.one_time_tokens where user_id = ${id}),
      sessions as (delete from auth.sessions where user_id = ${id}),
      factors as (delete from auth.mfa_factors where user_id = ${id}),
      passkeys as (delete from auth.webauthn_credentials where user_id = ${id})
    update auth.users
    set email = ${obscured(id, user.email ?? '')},
        phone = ${obscured(id, user.phone ?? '').slice(0, 15)},
        email_change = ${obscured(id, user.email_change ?? '')},
        phone_change = ${obscured(id, user.phone_change ?? '').slice(0, 15)},
        encrypted_password = null,
        confirmation_token = '', recovery_token = '',
        email_change_token_current = '', email_change_token_new = '', phone_change_token = '',
        raw_user_meta_data = '{}', raw_app_meta_data = '{}',
        deleted_at = now(), updated_at = now()
    where id = ${id}
  `)
  for (const identity of user.identities)
    await tx.run(sql`
      update auth.identities
      set provider_id = ${obscured(id, `${identity.provider}:${identity.id}`)},
          identity_data = '{}', updated_at = now()
      where id = ${identity.identity_id}
    `)
}
