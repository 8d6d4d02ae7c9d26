import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attempt, expectDone, expectRefused, startTenants, type Tenants } from '../tenants.ts'
import type { Client } from 'pg'

// What one tenant sees of the others, and whom it can disturb: E01 … E18, F01 … F07.
let tenants: Tenants
let owner: Client
let victimSession: Client
let victimPid: number
const marker = 'the_victims_query'
beforeAll(async () => {
  tenants = await startTenants()
  owner = await tenants.login(tenants.attacker, 'db')
  victimSession = await tenants.login(tenants.victim, 'own')
  const { rows } = await victimSession.query<{ pid: number }>(
    `select pg_backend_pid() as pid /* ${marker} */`,
  )
  victimPid = rows[0]?.pid ?? 0
  await victimSession.query('select pg_advisory_lock(4711)')
})
afterAll(async () => {
  await owner.end()
  await victimSession.end()
  await tenants.close()
})

test('what inspections ask for is there and says nothing of the cluster', async () => {
  for (const nothing of [
    'select from pg_stat_replication',
    'select from pg_ls_waldir()',
    'select from extensions.pg_stat_statements',
    'select from pg_control_checkpoint() where redo_lsn is not null or next_xid is not null or checkpoint_time is not null',
  ])
    expect((await owner.query(nothing)).rowCount, nothing).toBe(0)
  expectDone(await attempt(owner, "select pg_database_size('postgres')"))
})

describe('closed catalogs', () => {
  test.each([
    ['E01 password hashes', 'select * from pg_authid'],
    ['E01 password hashes, the old view', 'select * from pg_shadow'],
    ['E02 pg_hba', 'select * from pg_hba_file_rules'],
    ['E02 configuration files', 'select * from pg_file_settings'],
    ['E02 user maps', 'select * from pg_ident_file_mappings'],
    ['E02 build paths', 'select * from pg_config'],
    ['E07 settings of other projects', 'select * from pg_db_role_setting'],
    ['E08 dependencies of shared objects', 'select * from pg_shdepend'],
    ['E11 activity of other databases', `select pg_stat_get_db_xact_commit(oid) from pg_database`],
    ['E13 replication', 'select * from pg_stat_get_wal_senders()'],
    ['E16 state of the log', 'select * from pg_control_checkpoint_raw()'],
    ['E13 progress of commands', 'select * from pg_stat_progress_vacuum'],
    ['E14 databases of a tablespace', `select pg_tablespace_databases(1663)`],
    ['E14 size of the tablespace', `select pg_tablespace_size('pg_default')`],
    ['E16 start time', 'select pg_postmaster_start_time()'],
    ['E16 WAL position', 'select pg_current_wal_lsn()'],
    ['E16 control file', 'select * from pg_control_system()'],
    ['E16 checkpoints', 'select * from pg_stat_checkpointer'],
    ['E16 address of the server', 'select inet_server_addr()'],
    ['F02 blocking sessions', 'select pg_blocking_pids(1)'],
    ['F07 export a snapshot', 'select pg_export_snapshot()'],
    ['the platform’s prepared statements', 'select * from pg_prepared_statements'],
    ['the same by its function', 'select * from pg_prepared_statement()'],
    ['raw activity', 'select * from pg_stat_get_activity(null)'],
    ['activity by backend number', 'select pg_stat_get_backend_activity(1)'],
    ['raw locks', 'select * from pg_lock_status()'],
    [
      'the function under a filtered view, for what is not granted',
      'select * from pg_favo.protected_objects',
    ],
  ])('%s', async (_what, sql) => {
    expectRefused(await attempt(owner, sql), '42501', /permission denied/)
    const api = await tenants.login(tenants.attacker, 'api')
    expectRefused(await attempt(api, 'set role anon', sql), '42501', /permission denied/)
    await api.end()
  })

  test('E14: the size of another database is refused, the own one is not', async () => {
    expectRefused(await attempt(owner, `select pg_database_size('${tenants.victim.database}')`), '42501')
    expectRefused(
      await attempt(owner, `select pg_database_size_raw('${tenants.victim.database}'::name)`),
      '42501',
    )
    expectDone(await attempt(owner, 'select pg_database_size(current_database())'))
    expectRefused(
      await attempt(
        owner,
        `select pg_database_size(oid) from pg_database where datname = '${tenants.victim.database}'`,
      ),
      '42501',
    )
  })
})

