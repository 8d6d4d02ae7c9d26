import { sql, type Queryable } from '@favo/postgres'
import { stamp } from '../users/users.sql.ts'
import type { FactorView, Json } from '../users/user.ts'
import type { FactorName } from './factor-errors.ts'

/** A factor as stored. */
export interface FactorRow extends FactorView {
  readonly user_id: string
  readonly secret: string | null
  /** Seconds since the last challenge, by the database's clock. */
  readonly challenged_seconds_ago: number | null
  readonly web_authn_credential: Json | null
}

const factorColumns = sql`
  f.id, f.user_id, f.friendly_name, f.factor_type, f.status, f.secret, f.phone, f.web_authn_credential,
  ${stamp(sql`f.created_at`)} as created_at,
  ${stamp(sql`f.updated_at`)} as updated_at,
  ${stamp(sql`f.last_challenged_at`)} as last_challenged_at,
  extract(epoch from now() - f.last_challenged_at)::float8 as challenged_seconds_ago`

/** Null when the user has no such factor: one of somebody else is as good as none. */
export const findFactor = (db: Queryable, userId: string, id: string) =>
  db.maybeOne<FactorRow>(sql`
    select ${factorColumns} from auth.mfa_factors f where f.id = ${id} and f.user_id = ${userId}
  `)

export interface NewFactor {
  readonly id: string
  readonly userId: string
  readonly type: FactorName
  readonly friendlyName: string
  readonly phone: string | null
  readonly secret: string | null
}

export const insertFactor = (tx: Queryable, factor: NewFactor) =>
  tx.run(sql`
    insert into auth.mfa_factors (
      id, user_id, friendly_name, factor_type, status, created_at, updated_at, secret, phone
    )
    values (
      ${factor.id}, ${factor.userId}, ${factor.friendlyName}, ${factor.type}::auth.factor_type, 'unverified',
      now(), now(), ${factor.secret}, ${factor.phone}
    )
  `)

/** Enrollments that nobody went on with, of this user; GoTrue clears all users' at this moment. */
export const deleteExpiredFactors = (tx: Queryable, userId: string, expireSeconds: number) =>
  tx.run(sql`
    delete from auth.mfa_factors f
    where f.user_id = ${userId}
      and f.status <> 'verified'
      and f.created_at < now() - make_interval(secs => ${expireSeconds})
      and not exists (select from auth.mfa_challenges c where c.factor_id = f.id)
  `)

export const deleteUnverifiedPhone = (tx: Queryable, userId: string, phone: string) =>
  tx.run(sql`
    delete from auth.mfa_factors
    where user_id = ${userId} and phone = ${phone} and factor_type = 'phone' and status = 'unverified'
  `)

export const deleteUnverifiedFactors = (tx: Queryable, userId: string, type: FactorName) =>
  tx.run(sql`
    delete from auth.mfa_factors
    where user_id = ${userId} and factor_type = ${type}::auth.factor_type and status = 'unverified'
  `)

/** Turns are taken by user, so that two enrollments at once cannot both be the last that is allowed. */
export const lockUser = (tx: Queryable, userId: string) =>
  tx.maybeOne(sql`select u.id from auth.users u where u.id = ${userId} for no key update`)

export const listFactors = (tx: Queryable, userId: string) =>
  tx.many<FactorRow>(sql`
    select ${factorColumns} from auth.mfa_factors f where f.user_id = ${userId} order by f.created_at, f.id
  `)

export const markVerified = (tx: Queryable, id: string) =>
  tx.run(sql`update auth.mfa_factors set status = 'verified', updated_at = now() where id = ${id}`)

/** The methods by which sessions show that a factor was used. */
export const factorMethods = { totp: 'totp', phone: 'mfa/phone', webauthn: 'mfa/webauthn' } as const

/** Removes the factor; sessions that owe it their second level fall back to the first. */
export const deleteFactor = (tx: Queryable, { id, user_id, factor_type }: FactorRow) =>
  tx.run(sql`
    with fallen as (
      update auth.sessions s
      set aal = 'aal1', factor_id = null
      where s.user_id = ${user_id} and s.factor_id = ${id}
      returning s.id
    ), methods as (
      delete from auth.mfa_amr_claims m
      using fallen
      where m.session_id = fallen.id and m.authentication_method = ${factorMethods[factor_type]}
    )
    delete from auth.mfa_factors where id = ${id}
  `)

export const changeFactor = (tx: Queryable, id: string, change: { friendlyName: string; phone: string }) =>
  tx.run(sql`
    update auth.mfa_factors
    set friendly_name = case when ${change.friendlyName} = '' then friendly_name else ${change.friendlyName} end,
        phone = case when ${change.phone} = '' then phone else ${change.phone} end,
        updated_at = now()
    where id = ${id}
  `)

export const saveCredential = (tx: Queryable, id: string, credential: Json, aaguid: string) =>
  tx.run(sql`
    update auth.mfa_factors
    set web_authn_credential = ${credential}, web_authn_aaguid = ${aaguid}::uuid, updated_at = now()
    where id = ${id}
  `)

/** What the project's owner may want to look at later: the answer to the last challenge. */
export const saveLastChallenge = (tx: Queryable, id: string, data: Json) =>
  tx.run(sql`
    update auth.mfa_factors set last_webauthn_challenge_data = ${data}, updated_at = now() where id = ${id}
  `)
