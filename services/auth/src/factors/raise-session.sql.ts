import { sql, type Queryable } from '@favo/postgres'
import type { MethodView } from '../sessions/sessions.sql.ts'
import { instanceId } from '../users/users.sql.ts'

/** All methods of the session then, the latest first. None when the session is gone. */
export const addMethod = (tx: Queryable, sessionId: string, method: string) =>
  tx.many<MethodView>(sql`
    with session as (
      select id from auth.sessions where id = ${sessionId} for update
    ), added as (
      insert into auth.mfa_amr_claims as m (id, session_id, created_at, updated_at, authentication_method)
      select gen_random_uuid(), s.id, now(), now(), ${method} from session s
      on conflict on constraint mfa_amr_claims_session_id_authentication_method_pkey
      do update set updated_at = now()
      returning authentication_method, updated_at
    )
    select authentication_method as method, floor(extract(epoch from updated_at))::float8 as timestamp
    from (
      select * from added
      union all
      select m.authentication_method, m.updated_at
      from auth.mfa_amr_claims m, session s
      where m.session_id = s.id and m.authentication_method <> ${method}
    ) methods
    order by updated_at desc
  `)

/** Gives the client of the project's OAuth server that holds the session; null for the project's own. */
export const setLevel = (tx: Queryable, sessionId: string, aal: string, factorId: string) =>
  tx.one<{ readonly oauth_client_id: string | null }>(sql`
    update auth.sessions
    set aal = ${aal}::auth.aal_level, factor_id = ${factorId}, updated_at = now()
    where id = ${sessionId}
    returning oauth_client_id
  `)

/** One token in the place of all. */
export const renewTokens = async (tx: Queryable, sessionId: string, userId: string, token: string) => {
  await tx.run(sql`delete from auth.refresh_tokens where session_id = ${sessionId}`)
  await tx.run(sql`
    insert into auth.refresh_tokens (instance_id, token, user_id, session_id, revoked, created_at, updated_at)
    values (${instanceId}, ${token}, ${userId}, ${sessionId}, false, now(), now())
  `)
}

export const deleteLowerSessions = (tx: Queryable, userId: string, level: string) =>
  tx.run(sql`
    delete from auth.sessions where user_id = ${userId} and aal < ${level}::auth.aal_level
  `)
