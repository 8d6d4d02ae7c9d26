import { sql, type Queryable } from '@favo/postgres'
import { isoTime } from '../iso-time.ts'

export interface AccessTokenRow {
  readonly id: string
  readonly name: string
  readonly prefix: string
  readonly created_at: string
  readonly last_used_at: string | null
  readonly expires_at: string | null
}

const columns = sql`
  id::text as id, name, prefix,
  ${isoTime('created_at')} as created_at,
  ${isoTime('last_used_at')} as last_used_at,
  ${isoTime('expires_at')} as expires_at`

export const listAccessTokens = (db: Queryable) =>
  db.many<AccessTokenRow>(sql`select ${columns} from control.access_tokens order by created_at, id`)

export const insertAccessToken = (
  db: Queryable,
  token: {
    readonly name: string
    readonly prefix: string
    readonly hash: string
    readonly expiresInDays: number | null
  },
) =>
  db.one<AccessTokenRow>(sql`
    insert into control.access_tokens (name, prefix, hash, expires_at)
    values (${token.name}, ${token.prefix}, ${token.hash}, now() + make_interval(days => ${token.expiresInDays}::int))
    returning ${columns}`)

/** The `id` is compared as text: what is no uuid is simply not there. */
export const deleteAccessToken = (db: Queryable, id: string) =>
  db.maybeOne<AccessTokenRow>(
    sql`delete from control.access_tokens where id::text = ${id} returning ${columns}`,
  )

export const findTokenByHash = (db: Queryable, hash: string) =>
  db.maybeOne<{ readonly id: string; readonly name: string; readonly used_lately: boolean }>(sql`
    select id::text as id, name, coalesce(last_used_at > now() - interval '1 minute', false) as used_lately
    from control.access_tokens
    where hash = ${hash} and (expires_at is null or expires_at > now())`)

export const markTokenUsed = (db: Queryable, id: string) =>
  db.run(sql`update control.access_tokens set last_used_at = now() where id = ${id}::uuid`)