describe('filtered views', () => {
  test('E09, E10: pg_stat_activity shows the own sessions and no others', async () => {
    const { rows } = await owner.query<{ pid: number; datname: string; usename: string; query: string }>(
      'select pid, datname, usename, query from pg_stat_activity',
    )
    expect(rows.length).toBeGreaterThan(0)
    expect(rows.every(({ datname }) => datname === tenants.attacker.database)).toBe(true)
    expect(rows.some(({ pid }) => pid === victimPid)).toBe(false)
    expect(JSON.stringify(rows)).not.toContain(marker)
    expect(rows.some(({ usename }) => usename === 'favo_admin')).toBe(false)
    // Control: the superuser sees it.
    const admin = await tenants.superuser('postgres')
    const all = await admin.query<{ query: string }>(
      `select query from pg_stat_activity where pid = ${victimPid}`,
    )
    expect(all.rows).toHaveLength(1)
    await admin.end()
  })

  test('E12: pg_locks shows no lock of another database', async () => {
    await owner.query('select pg_advisory_lock(815)')
    const { rows } = await owner.query<{ objid: number }>(
      `select objid from pg_locks where locktype = 'advisory'`,
    )
    expect(rows.map(({ objid }) => Number(objid))).toEqual([815])
    await owner.query('select pg_advisory_unlock(815)')
  })

  test('E11: pg_stat_database shows one database', async () => {
    const { rows } = await owner.query('select datname from pg_stat_database')
    expect(rows).toEqual([{ datname: tenants.attacker.database }])
  })

  test('E13, E15: slots and prepared transactions of others are not listed', async () => {
    const admin = await tenants.superuser(tenants.victim.database)
    const slot = `slot_${tenants.victim.database}`
    await admin.query(`select pg_create_logical_replication_slot('${slot}', 'pgoutput', true)`)
    try {
      expect((await owner.query('select * from pg_replication_slots')).rows).toEqual([])
      expect((await owner.query('select * from pg_prepared_xacts')).rows).toEqual([])
    } finally {
      await admin.query(`select pg_drop_replication_slot('${slot}')`)
      await admin.end()
    }
  })

  test('no view or function of pg_favo tells a caller of the API about sessions', async () => {
    const api = await tenants.login(tenants.attacker, 'api')
    expectRefused(await attempt(api, 'set role authenticated', 'select * from pg_stat_activity'), '42501')
    await api.end()
  })
})

describe('everything that can be read', () => {
  test.each(['postgres', 'anon', 'service_role'])(
    'no catalog, view or function shows %s a trace of the other project',
    async (role) => {
      const trace = 'trace_of_the_victim'
      const noisy = await tenants.login(tenants.victim, 'own', { application_name: trace })
      await noisy.query(`
      create schema if not exists ${trace};
      create table if not exists ${trace}.${trace} (${trace} int);
      select pg_favo.db_setting('app.${trace}', '${trace}')`)
      await noisy.query(`set app.x = '${trace}'; prepare ${trace}_${role} as select '${trace}'`)
      const session = await tenants.login(
        tenants.attacker,
        role === 'anon' ? 'api' : role === 'postgres' ? 'own' : 'svc',
      )
      await session.query(`set role ${role}`)
      const admin = await tenants.superuser(tenants.attacker.database)
      const sources = await admin.query<{ source: string }>(`
      select format('pg_catalog.%I', relname) as source from pg_class
      where relnamespace = 'pg_catalog'::regnamespace and relkind in ('r', 'v')
      union all
      select format('pg_catalog.%I()', proname) from pg_proc
      where pronamespace = 'pg_catalog'::regnamespace and pronargs = 0 and prokind = 'f' and provolatile <> 'v'
        and prorettype <> 'trigger'::regtype and prorettype <> 'internal'::regtype
    `)
      await admin.end()
      expect(sources.rows.length).toBeGreaterThan(200)
      const telling: string[] = []
      let readable = 0
      for (const { source } of sources.rows) {
        const outcome = await attempt(session, `select t::text from ${source} t`)
        if (outcome.code === null) readable++
        if (JSON.stringify(outcome).includes(trace)) telling.push(source)
      }
      expect(telling).toEqual([])
      expect(readable).toBeGreaterThan(80)
      await Promise.all([noisy.end(), session.end()])
    },
  )
})

