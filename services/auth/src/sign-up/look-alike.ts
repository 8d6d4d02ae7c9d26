import { randomUUID } from 'node:crypto'
import type { AuthContext } from '../context.ts'
import { requestAudience } from '../sessions/audience.ts'
import type { Json, UserRow } from '../users/user.ts'

interface Claimed {
  readonly email: string | null
  readonly phone: string | null
  readonly data: Json
}

/** What somebody else's address answers, as GoTrue words it: no identities, which clients go by. */
export function lookAlike(ctx: AuthContext, { email, phone, data }: Claimed): UserRow {
  const provider = phone === null ? 'email' : 'phone'
  const now = new Date().toISOString().replace('Z', '000Z')
  return {
    id: randomUUID(),
    aud: requestAudience(ctx),
    role: '',
    email,
    phone,
    encrypted_password: null,
    email_confirmed_at: null,
    phone_confirmed_at: null,
    confirmed_at: null,
    invited_at: null,
    confirmation_sent_at: now,
    recovery_sent_at: null,
    email_change: null,
    email_change_sent_at: null,
    phone_change: null,
    phone_change_sent_at: null,
    reauthentication_sent_at: null,
    last_sign_in_at: null,
    raw_app_meta_data: { provider, providers: [provider] },
    raw_user_meta_data: data,
    created_at: now,
    updated_at: now,
    banned_until: null,
    is_banned: false,
    deleted_at: null,
    is_sso_user: false,
    is_anonymous: false,
    identities: [],
    factors: [],
  }
}
