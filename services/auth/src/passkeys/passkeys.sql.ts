import { sql, type Queryable } from '@favo/postgres'
import { stamp } from '../users/users.sql.ts'
import type { Credential, CeremonySession } from '../webauthn/ceremonies.ts'

/** A passkey as clients see it. */
export interface PasskeyView {
  readonly id: string
  readonly friendly_name: string
  readonly created_at: string
  readonly last_used_at: string | null
}

const viewColumns = sql`
  c.id, c.friendly_name, ${stamp(sql`c.created_at`)} as created_at, ${stamp(sql`c.last_used_at`)} as last_used_at`

export const listPasskeys = (db: Queryable, userId: string) =>
  db.many<PasskeyView>(sql`
    select ${viewColumns} from auth.webauthn_credentials c where c.user_id = ${userId} order by c.created_at, c.id
  `)

export type StoredPasskey = PasskeyView & Pick<Credential, 'id' | 'publicKey' | 'signCount' | 'transports'>

interface StoredRow extends PasskeyView {
  readonly credential_id: string
  readonly public_key: string
  readonly sign_count: number
  readonly transports: readonly string[]
}

const storedColumns = sql`
  ${viewColumns}, encode(c.credential_id, 'base64') as credential_id,
  encode(c.public_key, 'base64') as public_key, c.sign_count::float8 as sign_count, c.transports`

const readStored = (row: StoredRow) => ({
  passkeyId: row.id,
  id: Buffer.from(row.credential_id, 'base64'),
  publicKey: Buffer.from(row.public_key, 'base64'),
  signCount: row.sign_count,
  transports: row.transports,
})

export const listCredentials = async (db: Queryable, userId: string) => {
  const rows = await db.many<StoredRow>(sql`
    select ${storedColumns} from auth.webauthn_credentials c where c.user_id = ${userId} order by c.created_at, c.id
  `)
  return rows.map(readStored)
}

/** Null when the user has no such credential. */
export const findCredential = async (db: Queryable, userId: string, credentialId: Buffer) => {
  const row = await db.maybeOne<StoredRow>(sql`
    select ${storedColumns}
    from auth.webauthn_credentials c
    where c.credential_id = decode(${credentialId.toString('hex')}, 'hex') and c.user_id = ${userId}
  `)
  return row === null ? null : readStored(row)
}

/** Null when somebody has the credential already. */
export const insertPasskey = (tx: Queryable, userId: string, name: string, credential: Credential) =>
  tx.maybeOne<PasskeyView>(sql`
    insert into auth.webauthn_credentials as c (
      id, user_id, credential_id, public_key, attestation_type, aaguid, sign_count, transports,
      backup_eligible, backed_up, friendly_name, created_at, updated_at
    )
    values (
      gen_random_uuid(), ${userId},
      decode(${credential.id.toString('hex')}, 'hex'), decode(${credential.publicKey.toString('hex')}, 'hex'),
      ${credential.attestationType}, ${credential.aaguid}::uuid, ${credential.signCount},
      ${JSON.stringify(credential.transports)}::jsonb,
      ${credential.isBackupEligible}, ${credential.isBackedUp}, ${name}, now(), now()
    )
    on conflict (credential_id) do nothing
    returning ${viewColumns}
  `)

/** False when it was used in the meantime with this count or a higher one. */
export const usePasskey = async (tx: Queryable, id: string, signCount: number) =>
  (await tx.run(sql`
    update auth.webauthn_credentials
    set sign_count = ${signCount}, last_used_at = now(), updated_at = now()
    where id = ${id} and (${signCount} = 0 or sign_count < ${signCount})
  `)) === 1

export const renamePasskey = (tx: Queryable, userId: string, id: string, name: string) =>
  tx.maybeOne<PasskeyView>(sql`
    update auth.webauthn_credentials c
    set friendly_name = ${name}, updated_at = now()
    where c.id = ${id} and c.user_id = ${userId}
    returning ${viewColumns}
  `)

export const deletePasskey = async (tx: Queryable, userId: string, id: string) =>
  (await tx.run(sql`delete from auth.webauthn_credentials where id = ${id} and user_id = ${userId}`)) === 1

export type ChallengeType = 'registration' | 'authentication'

/** Gives when it ends, in seconds since 1970. Those that ended go: anybody may ask for one. */
export const insertChallenge = async (
  db: Queryable,
  challenge: {
    readonly id: string
    readonly userId: string | null
    readonly type: ChallengeType
    readonly session: CeremonySession
    readonly expireSeconds: number
  },
) => {
  const { expires_at } = await db.one<{ expires_at: number }>(sql`
    with ended as (
      delete from auth.webauthn_challenges where expires_at < now() - interval '1 hour'
    )
    insert into auth.webauthn_challenges (id, user_id, challenge_type, session_data, expires_at)
    values (
      ${challenge.id}, ${challenge.userId}, ${challenge.type}, ${{ ...challenge.session }},
      now() + make_interval(secs => ${challenge.expireSeconds})
    )
    returning floor(extract(epoch from expires_at))::float8 as expires_at
  `)
  return expires_at
}

/** Takes the challenge away, so that it is answered once, right or wrong. */
export const takeChallenge = (db: Queryable, id: string, type: ChallengeType, userId: string | null) =>
  db.maybeOne<{ readonly session: CeremonySession; readonly is_expired: boolean }>(sql`
    delete from auth.webauthn_challenges
    where id = ${id} and challenge_type = ${type} and user_id is not distinct from ${userId}::uuid
    returning session_data as session, expires_at < now() as is_expired
  `)
