import { randomUUID } from 'node:crypto'
import { sql, type Queryable } from '@favo/postgres'
import { FLOW_SECONDS } from '../flow-states/flow-states.sql.ts'
import type { Challenge } from '../flow-states/pkce.ts'

export interface NewExternalFlow {
  /** Goes through the browser as `state`. */
  readonly id: string
  readonly provider: string
  readonly method: 'oauth' | 'sso/saml'
  readonly challenge: Challenge | null
  readonly inviteToken: string
  readonly redirectTo: string
  /** What only we may know until the browser is back; null when there is nothing. */
  readonly secret: string | null
  readonly linkingTargetId: string | null
  readonly emailOptional: boolean
}

/** The code of the PKCE flow is made now, and good once the browser is back. */
export const insertExternalFlow = async (db: Queryable, flow: NewExternalFlow) => {
  const { challenge } = flow
  await db.run(sql`
    with secret as (
      insert into auth.oauth_client_states (id, provider_type, code_verifier, created_at)
      select gen_random_uuid(), ${flow.provider}, ${flow.secret}, now()
      where ${flow.secret}::text is not null
      returning id
    )
    insert into auth.flow_state (
      id, user_id, auth_code, code_challenge_method, code_challenge, provider_type, provider_access_token,
      provider_refresh_token, authentication_method, invite_token, referrer, oauth_client_state_id,
      linking_target_id, email_optional, created_at, updated_at
    )
    values (
      ${flow.id}, null, ${challenge === null ? null : randomUUID()},
      ${challenge?.method ?? null}::auth.code_challenge_method, ${challenge?.text ?? null},
      ${flow.provider}, '', '', ${flow.method},
      ${flow.inviteToken === '' ? null : flow.inviteToken}, ${flow.redirectTo}, (select id from secret),
      ${flow.linkingTargetId}::uuid, ${flow.emailOptional}, now(), now()
    )
  `)
}

export interface ExternalFlowRow {
  readonly id: string
  readonly provider_type: string
  readonly is_pkce: boolean
  readonly is_expired: boolean
  readonly is_used: boolean
  readonly auth_code: string | null
  readonly invite_token: string | null
  readonly referrer: string | null
  readonly oauth_client_state_id: string | null
  readonly linking_target_id: string | null
  readonly email_optional: boolean
}

/** Flows that began with a mail are none of these: no browser comes back with their id. */
export const findExternalFlow = (db: Queryable, id: string) =>
  db.maybeOne<ExternalFlowRow>(sql`
    select id, provider_type, code_challenge is not null as is_pkce,
      created_at < now() - make_interval(secs => ${FLOW_SECONDS}) as is_expired,
      user_id is not null as is_used,
      auth_code, invite_token, referrer, oauth_client_state_id, linking_target_id, email_optional
    from auth.flow_state
    where id = ${id} and authentication_method = 'oauth'
  `)

/** Good once. Undefined when it is gone, null when there was none to keep. */
export const takeSecret = async (db: Queryable, id: string) => {
  const row = await db.maybeOne<{ readonly code_verifier: string | null }>(sql`
    delete from auth.oauth_client_states where id = ${id} returning code_verifier
  `)
  return row === null ? undefined : row.code_verifier
}

/** Of two browsers that come back with one state, one gets in. False for the other. */
export const finishPkceFlow = async (
  tx: Queryable,
  id: string,
  userId: string,
  tokens: { readonly accessToken: string; readonly refreshToken: string },
) =>
  (await tx.run(sql`
    update auth.flow_state
    set user_id = ${userId}, provider_access_token = ${tokens.accessToken},
        provider_refresh_token = ${tokens.refreshToken}, auth_code_issued_at = now(), updated_at = now()
    where id = ${id} and user_id is null
  `)) === 1

export const finishImplicitFlow = async (tx: Queryable, id: string) =>
  (await tx.run(sql`delete from auth.flow_state where id = ${id}`)) === 1
