import { sql, type Queryable } from '@favo/postgres'
import { auditEntry, type Actor } from '../audit/audit.sql.ts'
import type { FlowMethod } from '../flow-states/flow-states.sql.ts'
import { instanceId, stamp, userColumns } from '../users/users.sql.ts'
import type { Json, UserRow } from '../users/user.ts'

/** How somebody proved who he is, as `amr` names it. */
export type AuthenticationMethod =
  'password' | 'anonymous' | 'otp' | 'passkey' | 'web3' | 'oauth_provider/authorization_code' | FlowMethod

/** Of a session, what an access token says about it. */
export interface SessionRow {
  readonly id: string
  readonly aal: 'aal1' | 'aal2' | 'aal3' | null
  /** By the database's clock: past its own end (not_after). */
  readonly is_expired: boolean
  /** Begun within the last day. */
  readonly is_recent: boolean
}

/** What sessions have that began in a special way. */
export interface SessionOrigin {
  /** The session ends then, whatever the project's limits are: the identity provider wants it. */
  readonly notAfter?: Date | null
  /** The client of the project's OAuth server that the session was given to. */
  readonly oauthClient?: { readonly id: string; readonly scopes: string } | null
}

export interface SessionStart extends SessionOrigin {
  readonly userId: string
  /** What the password was compared with; null where no password was asked for. */
  readonly passwordHash: string | null
  readonly refreshToken: string
  readonly method: AuthenticationMethod
  readonly userAgent: string | null
  readonly ip: string | null
  readonly actor: Actor
  readonly traits: Json | null
}

export interface StartedSession {
  readonly id: string
  /** Seconds since 1970. */
  readonly started_at: number
  /** The user's, after this sign-in. */
  readonly last_sign_in_at: string
  readonly updated_at: string
}

/**
 * A session with its first refresh token, in one statement. Null when the user has gone, was banned, or changed the
 * password since it was compared: a sign-in that raced with a change of password must not outlive it.
 */
export const startSession = (db: Queryable, start: SessionStart) =>
  db.maybeOne<StartedSession>(sql`
    with signed_in as (
      update auth.users u
      set last_sign_in_at = now(), updated_at = now()
      where u.id = ${start.userId}
        and (u.banned_until is null or u.banned_until <= now())
        and (${start.passwordHash}::text is null or u.encrypted_password = ${start.passwordHash}::text)
      returning u.id, u.last_sign_in_at, u.updated_at
    ), session as (
      insert into auth.sessions (
        id, user_id, created_at, updated_at, aal, user_agent, ip, not_after, oauth_client_id, scopes
      )
      select gen_random_uuid(), u.id, now(), now(), 'aal1', ${start.userAgent}, ${start.ip}::inet,
        ${start.notAfter?.toISOString() ?? null}::timestamptz, ${start.oauthClient?.id ?? null}::uuid,
        ${start.oauthClient?.scopes ?? null}::text
      from signed_in u
      returning id
    ), method as (
      insert into auth.mfa_amr_claims (id, session_id, created_at, updated_at, authentication_method)
      select gen_random_uuid(), s.id, now(), now(), ${start.method}
      from session s
    ), token as (
      insert into auth.refresh_tokens (instance_id, token, user_id, session_id, revoked, created_at, updated_at)
      select ${instanceId}::uuid, ${start.refreshToken}, ${start.userId}, s.id, false, now(), now()
      from session s
    ), audit as (
      ${auditEntry('login', start.actor, start.traits, sql`signed_in`)}
    )
    select s.id, extract(epoch from now())::float8 as started_at,
      ${stamp(sql`u.last_sign_in_at`)} as last_sign_in_at, ${stamp(sql`u.updated_at`)} as updated_at
    from session s, signed_in u
  `)

/** The user of an access token and the session it names. `session` is null when there is none, or it is another user's. */
export const findUserWithSession = (db: Queryable, userId: string, sessionId: string | null) =>
  db.maybeOne<UserRow & { readonly session: SessionRow | null }>(sql`
    select ${userColumns},
      (
        select jsonb_build_object(
          'id', s.id,
          'aal', s.aal,
          'is_expired', coalesce(s.not_after < now(), false),
          'is_recent', s.created_at > now() - interval '24 hours'
        )
        from auth.sessions s
        where s.id = ${sessionId}::uuid and s.user_id = u.id
      ) as session
    from auth.users u
    where u.id = ${userId}
  `)

/** `amr` of a session, the latest first; `timestamp` in seconds. */
export interface MethodView {
  readonly method: string
  readonly timestamp: number
  /** Of single sign-on: which provider. */
  readonly provider?: string
}

/** Whether a code or a link began the session. Mirrors auth internal/models/sessions.go@bc32168 IsRecovery. */
export const isRecoverySession = async (db: Queryable, id: string) => {
  const { found } = await db.one<{ found: boolean }>(sql`
    select exists (
      select from auth.mfa_amr_claims m
      where m.session_id = ${id} and m.authentication_method in ('otp', 'magiclink', 'recovery')
    ) as found
  `)
  return found
}

// Refresh tokens and methods go with their session.

export const deleteSession = (db: Queryable, id: string) =>
  db.run(sql`delete from auth.sessions where id = ${id}`)

export const deleteSessionsOfUser = (db: Queryable, userId: string) =>
  db.run(sql`delete from auth.sessions where user_id = ${userId}`)

export const deleteOtherSessionsOfUser = (db: Queryable, userId: string, keptId: string) =>
  db.run(sql`delete from auth.sessions where user_id = ${userId} and id <> ${keptId}`)
