import { sql, type Queryable } from '@favo/postgres'
import { auditEntry, type Actor } from '../audit/audit.sql.ts'
import type { MethodView } from '../sessions/sessions.sql.ts'
import { instanceId } from '../users/users.sql.ts'

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
 * The token with its session, both locked until the transaction ends: refreshes of one session go one after the other.
 * The session is locked first, as in a sign-out, which deletes it and then its tokens; so the two cannot deadlock.
 */
export const lockRefreshToken = (tx: Queryable, token: string, reuseIntervalSeconds: number) =>
  tx.maybeOne<RefreshTokenRow>(sql`
    select t.id::text as id, t.token, s.user_id, t.session_id, s.oauth_client_id, coalesce(t.revoked, false) as revoked,
      clock_timestamp() > t.updated_at + make_interval(secs => ${reuseIntervalSeconds}) as is_past_reuse,
      coalesce(s.not_after < now(), false) as is_session_expired
    from auth.refresh_tokens t
    join auth.sessions s on s.id = t.session_id
    where t.token = ${token}
    for update of s, t
  `)

/** The token that the session would accept now: the youngest that was not revoked. */
export const findActiveToken = (tx: Queryable, sessionId: string) =>
  tx.maybeOne<{ readonly token: string; readonly parent: string | null }>(sql`
    select token, parent
    from auth.refresh_tokens
    where session_id = ${sessionId} and revoked is false
    order by id desc
    limit 1
  `)

/** Revokes the old token and puts the new one in its place. */
export const swapRefreshToken = async (tx: Queryable, old: RefreshTokenRow, token: string, actor: Actor) => {
  await tx.run(sql`
    with revoked as (
      update auth.refresh_tokens set revoked = true, updated_at = now() where id = ${old.id}::bigint
    ), refreshed as (
      ${auditEntry('token_refreshed', actor, null)}
    ), swapped as (
      ${auditEntry('token_revoked', actor, null)}
    )
    insert into auth.refresh_tokens (
      instance_id, token, user_id, parent, session_id, revoked, created_at, updated_at
    )
    values (${instanceId}, ${token}, ${old.user_id}, ${old.token}, ${old.session_id}, false, now(), now())
  `)
}

export const revokeTokensOfSession = (tx: Queryable, sessionId: string) =>
  tx.run(sql`
    update auth.refresh_tokens
    set revoked = true, updated_at = now()
    where session_id = ${sessionId} and revoked = false
  `)

/**
 * Notes when and from where a session was refreshed, and tells its methods, the latest first. `refreshed_at` has no time
 * zone and is in UTC, as GoTrue writes it.
 */
export const touchSession = (tx: Queryable, sessionId: string, userAgent: string | null, ip: string | null) =>
  tx.many<MethodView>(sql`
    with touched as (
      update auth.sessions
      set refreshed_at = now() at time zone 'utc', user_agent = ${userAgent}, ip = ${ip}::inet, updated_at = now()
      where id = ${sessionId}
    )
    select authentication_method as method, floor(extract(epoch from updated_at))::float8 as timestamp
    from auth.mfa_amr_claims
    where session_id = ${sessionId}
    order by updated_at desc
  `)

/** Tokens from before there were sessions. True when there was one; it is worth nothing. */
export const deleteTokenWithoutSession = async (db: Queryable, token: string) =>
  (await db.run(sql`delete from auth.refresh_tokens where token = ${token} and session_id is null`)) > 0
