import { randomUUID } from 'node:crypto'
import { sql, type Queryable } from '@favo/postgres'
import type { Challenge } from './pkce.ts'

/** How the session that comes out of a flow was proved; `amr` of its token. */
export type FlowMethod =
  'email/signup' | 'invite' | 'magiclink' | 'recovery' | 'email_change' | 'oauth' | 'sso/saml'

/** How long a flow may take from its start, or from when its code was given out. GoTrue's default. */
export const FLOW_SECONDS = 300

/** Nothing is stored for a user who is not there. */
export const insertFlow = async (
  db: Queryable,
  userId: string,
  method: FlowMethod,
  provider: string,
  challenge: Challenge,
) => {
  await db.run(sql`
    insert into auth.flow_state (
      id, user_id, auth_code, code_challenge_method, code_challenge, provider_type,
      provider_access_token, provider_refresh_token, authentication_method, created_at, updated_at
    )
    select gen_random_uuid(), u.id, ${randomUUID()}, ${challenge.method}::auth.code_challenge_method,
      ${challenge.text}, ${provider}, '', '', ${method}, now(), now()
    from auth.users u
    where u.id = ${userId}
  `)
}

/** The code of the user's latest flow of this kind; from now on it can be exchanged. Null when there is none. */
export const issueAuthCode = async (tx: Queryable, userId: string, method: FlowMethod) => {
  const row = await tx.maybeOne<{ auth_code: string }>(sql`
    update auth.flow_state
    set auth_code_issued_at = now(), updated_at = now()
    where id = (
      select id from auth.flow_state
      where user_id = ${userId} and authentication_method = ${method} and code_challenge is not null
      order by created_at desc
      limit 1
    )
    returning auth_code
  `)
  return row?.auth_code ?? null
}

export interface FlowRow {
  readonly id: string
  readonly user_id: string
  readonly authentication_method: FlowMethod
  readonly provider_type: string
  /** Of the provider that the user came from; empty in flows that began with a mail. */
  readonly provider_access_token: string | null
  readonly provider_refresh_token: string | null
  readonly code_challenge: string
  readonly code_challenge_method: Challenge['method']
  readonly is_expired: boolean
}

/** Locked, so that of two exchanges of one code only one succeeds. A code that was not given out yet is none. */
export const lockFlow = (tx: Queryable, authCode: string) =>
  tx.maybeOne<FlowRow>(sql`
    select id, user_id, authentication_method, code_challenge, code_challenge_method::text,
      provider_type, provider_access_token, provider_refresh_token,
      auth_code_issued_at < now() - make_interval(secs => ${FLOW_SECONDS}) as is_expired
    from auth.flow_state
    where auth_code = ${authCode} and auth_code_issued_at is not null and user_id is not null
    for update
  `)

export const deleteFlow = (tx: Queryable, id: string) =>
  tx.run(sql`delete from auth.flow_state where id = ${id}`)
