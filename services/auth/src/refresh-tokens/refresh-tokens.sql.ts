import { sql, type Queryable, type Sql } from '@favo/postgres'
import { auditEntry, type Actor } from '../audit/audit.sql.ts'
import type { MethodView } from '../sessions/sessions.sql.ts'
import { instanceId, userColumns } from '../users/users.sql.ts'
import type { UserRow } from '../users/user.ts'

export interface RefreshTokenRow {
  readonly id: string
  readonly token: string
  readonly user_id: string
  readonly session_id: string
  readonly revoked: boolean
  /** By the database's clock: so long after its last change that using it again is no accident any more. */
  readonly is_past_reuse: boolean
  readonly is_session_expired: boolean
  /** The client of the project's OAuth server that the session was given to. */
  readonly oauth_client_id: string | null
}

/**
 * The token with its session, both locked until the transaction ends: refreshes of one session go one after the other; and
 * the user. The session is locked first, as in a sign-out, which deletes it and then its tokens; so the two cannot deadlock.
 */
export const lockRefreshToken = async (tx: Queryable, shown: string, reuseIntervalSeconds: number) => {
  const row = await tx.maybeOne<
    UserRow & Omit<RefreshTokenRow, 'id' | 'user_id'> & { readonly token_id: string }
  >(sql`
    select t.id::text as token_id, t.token, t.session_id, s.oauth_client_id, coalesce(t.revoked, false) as revoked,
      clock_timestamp() > t.updated_at + make_interval(secs => ${reuseIntervalSeconds}) as is_past_reuse,
      coalesce(s.not_after < now(), false) as is_session_expired,
      ${userColumns}
    from auth.refresh_tokens t
    join auth.sessions s on s.id = t.session_id
    join auth.users u on u.id = s.user_id
    where t.token = ${shown}
    for update of s, t
  `)
  if (row === null) return null
  const {
    token_id: id,
    token,
    session_id,
    oauth_client_id,
    revoked,
    is_past_reuse,
    is_session_expired,
    ...user
  } = row
  const found: RefreshTokenRow = {
    id,
    token,
    user_id: user.id,
    session_id,
    oauth_client_id,
    revoked,
    is_past_reuse,
    is_session_expired,
  }
  return { found, user }
}

/** The token that the session would accept now: the youngest that was not revoked. */
export const findActiveToken = (tx: Queryable, sessionId: string) =>
  tx.maybeOne<{ readonly token: string; readonly parent: string | null }>(sql`
    select token, parent
    from auth.refresh_tokens
    where session_id = ${sessionId} and revoked is false
    order by id desc
    limit 1
  `)

/** Revokes the old token and puts the new one in its place: further parts of a \`with\`. */
const swap = (old: RefreshTokenRow, token: string, actor: Actor): Sql => sql`
    , revoked as (
      update auth.refresh_tokens set revoked = true, updated_at = now() where id = ${old.id}::bigint
    ), refreshed as (
      ${auditEntry('token_refreshed', actor, null)}
    ), swapped as (
      ${auditEntry('token_revoked', actor, null)}
    ), renewed as (
      insert into auth.refresh_tokens (
        instance_id, token, user_id, parent, session_id, revoked, created_at, updated_at
      )
      values (
        ${instanceId}::uuid, ${token}, ${old.user_id}, ${old.token}, ${old.session_id}::uuid, false, now(), now()
      )
    )`

export const revokeTokensOfSession = (tx: Queryable, sessionId: string) =>
  tx.run(sql`
    update auth.refresh_tokens
    set revoked = true, updated_at = now()
    where session_id = ${sessionId} and revoked = false
  `)

export interface Refresh {
  readonly found: RefreshTokenRow
  /** What takes the token's place; null where another did already. */
  readonly next: string | null
  readonly actor: Actor
  readonly userAgent: string | null
  readonly ip: string | null
}

/**
 * Swaps the token, notes when and from where the session was refreshed, and tells its methods, the latest first: all in one
 * statement. `refreshed_at` has no time zone and is in UTC, as GoTrue writes it.
 */
export const refreshSession = (tx: Queryable, { found, next, actor, userAgent, ip }: Refresh) =>
  tx.many<MethodView>(sql`
    with touched as (
      update auth.sessions
      set refreshed_at = now() at time zone 'utc', user_agent = ${userAgent}, ip = ${ip}::inet, updated_at = now()
      where id = ${found.session_id}
    )
    ${next === null ? sql`` : swap(found, next, actor)}
    select authentication_method as method, floor(extract(epoch from updated_at))::float8 as timestamp
    from auth.mfa_amr_claims
    where session_id = ${found.session_id}
    order by updated_at desc
  `)

/** Tokens from before there were sessions. True when there was one; it is worth nothing. */
export const deleteTokenWithoutSession = async (db: Queryable, token: string) =>
  (await db.run(sql`delete from auth.refresh_tokens where token = ${token} and session_id is null`)) > 0
