import { sql, type Queryable } from '@favo/postgres'
import { mergedObject } from '../users/user-changes.sql.ts'
import type { Json } from '../users/user.ts'

export interface NewIdentity {
  readonly userId: string
  readonly provider: string
  /** The subject at the provider; for e-mail and phone the user's own id. */
  readonly providerId: string
  readonly data: Json
}

export const insertIdentity = async (db: Queryable, identity: NewIdentity) => {
  await db.run(sql`
    insert into auth.identities (
      id, provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at
    )
    values (
      gen_random_uuid(), ${identity.providerId}, ${identity.userId}, ${identity.data}, ${identity.provider},
      now(), now(), now()
    )
  `)
}

/** What GoTrue knows of an address that was given and not yet proved. */
export const emailIdentityData = (userId: string, email: string, isVerified = false): Json => ({
  sub: userId,
  email,
  email_verified: isVerified,
  phone_verified: false,
})

export const phoneIdentityData = (userId: string, phone: string, isVerified = false): Json => ({
  sub: userId,
  phone,
  email_verified: false,
  phone_verified: isVerified,
})

/** Changes the identity's data if it is there, else makes it. */
export const upsertIdentity = async (db: Queryable, identity: NewIdentity, changes: Json) => {
  await db.run(sql`
    insert into auth.identities as i (
      id, provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at
    )
    values (
      gen_random_uuid(), ${identity.providerId}, ${identity.userId}, ${identity.data}, ${identity.provider},
      now(), now(), now()
    )
    on conflict on constraint identities_provider_id_provider_unique do update
    set identity_data = ${mergedObject(sql`i.identity_data`, changes)}, updated_at = now()
  `)
}

export const markEmailVerified = (db: Queryable, userId: string, email: string) =>
  db.run(sql`
    update auth.identities i
    set identity_data = ${mergedObject(sql`i.identity_data`, { email_verified: true })}, updated_at = now()
    where i.user_id = ${userId} and i.email = ${email}
  `)
