import { sql, type Queryable, type Sql } from '@favo/postgres'
import { instanceId } from '../users/users.sql.ts'
import type { Json } from '../users/user.ts'

/** Actions and the group each belongs to, as GoTrue records them (auth internal/models/audit_log_entry.go@bc32168). */
const groups = {
  login: 'account',
  logout: 'account',
  invite_accepted: 'account',
  user_signedup: 'team',
  user_invited: 'team',
  user_deleted: 'team',
  user_modified: 'user',
  user_confirmation_requested: 'user',
  user_reauthenticate_requested: 'user',
  user_recovery_requested: 'user',
  user_repeated_signup: 'user',
  user_updated_password: 'user',
  identity_linked: 'user',
  identity_unlinked: 'user',
  token_refreshed: 'token',
  token_revoked: 'token',
  factor_in_progress: 'factor',
  factor_unenrolled: 'factor',
  challenge_created: 'factor',
  verification_attempted: 'factor',
  factor_deleted: 'factor',
  factor_updated: 'factor',
  passkey_created: 'user',
  passkey_updated: 'user',
  passkey_deleted: 'user',
} as const

export type AuditAction = keyof typeof groups

export interface Actor {
  readonly id: string
  readonly email: string | null
  readonly phone: string | null
  readonly is_sso_user: boolean
  readonly raw_user_meta_data: Json | null
}

/** The service key acts in no user's name; GoTrue writes its role where a name would be. */
export const administratorActor = (role: string): Actor => ({
  id: instanceId,
  email: role,
  phone: null,
  is_sso_user: false,
  raw_user_meta_data: null,
})

/**
 * An insert that stands alone or in a `with`: an entry costs no round trip of its own. With `from`, the name of an earlier
 * part of that `with`, there is an entry for each row of it; so none when nothing was done.
 */
export function auditEntry(action: AuditAction, actor: Actor, traits: Json | null, from?: Sql): Sql {
  const name = actor.raw_user_meta_data?.full_name
  const payload = {
    action,
    actor_id: actor.id,
    ...(name === undefined ? {} : { actor_name: name }),
    actor_username: actor.phone !== null && actor.phone !== '' ? actor.phone : (actor.email ?? ''),
    actor_via_sso: actor.is_sso_user,
    log_type: groups[action],
    ...(traits === null ? {} : { traits }),
  }
  return sql`
    insert into auth.audit_log_entries (instance_id, id, payload, created_at, ip_address)
    select ${instanceId}::uuid, gen_random_uuid(), ${JSON.stringify(payload)}::json, now(), ''
    ${from === undefined ? sql`` : sql`from ${from}`}
  `
}

export const recordAudit = (db: Queryable, action: AuditAction, actor: Actor, traits: Json | null = null) =>
  db.run(auditEntry(action, actor, traits))
