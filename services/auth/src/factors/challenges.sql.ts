import { sql, type Queryable } from '@favo/postgres'
import type { Json } from '../users/user.ts'

/** How long a challenge can be met. GoTrue's default. */
export const CHALLENGE_SECONDS = 300

export interface ChallengeRow {
  readonly id: string
  readonly otp_code: string | null
  readonly web_authn_session_data: Json | null
  readonly is_same_address: boolean
  readonly is_met: boolean
  readonly is_expired: boolean
}

export interface NewChallenge {
  readonly id: string
  readonly factorId: string
  readonly ip: string
  readonly code: string | null
  readonly session: Json | null
}

/** Gives when it ends, in seconds since 1970. `last_challenged_at` is unique, so it is the clock's and not the transaction's. */
export const insertChallenge = async (tx: Queryable, challenge: NewChallenge) => {
  const { expires_at } = await tx.one<{ expires_at: number }>(sql`
    with challenged as (
      update auth.mfa_factors set last_challenged_at = clock_timestamp() where id = ${challenge.factorId}
    )
    insert into auth.mfa_challenges (id, factor_id, created_at, ip_address, otp_code, web_authn_session_data)
    values (
      ${challenge.id}, ${challenge.factorId}, now(), ${challenge.ip}::inet, ${challenge.code}, ${challenge.session}
    )
    returning floor(extract(epoch from created_at + make_interval(secs => ${CHALLENGE_SECONDS})))::float8 as expires_at
  `)
  return expires_at
}

export const findChallenge = (db: Queryable, factorId: string, id: string, ip: string) =>
  db.maybeOne<ChallengeRow>(sql`
    select c.id, c.otp_code, c.web_authn_session_data,
      c.ip_address = ${ip}::inet as is_same_address,
      c.verified_at is not null as is_met,
      c.created_at < now() - make_interval(secs => ${CHALLENGE_SECONDS}) as is_expired
    from auth.mfa_challenges c
    where c.id = ${id} and c.factor_id = ${factorId}
  `)

/** False when somebody met it in the meantime: of two answers to one challenge one counts. */
export const meetChallenge = async (tx: Queryable, id: string) =>
  (await tx.run(
    sql`update auth.mfa_challenges set verified_at = now() where id = ${id} and verified_at is null`,
  )) === 1

/** False when it was gone already. */
export const deleteChallenge = async (tx: Queryable, id: string) =>
  (await tx.run(sql`delete from auth.mfa_challenges where id = ${id}`)) === 1
