import { sql, type Queryable, type Sql } from '@favo/postgres'
import type { EffectiveSettings } from '../settings.ts'

/** So many rows at once: a statement takes a few milliseconds, whatever has piled up. */
export const BATCH = 100

interface Step {
  readonly table: string
  /** Which rows have had their time; null = the project does not want it. */
  readonly expired: (settings: EffectiveSettings) => Sql | null
  readonly batch?: number
}

const day = sql`interval '24 hours'`
const seconds = (count: number) => sql`make_interval(secs => ${count})`
const dayOld = () => sql`r.created_at < now() - ${day}`

/**
 * What nobody can use any more. Mirrors auth internal/models/cleanup.go@bc32168; codes and authorizations are ours.
 * Anonymous users are left alone: what a project keeps of them goes with them, and that is the project's to decide.
 */
const steps: readonly Step[] = [
  { table: 'refresh_tokens', expired: () => sql`r.revoked and r.updated_at < now() - ${day}` },
  // Few: tokens and methods go with their session.
  { table: 'sessions', expired: () => sql`r.not_after < now() - interval '72 hours'`, batch: 10 },
  {
    table: 'sessions',
    expired: ({ sessionsTimeboxSeconds: limit }) =>
      limit === 0 ? null : sql`r.created_at + ${seconds(limit)} < now() - ${day}`,
  },
  {
    table: 'sessions',
    expired: ({ sessionsInactivityTimeoutSeconds: limit }) =>
      limit === 0
        ? null
        : sql`coalesce(r.refreshed_at at time zone 'utc', r.created_at) + ${seconds(limit)} < now() - ${day}`,
  },
  { table: 'saml_relay_states', expired: dayOld },
  { table: 'flow_state', expired: dayOld },
  { table: 'oauth_client_states', expired: dayOld },
  {
    table: 'oauth_authorizations',
    expired: () => sql`r.status <> 'approved' and r.expires_at < now() - ${day}`,
  },
  { table: 'mfa_challenges', expired: dayOld },
  { table: 'mfa_factors', expired: () => sql`r.status = 'unverified' and r.created_at < now() - ${day}` },
  { table: 'webauthn_challenges', expired: () => sql`r.expires_at < now()` },
  {
    table: 'one_time_tokens',
    // Without a time zone, in UTC.
    expired: ({ mailerOtpExpSeconds, smsOtpExpSeconds }) =>
      sql`r.created_at < (now() at time zone 'utc') - ${seconds(Math.max(mailerOtpExpSeconds, smsOtpExpSeconds))} - ${day}`,
  },
  {
    table: 'audit_log_entries',
    expired: ({ auditLogRetentionDays: days }) =>
      days === 0 ? null : sql`r.created_at < now() - make_interval(days => ${days})`,
  },
]

export const stepCount = steps.length

/** Removes a batch of one step. True when there may be more. Rows that others hold are left for another time. */
export async function cleanUp(db: Queryable, settings: EffectiveSettings, step: number): Promise<boolean> {
  const { table, expired, batch = BATCH } = steps[step % stepCount] ?? {}
  const condition = expired?.(settings) ?? null
  if (table === undefined || condition === null) return false
  const name = sql`auth.${sql.ident(table)}`
  const removed = await db.run(sql`
    delete from ${name}
    where id in (select r.id from ${name} r where ${condition} limit ${batch} for update skip locked)
  `)
  return removed >= batch
}
