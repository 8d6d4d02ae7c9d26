import { sql, type Queryable } from '@favo/postgres'
import { stamp } from '../users/users.sql.ts'
import type { Challenge } from '../flow-states/pkce.ts'

export interface AuthorizationRow {
  readonly authorization_id: string
  readonly client_id: string
  readonly user_id: string | null
  readonly redirect_uri: string
  readonly scope: string
  readonly state: string | null
  readonly resource: string | null
  readonly nonce: string | null
  readonly code_challenge: string
  readonly code_challenge_method: Challenge['method']
  readonly status: 'pending' | 'approved' | 'denied' | 'expired'
  readonly authorization_code: string | null
  readonly is_expired: boolean
}

const columns = sql`
  authorization_id, client_id, user_id, redirect_uri, scope, state, resource, nonce, code_challenge,
  code_challenge_method::text, status::text, authorization_code, expires_at < now() as is_expired`

export interface NewAuthorization {
  readonly id: string
  readonly clientId: string
  readonly redirectUri: string
  readonly scope: string
  readonly state: string | null
  readonly resource: string | null
  readonly nonce: string | null
  readonly challenge: Challenge
}

/** GoTrue's ten minutes. */
export const insertAuthorization = async (db: Queryable, authorization: NewAuthorization) => {
  const { challenge } = authorization
  await db.run(sql`
    insert into auth.oauth_authorizations (
      id, authorization_id, client_id, redirect_uri, scope, state, resource, nonce, code_challenge,
      code_challenge_method, expires_at
    )
    values (
      gen_random_uuid(), ${authorization.id}, ${authorization.clientId}, ${authorization.redirectUri},
      ${authorization.scope}, ${authorization.state}, ${authorization.resource}, ${authorization.nonce},
      ${challenge.text}, ${challenge.method}::auth.code_challenge_method, now() + interval '10 minutes'
    )
  `)
}

/** Locked, so that of two answers to one question one counts. */
export const lockAuthorization = (tx: Queryable, id: string) =>
  tx.maybeOne<AuthorizationRow>(sql`
    select ${columns} from auth.oauth_authorizations where authorization_id = ${id} for update
  `)

export const lockAuthorizationByCode = (tx: Queryable, code: string) =>
  tx.maybeOne<AuthorizationRow>(sql`
    select ${columns}
    from auth.oauth_authorizations
    where authorization_code = ${code} and status = 'approved'
    for update
  `)

export const setAuthorizationUser = async (tx: Queryable, id: string, userId: string) => {
  await tx.run(sql`update auth.oauth_authorizations set user_id = ${userId} where authorization_id = ${id}`)
}

export const endAuthorization = async (tx: Queryable, id: string, status: 'denied' | 'expired') => {
  await tx.run(sql`
    update auth.oauth_authorizations set status = ${status}::auth.oauth_authorization_status
    where authorization_id = ${id} and status = 'pending'
  `)
}

export const approveAuthorization = async (tx: Queryable, id: string, code: string) => {
  await tx.run(sql`
    update auth.oauth_authorizations
    set status = 'approved', approved_at = now(), authorization_code = ${code}
    where authorization_id = ${id}
  `)
}

export const deleteAuthorization = async (tx: Queryable, id: string) => {
  await tx.run(sql`delete from auth.oauth_authorizations where authorization_id = ${id}`)
}

export interface ConsentRow {
  readonly client_id: string
  readonly scopes: string
  readonly granted_at: string
  readonly client_name: string | null
  readonly client_uri: string | null
  readonly logo_uri: string | null
}

const consents = sql`
  select c.client_id, c.scopes, ${stamp(sql`c.granted_at`)} as granted_at, o.client_name, o.client_uri, o.logo_uri
  from auth.oauth_consents c
  join auth.oauth_clients o on o.id = c.client_id and o.deleted_at is null`

export const listConsents = (db: Queryable, userId: string) =>
  db.many<ConsentRow>(sql`
    ${consents}
    where c.user_id = ${userId} and c.revoked_at is null
    order by c.granted_at desc
  `)

export const findConsent = (db: Queryable, userId: string, clientId: string) =>
  db.maybeOne<ConsentRow>(sql`
    ${consents}
    where c.user_id = ${userId} and c.client_id = ${clientId} and c.revoked_at is null
  `)

export const upsertConsent = async (tx: Queryable, userId: string, clientId: string, scopes: string) => {
  await tx.run(sql`
    insert into auth.oauth_consents (id, user_id, client_id, scopes)
    values (gen_random_uuid(), ${userId}, ${clientId}, ${scopes})
    on conflict on constraint oauth_consents_user_client_unique do update
    set scopes = excluded.scopes, granted_at = now(), revoked_at = null
  `)
}

/** With the sessions that the client got by it. */
export const revokeConsent = async (tx: Queryable, userId: string, clientId: string) => {
  await tx.run(sql`
    with sessions as (
      delete from auth.sessions where user_id = ${userId} and oauth_client_id = ${clientId}
    )
    update auth.oauth_consents set revoked_at = now()
    where user_id = ${userId} and client_id = ${clientId} and revoked_at is null
  `)
}

export const findSessionScopes = (db: Queryable, sessionId: string) =>
  db.maybeOne<{ readonly scopes: string | null }>(
    sql`select scopes from auth.sessions where id = ${sessionId}`,
  )
