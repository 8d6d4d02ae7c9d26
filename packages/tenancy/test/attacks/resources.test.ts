import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startCluster, type TestCluster } from '@favo/testkit'
import type { Watchdog, WatchdogThresholds } from '@favo/tenancy'
import type { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { attempt, eventually, expectDone, expectRefused, startTenants, type Tenants } from '../tenants.ts'

// What Postgres lets one user take away from all: R01 … R15. In a cluster of its own, because these tests do harm.
let cluster: TestCluster
let tenants: Tenants
const watchdogs: Watchdog[] = []
beforeAll(async () => {
  cluster = await startCluster({ max_notify_queue_pages: '64', max_locks_per_transaction: '64' })
  tenants = await startTenants(cluster)
})
afterEach(async () => {
  for (const watchdog of watchdogs.splice(0)) await watchdog.stop()
})
afterAll(async () => {
  await tenants.close()
  await cluster.stop()
})

/** Thresholds so high that nothing happens, but for the one under test. */
const calm: WatchdogThresholds = {
  transactionAgeMs: 3_600_000,
  idleInTransactionMs: 3_600_000,
  locksMax: 1_000_000,
  blockingMs: 3_600_000,
  notifyQueueShare: 1,
  notifyPinMs: 3_600_000,
  transactionIdsPerSecond: 1e9,
  oldestDatabaseAge: 2e9,
}
const watch = (thresholds: Partial<WatchdogThresholds>, intervalMs = 3_600_000): Watchdog => {
  const watchdog = tenants.tenancy.startWatchdog({ intervalMs, thresholds: { ...calm, ...thresholds } })
  watchdogs.push(watchdog)
  return watchdog
}

const pidOf = async (client: Client) =>
  (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0

describe('limits of Postgres', () => {
  test.each(['db', 'own', 'api', 'svc'] as const)('R01: the login %s gets 20 sessions, and the victim still gets in', async (suffix) => {
    const sessions: Client[] = []
    const refused = await (async () => {
      for (;;) {
        try {
          sessions.push(await tenants.login(tenants.attacker, suffix))
        } catch (error) {
          return error
        }
      }
    })()
    expect(refused).toMatchObject({ code: '53300' })
    expect(sessions).toHaveLength(20)
    const victim = await tenants.login(tenants.victim, suffix)
    expectDone(await attempt(victim, 'select 1'))
    await Promise.all([...sessions, victim].map((session) => session.end()))
  }) // prettier-ignore

  test('R05: temporary files stop at the limit, which the tenant cannot lift', async () => {
    const admin = await tenants.superuser('postgres')
    const limit = await admin.query(`
      select from pg_db_role_setting, pg_database
      where pg_database.oid = setdatabase and datname = '${tenants.victim.database}' and 'temp_file_limit=512MB' = any (setconfig)
    `)
    expect(limit.rows).toHaveLength(1)
    await admin.query(`alter database ${tenants.attacker.database} set temp_file_limit = '1MB'`)
    const owner = await tenants.login(tenants.attacker, 'db')
    const spill = 'select count(*) from (select i from generate_series(1, 300000) i order by random()) s'
    expectRefused(await attempt(owner, `set work_mem = '64kB'`, spill), '53400')
    expectRefused(await attempt(owner, 'set temp_file_limit = -1'), '42501')
    expectRefused(
      await attempt(owner, `alter database ${tenants.attacker.database} reset temp_file_limit`),
      '42501',
    )
    await owner.end()
    await admin.end()
  })

  test('R10: a paused project is closed to all its logins at once, and only to them', async () => {
    const owner = await tenants.login(tenants.attacker, 'db')
    await tenants.tenancy.pauseDatabase(tenants.attacker.database)
    expect((await attempt(owner, 'select 1')).code).not.toBeNull()
    await owner.end().catch(() => {})
    for (const suffix of ['db', 'own', 'api', 'svc'] as const)
      await expect(tenants.login(tenants.attacker, suffix)).rejects.toMatchObject({ code: '53300' })
    await (await tenants.superuser(tenants.attacker.database)).end()
    await (await tenants.login(tenants.victim, 'db')).end()
    await tenants.tenancy.resumeDatabase(tenants.attacker.database)
    await (await tenants.login(tenants.attacker, 'db')).end()
  })

  test('R13: nothing that a tenant raises gets into the log of the server', async () => {
    const owner = await tenants.login(tenants.attacker, 'db')
    await attempt(
      owner,
      `do $$ begin raise log 'injected_by_tenant'; raise warning 'injected_by_tenant'; end $$`,
      `select 'injected_by_tenant'::int`,
    )
    await owner.end()
    const admin = await tenants.superuser('postgres')
    // Control: what the superuser raises does.
    await admin.query(`do $$ begin raise log 'written_by_platform'; end $$`)
    await admin.end()
    const folder = join(cluster.directory, 'data/log')
    const readLog = async () =>
      (await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')))).join(
        '',
      )
    await eventually('the log is written', async () => (await readLog()).includes('written_by_platform'))
    expect(await readLog()).not.toContain('injected_by_tenant')
  })
})

describe('the watchdog ends', () => {
  test('R14, R15: transactions that are too old', async () => {
    const old = await tenants.login(tenants.attacker, 'api')
    const pid = await pidOf(old)
    expectDone(await attempt(old, 'begin', 'select 1'))
    expect(await watch({}).check()).toEqual([])
    const strict = watch({ transactionAgeMs: 50 })
    const ended: unknown[] = []
    await eventually('it is ended', async () => ended.push(...(await strict.check())) > 0)
    expect(ended).toEqual([
      {
        pid,
        database: tenants.attacker.database,
        login: `${tenants.attacker.database}_api`,
        reason: 'transaction too old',
      },
    ])
    expect((await attempt(old, 'select 1')).code).not.toBeNull()
    await old.end().catch(() => {})
  })

  test('R15: sessions that are idle in a transaction, and not those that work', async () => {
    const idle = await tenants.login(tenants.attacker, 'db')
    const busy = await tenants.login(tenants.victim, 'db')
    expectDone(await attempt(idle, 'begin', 'select 1'))
    const work = attempt(busy, 'begin', 'select pg_sleep(1)', 'commit')
    const strict = watch({ idleInTransactionMs: 50 })
    const ended: { reason: string; database: string }[] = []
    await eventually('it is ended', async () => ended.push(...(await strict.check())) > 0)
    expect(ended).toMatchObject([{ reason: 'idle in transaction', database: tenants.attacker.database }])
    await strict.check()
    expectDone(await work)
    await busy.end()
    await idle.end().catch(() => {})
  })

  const takeLocks = (count: number, first = 1) => [
    'set role anon',
    'set statement_timeout = 0',
    `do $$ begin for i in ${first}..${first + count} loop perform pg_advisory_lock(i); end loop; end $$`,
  ]

  test('R06: a session that fills the lock table, when nobody else can even sign in', async () => {
    const victim = await tenants.login(tenants.victim, 'own')
    const strict = watch({ locksMax: 5_000 })
    expect(await strict.check()).toEqual([])
    // Even anon can do it.
    const hog = await tenants.login(tenants.attacker, 'api')
    expectRefused(await attempt(hog, ...takeLocks(1_000_000)), '53200')
    await expect(tenants.login(tenants.victim, 'own')).rejects.toMatchObject({ code: '53200' })
    const many = `do $$ begin for i in 1..200 loop execute format('create table if not exists public.t%s (id int)', i); end loop; end $$`
    expectRefused(await attempt(victim, many), '53200')

    // The round as a whole may fail for lack of locks, but not before the culprit is ended.
    await strict.check().catch(() => {})
    await eventually('the victim works again', async () => (await attempt(victim, many)).code === null)
    expect((await attempt(hog, 'select 1')).code).not.toBeNull()
    await (await tenants.login(tenants.victim, 'own')).end()
    await victim.end()
    await hog.end().catch(() => {})
  })

  test('R06: sessions of one project that share the work of it, and not those with few locks', async () => {
    const hogs = await Promise.all([1, 2, 3].map(() => tenants.login(tenants.attacker, 'api')))
    for (const [i, hog] of hogs.entries()) expectDone(await attempt(hog, ...takeLocks(450, 1_000 * (i + 1))))
    const modest = await tenants.login(tenants.attacker, 'db')
    const other = await tenants.login(tenants.victim, 'db')
    for (const session of [modest, other]) expectDone(await attempt(session, 'select pg_advisory_lock(1)'))
    const ended = await watch({ locksMax: 500 }).check()
    expect(ended.map(({ reason }) => reason)).toEqual(hogs.map(() => 'too many locks'))
    for (const session of [modest, other]) expectDone(await attempt(session, 'select 1'))
    await Promise.all([modest, other].map((session) => session.end()))
    await Promise.all(hogs.map((hog) => hog.end().catch(() => {})))
  })

  test('R07: sessions that keep the notification queue from being emptied', async () => {
    const pin = await tenants.login(tenants.attacker, 'api')
    expectDone(await attempt(pin, 'listen x', 'begin', 'select 1'))
    const flood = await tenants.login(tenants.attacker, 'db')
    let notified = 0
    const payload = 'x'.repeat(7_000)
    for (; notified < 1_000; notified++) {
      const outcome = await attempt(flood, `select pg_notify('x', '${notified}${payload}')`)
      if (outcome.code !== null) break
    }
    // The queue of all tenants is full now.
    const victim = await tenants.login(tenants.victim, 'db')
    expect((await attempt(victim, `select pg_notify('pgrst', '${payload}')`)).code).toBe('54000')

    expect(await watch({ notifyQueueShare: 0.9 }).check()).toEqual([])
    const strict = watch({ notifyQueueShare: 0.5, notifyPinMs: 10 })
    const ended: unknown[] = []
    await eventually('it is ended', async () => ended.push(...(await strict.check())) > 0)
    expect(ended).toMatchObject([{ reason: 'keeps the notification queue full' }])
    await eventually(
      'the victim may notify again',
      async () =>
        (await strict.check()).length === 0 &&
        (await attempt(victim, `select pg_notify('pgrst', '${payload}')`)).code === null,
    )
    await Promise.all([flood.end(), victim.end()])
    await pin.end().catch(() => {})
  })

  test('R11: sessions whose locks the platform waits for', async () => {
    const blocker = await tenants.login(tenants.attacker, 'db')
    // Unprivileged, and it locks the row of the victim's database: postgres has privileges on both.
    await attempt(blocker, 'begin', `grant create on database ${tenants.victim.database} to postgres`)
    const strict = watch({ blockingMs: 200 }, 100)
    const startedAt = Date.now()
    await tenants.tenancy.pauseDatabase(tenants.victim.database)
    await tenants.tenancy.resumeDatabase(tenants.victim.database)
    expect(Date.now() - startedAt).toBeLessThan(5_000)
    expect((await attempt(blocker, 'select 1')).code).not.toBeNull()
    await strict.stop()
    await blocker.end().catch(() => {})
  })
})

test('a watchdog whose own session was ended reports it once and goes on with another', async () => {
  const own = watch({ transactionAgeMs: 1 })
  await own.check()
  const admin = await tenants.superuser('postgres')
  const { rows } = await admin.query(`
    select pg_terminate_backend(pid, 5000) as ended from pg_stat_activity
    where application_name = 'favo tenancy' and state = 'idle in transaction'
  `)
  expect(rows).toEqual([{ ended: true }])
  await admin.end()
  await expect(own.check()).rejects.toThrow()
  const old = await tenants.login(tenants.attacker, 'db')
  expectDone(await attempt(old, 'begin', 'select pg_sleep(0.01)'))
  expect(await own.check()).toMatchObject([{ reason: 'transaction too old' }])
  await old.end().catch(() => {})
})

test('R14: the meter says who uses up transaction ids, by transactions or by subtransactions', async () => {
  const meter = watch({})
  await meter.check()
  expect(meter.transactionUse()).toBeNull()
  const burner = await tenants.login(tenants.attacker, 'db')
  await burner.query(`
    create table if not exists public.burn (id int);
    create or replace procedure public.burn(n int) language plpgsql as $$
    begin
      for i in 1..n loop
        begin
          insert into public.burn values (i);
        exception when others then null;
        end;
      end loop;
    end $$`)
  await burner.query('begin; call public.burn(5000)')
  await meter.check()
  const use = meter.transactionUse()
  expect(use?.idsPerSecond).toBeGreaterThan(0)
  const worst = use?.databases.find(({ subtransactions }) => subtransactions > 0)
  expect(worst).toMatchObject({ database: tenants.attacker.database })
  expect(worst?.subtransactions).toBeGreaterThan(4_000)
  await burner.query('commit')

  await burner.query(
    `do $$ begin for i in 1..500 loop insert into public.burn values (i); commit; end loop; end $$`,
  )
  await burner.query('select pg_stat_force_next_flush()')
  await meter.check()
  const after = meter.transactionUse()?.databases[0]
  expect(after).toMatchObject({ database: tenants.attacker.database, subtransactions: 0 })
  expect(after?.transactions).toBeGreaterThanOrEqual(500)
  expect(meter.transactionUse()?.oldestDatabaseAge).toBeGreaterThan(0)
  await burner.end()
})

test('C08, C09, C10, G09: settings and passwords that tenants gave to shared or platform roles are taken away', async () => {
  const { attacker, victim } = tenants
  const owner = await tenants.login(attacker, 'db')
  expectDone(
    await attempt(
      owner,
      `alter role postgres password 'known'`,
      `alter role postgres in database ${victim.database} set search_path = 'evil'`,
      'set role anon',
      `alter role anon set statement_timeout = '1ms'`,
      'reset role',
      `select pg_favo.db_setting('statement_timeout', '30s'), pg_favo.db_setting('app.x', 'kept')`,
    ),
  )
  await owner.end()
  for (const suffix of ['api', 'svc', 'own'] as const) {
    const injected = await tenants.login(attacker, suffix)
    const login = `${attacker.database}_${suffix}`
    expectDone(
      await attempt(
        injected,
        `set role ${login}`,
        `alter role ${login} in database ${attacker.database} set default_transaction_read_only = on`,
        `alter role ${login} in database ${attacker.database} set client_encoding = 'LATIN1'`,
        `alter role ${login} set lock_timeout = 1`,
        `alter role ${login} in database ${victim.database} set lock_timeout = 1`,
        ...(suffix === 'svc'
          ? [`alter role ${login} in database ${attacker.database} set statement_timeout = 1`]
          : []),
        ...(suffix === 'own' ? [`alter role ${login} in database ${attacker.database} reset role`] : []),
      ),
    )
    await injected.end()
  }
  await watch({}).check()

  const admin = await tenants.superuser('postgres')
  const passwords = await admin.query(
    'select rolname from pg_authid where not rolcanlogin and rolpassword is not null',
  )
  expect(passwords.rows).toEqual([])
  const { rows } = await admin.query<{ role: string; database: string; settings: string }>(`
    select rolname as role, datname as database, array_to_string(setconfig, '|') as settings
    from pg_db_role_setting join pg_roles on pg_roles.oid = setrole left join pg_database on pg_database.oid = setdatabase
    where rolname !~ '^p_' or starts_with(rolname, '${attacker.database}')
    order by rolname
  `)
  const owners = 'role=postgres|search_path="$user", public, extensions|statement_timeout=30s|app.x=kept'
  const byLogin = Object.fromEntries(
    rows.map(({ role, settings }) => [role.slice(-3), settings.split('|').sort()]),
  )
  expect(rows).toHaveLength(4)
  expect(byLogin).toEqual({
    _db: owners.split('|').sort(),
    own: owners.split('|').sort(),
    api: [
      'app.x=kept',
      'idle_in_transaction_session_timeout=30s',
      'lock_timeout=8s',
      'statement_timeout=30s',
    ],
    svc: ['idle_in_transaction_session_timeout=30s'],
  })
  await admin.end()
})

test('settings by the megabyte, on every label and database, are gone after one round and do not slow it', async () => {
  const owner = await tenants.login(tenants.attacker, 'db')
  const login = `${tenants.attacker.database}_db`
  await owner.query(`
    do $$
    declare target record; label text;
    begin
      for target in select datname from pg_database loop
        foreach label in array array['postgres', 'anon', 'authenticated', 'service_role', 'dashboard_user'] loop
          execute format('set role %I', label);
          execute format('alter role %I in database %I set search_path = %L', label, target.datname, repeat('x', 100000));
        end loop;
      end loop;
      execute 'set role ${login}';
      execute format('alter role ${login} in database ${tenants.attacker.database} set search_path = %L', repeat('x', 2000000));
    end $$`)
  // One that is not committed cannot hold up the others.
  const holder = await tenants.login(tenants.attacker, 'own')
  expectDone(await attempt(holder, 'begin', `alter role postgres set search_path = 'held'`))
  await owner.end()
  await watch({}).check()
  const admin = await tenants.superuser('postgres')
  const { rows } = await admin.query(`
    select rolname from pg_db_role_setting join pg_roles on pg_roles.oid = setrole
    where array_to_string(setconfig, ',') ~ 'search_path="?(x|held)'
  `)
  expect(rows).toEqual([])
  await holder.query('commit')
  await holder.end()
  await watch({}).check()
  const left = await admin.query(`select from pg_db_role_setting where setrole = 'postgres'::regrole`)
  expect(left.rows).toEqual([])
  const session = await tenants.login(tenants.attacker, 'db')
  expect(await attempt(session, 'select current_user as me')).toMatchObject({ rows: [{ me: 'postgres' }] })
  await session.end()
  await admin.end()
})
