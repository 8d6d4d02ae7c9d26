import { sql, type Queryable } from '@favo/postgres'
import type { PublicJwk, SigningAlgorithm, SigningKeyStatus } from '@favo/tokens'
import { isoTime } from '../iso-time.ts'

export interface SigningKeyRow {
  readonly id: string
  readonly algorithm: SigningAlgorithm
  readonly status: SigningKeyStatus
  readonly is_legacy: boolean
  readonly public_jwk: PublicJwk | null
  readonly created_at: string
  readonly updated_at: string
}

const columns = sql`
  id, algorithm, status, is_legacy, public_jwk,
  ${isoTime('created_at')} as created_at, ${isoTime('updated_at')} as updated_at`

export const listSigningKeys = (db: Queryable, ref: string) =>
  db.many<SigningKeyRow>(sql`
    select ${columns} from control.signing_keys where ref = ${ref} order by signing_keys.created_at, is_legacy desc, id`)

export const findSigningKey = (db: Queryable, ref: string, id: string) =>
  db.maybeOne<SigningKeyRow>(sql`
    select ${columns} from control.signing_keys where ref = ${ref} and id = ${id}::uuid`)

/** Changes of one project's keys take turns. */
export const lockProject = (tx: Queryable, ref: string) =>
  tx.maybeOne(sql`select ref from control.projects where ref = ${ref} for update`)

/** The secret as a key. It signs until another key takes its place. */
export const insertLegacyKeyOnce = (tx: Queryable, ref: string) =>
  tx.run(sql`
    insert into control.signing_keys (id, kid, ref, algorithm, status, is_legacy, public_jwk, sealed)
    select id, id::text, ${ref}, 'HS256', 'in_use', true, null, null
    from gen_random_uuid() as id
    on conflict do nothing`)

export const retireKeyInUse = (tx: Queryable, ref: string) =>
  tx.run(sql`
    update control.signing_keys set status = 'previously_used', updated_at = now()
    where ref = ${ref} and status = 'in_use'`)

/** Null when the project has a key of that name. */
export const insertSigningKey = (
  tx: Queryable,
  ref: string,
  key: {
    readonly id: string
    /** What tokens call it. */
    readonly kid: string
    readonly algorithm: SigningAlgorithm
    readonly status: SigningKeyStatus
    readonly publicJwk: PublicJwk | null
    readonly sealed: string
  },
) =>
  tx.maybeOne<SigningKeyRow>(sql`
    insert into control.signing_keys (id, kid, ref, algorithm, status, public_jwk, sealed)
    values (${key.id}, ${key.kid}, ${ref}, ${key.algorithm}, ${key.status}, ${key.publicJwk}, ${key.sealed})
    on conflict on constraint signing_keys_kid_key do nothing
    returning ${columns}`)

export const setSigningKeyStatus = (tx: Queryable, ref: string, id: string, status: SigningKeyStatus) =>
  tx.one<SigningKeyRow>(sql`
    update control.signing_keys set status = ${status}, updated_at = now()
    where ref = ${ref} and id = ${id}::uuid
    returning ${columns}`)

export const deleteSigningKey = (tx: Queryable, ref: string, id: string) =>
  tx.run(sql`delete from control.signing_keys where ref = ${ref} and id = ${id}::uuid`)
