import { sql, type Queryable } from '@favo/postgres'
import type { EffectiveSettings } from '../settings.ts'

/** Why a session may not go on; null when it may. */
export type SessionProblem = 'timebox' | 'inactivity' | 'superseded' | null

/**
 * Whether the project's limits have ended a session. Costs nothing where there are none. `tokenId` is the refresh token
 * that was shown: a session that was never refreshed was last used when that token was made.
 * Mirrors auth internal/models/sessions.go@bc32168 CheckValidity, and tokens/service.go for the limit of one per user.
 */
export async function findSessionProblem(
  db: Queryable,
  settings: EffectiveSettings,
  sessionId: string,
  tokenId: string | null,
): Promise<SessionProblem> {
  const timebox = settings.sessionsTimeboxSeconds
  const inactivity = settings.sessionsInactivityTimeoutSeconds
  const isSingle = settings.sessionsSinglePerUser
  if (timebox === 0 && inactivity === 0 && !isSingle) return null

  const { problem } = await db.one<{ problem: SessionProblem }>(sql`
    with sessions as (
      select s.id, s.user_id, s.not_after,
        s.created_at + make_interval(secs => ${timebox}) as ends_at,
        coalesce(
          s.refreshed_at at time zone 'utc',
          greatest(s.created_at, (
            select t.updated_at from auth.refresh_tokens t
            where t.id = ${tokenId}::bigint and t.session_id = s.id
          ))
        ) as used_at
      from auth.sessions s
      where s.user_id = (select user_id from auth.sessions where id = ${sessionId})
    ), judged as (
      select *,
        case
          when ${timebox} > 0 and now() > ends_at then 'timebox'
          when ${inactivity} > 0 and now() > used_at + make_interval(secs => ${inactivity}) then 'inactivity'
        end as problem
      from sessions
    )
    select coalesce(
      mine.problem,
      case when ${isSingle} and exists (
        select from judged o
        where o.id <> mine.id and o.problem is null and coalesce(o.not_after > now(), true)
          and o.used_at > mine.used_at
      ) then 'superseded' end
    ) as problem
    from judged mine
    where mine.id = ${sessionId}
  `)
  return problem
}
