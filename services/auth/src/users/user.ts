/** A value of a jsonb object column. */
export type Json = Readonly<Record<string, unknown>>

/**
 * A user with identities and factors, as `userColumns` selects them. Timestamps are texts as GoTrue shows them, in UTC
 * with microseconds.
 */
export interface UserRow {
  readonly id: string
  readonly aud: string | null
  readonly role: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly encrypted_password: string | null
  readonly email_confirmed_at: string | null
  readonly phone_confirmed_at: string | null
  readonly confirmed_at: string | null
  readonly invited_at: string | null
  readonly confirmation_sent_at: string | null
  readonly recovery_sent_at: string | null
  readonly email_change: string | null
  readonly email_change_sent_at: string | null
  readonly phone_change: string | null
  readonly phone_change_sent_at: string | null
  readonly reauthentication_sent_at: string | null
  readonly last_sign_in_at: string | null
  readonly raw_app_meta_data: Json | null
  readonly raw_user_meta_data: Json | null
  readonly created_at: string | null
  readonly updated_at: string | null
  readonly banned_until: string | null
  /** By the database's clock. */
  readonly is_banned: boolean
  readonly deleted_at: string | null
  readonly is_sso_user: boolean
  readonly is_anonymous: boolean
  readonly identities: readonly IdentityView[]
  readonly factors: readonly FactorView[]
}

/** An identity as clients see it: `identity_id` is the row's id, `id` the provider's. */
export interface IdentityView {
  readonly identity_id: string
  readonly id: string
  readonly user_id: string
  readonly identity_data: Json
  readonly provider: string
  readonly last_sign_in_at: string | null
  readonly created_at: string
  readonly updated_at: string
  readonly email?: string
}

/** A factor as clients see it; its secret is never selected. */
export interface FactorView {
  readonly id: string
  readonly created_at: string
  readonly updated_at: string
  readonly status: 'unverified' | 'verified'
  readonly friendly_name?: string
  readonly factor_type: 'totp' | 'phone' | 'webauthn'
  readonly phone: string | null
  readonly last_challenged_at: string | null
}

export const isConfirmed = (user: UserRow): boolean => user.email_confirmed_at !== null
export const isPhoneConfirmed = (user: UserRow): boolean => user.phone_confirmed_at !== null
export const hasPassword = (user: UserRow): boolean =>
  user.encrypted_password !== null && user.encrypted_password !== ''
export const hasVerifiedFactor = (user: UserRow): boolean =>
  user.factors.some((factor) => factor.status === 'verified')