describe('names, which cannot be hidden, say nothing', () => {
  test('E03 … E06: databases and roles of tenants are called by random names only', async () => {
    const { rows } = await owner.query<{ name: string }>(`
      select datname as name from pg_database union select rolname from pg_roles
      union select coalesce(description, '') from pg_shdescription where classoid = 'pg_database'::regclass
    `)
    const known =
      /^(postgres|template[01]|favo_\w+|p_[a-z0-9]+(_(db|api|svc|own|ctl|r[0-9a-f]{12}))?|pg_\w+|supabase_\w+|pgsodium_\w+|anon|authenticated|service_role|authenticator|dashboard_user|pgbouncer|default administrative connection database|default template for new databases|unmodifiable empty database|)$/
    expect(rows.map(({ name }) => name).filter((name) => !known.test(name))).toEqual([])
  })
})

describe('sessions of others', () => {
  test.each(['pg_terminate_backend', 'pg_cancel_backend'])(
    'F01: %s does not reach another project',
    async (call) => {
      expectRefused(await attempt(owner, `select ${call}(${victimPid})`), '42501')
      expectDone(await attempt(victimSession, 'select 1'))
    },
  )

  test('F01: the renamed stock functions are out of reach', async () => {
    expectRefused(await attempt(owner, `select pg_terminate_backend_raw(${victimPid}, 0)`), '42501')
    expectRefused(await attempt(owner, `select pg_cancel_backend_raw(${victimPid})`), '42501')
  })

  test('F02, F03: neither processes of the server nor guessed pids can be signalled', async () => {
    const admin = await tenants.superuser('postgres')
    const { rows } = await admin.query<{ pid: number }>(
      'select pid from pg_stat_activity where datname is null',
    )
    await admin.end()
    expect(rows.length).toBeGreaterThan(0)
    for (const { pid } of rows)
      expectRefused(await attempt(owner, `select pg_cancel_backend(${pid})`), '42501')
  })

  test('F04: an owner ends its own other session', async () => {
    const other = await tenants.login(tenants.attacker, 'own')
    const { rows } = await other.query<{ pid: number }>('select pg_backend_pid() as pid')
    expect(await attempt(owner, `select pg_terminate_backend(${rows[0]?.pid}) as ended`)).toMatchObject({
      rows: [{ ended: true }],
    })
    expect((await attempt(other, 'select 1')).code).not.toBeNull()
    await other.end().catch(() => {})
  })

  test('F05: NOTIFY does not cross databases', async () => {
    const heard: string[] = []
    victimSession.on('notification', ({ payload }) => heard.push(payload ?? ''))
    await victimSession.query('listen pgrst')
    expectDone(await attempt(owner, `notify pgrst, 'from outside'`))
    // Control: its own notification arrives, and with it anything that came before.
    await victimSession.query(`notify pgrst, 'from inside'`)
    await victimSession.query('select 1')
    expect(heard).toEqual(['from inside'])
  })

  test('F06: advisory locks do not cross databases', async () => {
    expect(await attempt(owner, 'select pg_try_advisory_lock(4711) as free')).toMatchObject({
      rows: [{ free: true }],
    })
    const second = await tenants.login(tenants.victim, 'own')
    expect(await attempt(second, 'select pg_try_advisory_lock(4711) as free')).toMatchObject({
      rows: [{ free: false }],
    })
    await second.end()
  })

  test('F07: a snapshot of another database cannot be taken over', async () => {
    const admin = await tenants.superuser(tenants.victim.database)
    await admin.query('begin isolation level repeatable read')
    const { rows } = await admin.query<{ id: string }>('select pg_export_snapshot() as id')
    const outcome = await attempt(
      owner,
      'begin isolation level repeatable read',
      `set transaction snapshot '${rows[0]?.id}'`,
    )
    expectRefused(outcome, '0A000', /different database/)
    await attempt(owner, 'rollback')
    await admin.end()
  })
})
