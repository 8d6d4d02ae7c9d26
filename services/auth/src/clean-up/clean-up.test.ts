import { sql, type Queryable } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuth, type TestAuth } from '../../test/start-auth.ts'
import { effectiveSettings } from '../settings.ts'
import { BATCH, cleanUp, stepCount } from './clean-up.sql.ts'
import { createCleaner } from './cleaner.ts'

let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth({ cleanUpIntervalMs: 0 })
})
afterAll(() => auth.close())

const settings = () => effectiveSettings(auth.project)
const cleanAll = async (more = {}) => {
  for (let step = 0; step < stepCount; step += 1)
    while (await cleanUp(auth.admin, { ...settings(), ...more }, step));
}
const count = async (table: string, where = sql`true`, db: Queryable = auth.admin) =>
  (
    await db.one<{ count: number }>(
      sql`select count(*)::int as count from auth.${sql.ident(table)} r where ${where}`,
    )
  ).count

test('what has expired goes, what has not stays', async () => {
  const [old, ann] = [await auth.ann(), await auth.ann()]
  await auth.refresh(ann.refreshToken)
  await auth.admin.run(sql`
    update auth.sessions set not_after = now() - interval '4 days' where user_id = ${old.id}`)
  for (const [days, id] of [
    [2, '10000000-0000-4000-8000-000000000000'],
    [0, '20000000-0000-4000-8000-000000000000'],
  ] as const) {
    const at = sql`now() - make_interval(days => ${days}, mins => 1)`
    await auth.admin.run(sql`
      insert into auth.flow_state (id, provider_type, authentication_method, created_at)
      values (${id}, 'google', 'oauth', ${at})`)
    await auth.admin.run(sql`
      insert into auth.oauth_client_states (id, provider_type, created_at) values (${id}, 'google', ${at})`)
    await auth.admin.run(sql`
      insert into auth.mfa_factors (id, user_id, factor_type, status, created_at, updated_at, secret)
      values (${id}, ${ann.id}, 'totp', 'unverified', ${at}, now(), 's')`)
    await auth.admin.run(sql`
      insert into auth.mfa_challenges (id, factor_id, created_at, ip_address)
      values (${id}, '10000000-0000-4000-8000-000000000000', ${at}, '127.0.0.1')`)
    await auth.admin.run(sql`
      insert into auth.one_time_tokens (id, user_id, token_type, token_hash, relates_to, created_at, updated_at)
      values (${id}, ${ann.id}, ${days === 2 ? 'recovery_token' : 'confirmation_token'}::auth.one_time_token_type,
        'hash', 'ann', (${at}) at time zone 'utc', now())`)
    await auth.admin.run(sql`
      insert into auth.webauthn_challenges (id, challenge_type, session_data, expires_at)
      values (${id}, 'registration', '{}', now() + make_interval(days => 1 - ${days}))`)
  }
  await cleanAll()
  for (const table of [
    'flow_state',
    'oauth_client_states',
    'mfa_factors',
    'one_time_tokens',
    'webauthn_challenges',
  ])
    expect(await count(table), table).toBe(1)
  // Went with its factor, or for its age.
  expect(await count('mfa_challenges')).toBe(0)
  expect(await count('sessions', sql`r.user_id = ${old.id}`)).toBe(0)
  expect(await count('sessions', sql`r.user_id = ${ann.id}`)).toBe(1)
  expect(await count('refresh_tokens', sql`r.user_id = ${ann.id}`)).toBe(2)
  await auth.admin.run(sql`update auth.refresh_tokens set updated_at = now() - interval '2 days'`)
  await cleanAll()
  expect(await count('refresh_tokens', sql`r.user_id = ${ann.id}`)).toBe(1)
})

test('sessions go a day after the limits that the project set, and not where it set none', async () => {
  const ann = await auth.ann()
  const mine = sql`r.user_id = ${ann.id}`
  await auth.admin.run(sql`
    update auth.sessions set created_at = now() - interval '30 hours', refreshed_at = null where user_id = ${ann.id}`)
  await cleanAll()
  await cleanAll({ sessionsTimeboxSeconds: 8 * 3_600, sessionsInactivityTimeoutSeconds: 8 * 3_600 })
  expect(await count('sessions', mine)).toBe(1)
  await cleanAll({ sessionsInactivityTimeoutSeconds: 3_600 })
  expect(await count('sessions', mine)).toBe(0)
})

test('the audit log is kept unless the project wants it shorter', async () => {
  await auth.ann()
  await auth.admin.run(sql`update auth.audit_log_entries set created_at = now() - interval '40 days'`)
  const before = await count('audit_log_entries')
  await cleanAll()
  expect(await count('audit_log_entries')).toBe(before)
  await auth.ann()
  await cleanAll({ auditLogRetentionDays: 30 })
  expect(await count('audit_log_entries', sql`r.created_at < now() - interval '1 day'`)).toBe(0)
  expect(await count('audit_log_entries')).toBeGreaterThan(0)
})

test('a batch is bounded, and rows that somebody holds are left', async () => {
  await auth.admin.run(sql`
    insert into auth.flow_state (id, provider_type, authentication_method, created_at)
    select gen_random_uuid(), 'google', 'oauth', now() - interval '2 days' from generate_series(1, ${BATCH + 20})`)
  const old = sql`r.created_at < now() - interval '1 day'`
  await auth.admin.transaction(async (tx) => {
    const held = await tx.many(sql`select id from auth.flow_state r where ${old} limit 10 for update`)
    expect(held).toHaveLength(10)
    const batches: boolean[] = []
    for (let step = 0; step < stepCount; step += 1)
      batches.push(await cleanUp(auth.db.asService('supabase_auth_admin', 'test'), settings(), step))
    expect(batches.filter(Boolean)).toHaveLength(1)
    expect(await count('flow_state', old, tx)).toBe(20)
    await cleanAllElsewhere()
    expect(await count('flow_state', old, tx)).toBe(10)
  })
})
const cleanAllElsewhere = async () => {
  const db = auth.db.asService('supabase_auth_admin', 'test')
  for (let step = 0; step < stepCount; step += 1) await cleanUp(db, settings(), step)
}

test('requests do the cleaning, and nothing else does', async () => {
  await auth.admin.run(sql`
    insert into auth.flow_state (id, provider_type, authentication_method, created_at)
    values (gen_random_uuid(), 'google', 'oauth', now() - interval '2 days')`)
  const left = () => count('flow_state', sql`r.created_at < now() - interval '1 day'`)
  for (let request = 0; request < 200 && (await left()) > 0; request += 1) await auth.get('/settings')
  expect(await left()).toBe(0)
})

test('a step that fails gives way to the next, and turns are far apart', async () => {
  let now = 0
  let asked = 0
  const cleaner = createCleaner({ intervalMs: 60_000, now: () => now })
  const ask = async () => {
    cleaner.afterRequest({
      ref: 'a',
      settings: settings(),
      db: () => {
        asked += 1
        throw new Error('no database')
      },
      log: () => ({ info: () => undefined }) as never,
    })
    await cleaner.close()
  }
  for (let request = 0; request < 10; request += 1) await ask()
  expect(asked).toBe(0)
  for (let minute = 1; minute <= 3; minute += 1) {
    now += 60_000
    await ask()
    await ask()
    expect(asked).toBe(minute)
  }
})
