import { sql, type Queryable } from '@favo/postgres'
import { isoTime } from '../iso-time.ts'

export interface AccessTokenRow {
  readonly id: string
  readonly name: string
  readonly prefix: string
  readonly created_at: string
  readonly last_used_at: string | null
  readonly expires_at: string | null
  /** A JSON array, or null for all. */
  readonly scopes: string | null
  readonly user_id: string | null
}

const columns = sql`
  id::text as id, name, prefix,
  ${isoTime('created_at')} as created_at,
  ${isoTime('last_used_at')} as last_used_at,
  ${isoTime('expires_at')} as expires_at,
  to_json(scopes)::text as scopes, user_id::text as user_id`

/** Whose tokens: a user's own, or (null) the platform's. */
const ofOwner = (userId: string | null) => sql`user_id is not distinct from ${userId}::uuid`

export const listAccessTokens = (db: Queryable, userId: string | null) =>
  db.many<AccessTokenRow>(
    sql`select ${columns} from control.access_tokens where ${ofOwner(userId)} order by created_at, id`,
  )

export const insertAccessToken = (
  db: Queryable,
  token: {
    readonly name: string
    readonly prefix: string
    readonly hash: string
    readonly expiresInDays: number | null
    /** Null: everything that the user may. */
    readonly scopes: readonly string[] | null
    readonly userId: string | null
  },
) =>
  db.one<AccessTokenRow>(sql`
    insert into control.access_tokens (name, prefix, hash, expires_at, scopes, user_id)
    values (
      ${token.name}, ${token.prefix}, ${token.hash}, now() + make_interval(days => ${token.expiresInDays}::int),
      (select array_agg(value) from jsonb_array_elements_text(${
        token.scopes === null ? null : JSON.stringify(token.scopes)
      }::jsonb)),
      ${token.userId}::uuid
    )
    returning ${columns}`)

/** The `id` is compared as text: what is no uuid is simply not there. */
export const deleteAccessToken = (db: Queryable, id: string, userId: string | null) =>
  db.maybeOne<AccessTokenRow>(
    sql`delete from control.access_tokens where id::text = ${id} and ${ofOwner(userId)} returning ${columns}`,
  )

/** Of anybody: for platform administrators. */
export const deleteAnyAccessToken = (db: Queryable, id: string) =>
  db.maybeOne<AccessTokenRow>(
    sql`delete from control.access_tokens where id::text = ${id} returning ${columns}`,
  )

export interface KnownToken {
  readonly id: string
  readonly name: string
  /** A JSON array, or null for all. */
  readonly scopes: string | null
  readonly used_lately: boolean
  /** Null: the platform's own. The rest then is null, too. */
  readonly user_id: string | null
  readonly email: string | null
  readonly is_platform_administrator: boolean | null
}

/** Tokens of people who may not sign in any more are not found. */
export const findTokenByHash = (db: Queryable, hash: string) =>
  db.maybeOne<KnownToken>(sql`
    select t.id::text as id, t.name, to_json(t.scopes)::text as scopes,
      coalesce(t.last_used_at > now() - interval '1 minute', false) as used_lately,
      t.user_id::text as user_id, u.email, u.is_platform_administrator
    from control.access_tokens t
    left join control.people u on u.id = t.user_id
    where t.hash = ${hash}
      and (t.expires_at is null or t.expires_at > now())
      and (t.user_id is null or u.is_active)`)

export const markTokenUsed = (db: Queryable, id: string) =>
  db.run(sql`update control.access_tokens set last_used_at = now() where id = ${id}::uuid`)
