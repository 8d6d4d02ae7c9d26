import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from 'pg'
import { customerSettings } from '../../src/restore-settings.ts'
import { attempt, expectDone, expectRefused, startTenants, type Tenants } from '../tenants.ts'

// The functions that stand in for ALTER DATABASE, ALTER ROLE and CREATE ROLE (H10), and what DESIGN says they must do better.
let tenants: Tenants
let owner: Client
beforeAll(async () => {
  tenants = await startTenants()
  owner = await tenants.login(tenants.attacker, 'own')
})
afterAll(async () => {
  await owner.end()
  await tenants.close()
})

const settingOf = async (
  suffix: 'db' | 'own' | 'api' | 'svc',
  name: string,
  config = {},
): Promise<unknown> => {
  const session = await tenants.login(tenants.attacker, suffix, config)
  const outcome = await attempt(session, `select current_setting('${name}', true) as value`)
  await session.end()
  return outcome.code === null ? outcome.rows[0]?.value : outcome.code
}

describe('db_setting', () => {
  test('a list of schemas becomes schemas, not one with a comma in its name', async () => {
    expectDone(
      await attempt(owner, `select pg_favo.db_setting('search_path', 'app, "My ""Own"", Schema",Public')`),
    )
    expect(await settingOf('db', 'search_path')).toBe('app, "My ""Own"", Schema", public')
    const session = await tenants.login(tenants.attacker, 'db')
    expectDone(await attempt(session, 'create schema app', 'create table t (id int)'))
    expect(
      await attempt(
        session,
        `select relnamespace::regnamespace::text as schema from pg_class where relname = 't'`,
      ),
    ).toMatchObject({ rows: [{ schema: 'app' }] })
    await session.end()
    expectDone(
      await attempt(owner, `select pg_favo.db_setting('search_path', '"$user", public, extensions')`),
    )
    expect(await settingOf('db', 'search_path')).toBe('"$user", public, extensions')
    expectDone(await attempt(owner, `select pg_favo.db_setting('search_path', '')`))
    expect(await settingOf('db', 'search_path')).toBe('""')
    expectDone(await attempt(owner, `select pg_favo.db_setting('search_path', null)`))
  })

  test.each(['a,,b', 'a b', '"a', `a'; drop table t; --`.replace('drop table t', 'x y'), ',a'])(
    'a list that is none (%s) is refused',
    async (list) => {
      expectRefused(
        await attempt(owner, `select pg_favo.db_setting('search_path', '${list.replaceAll("'", "''")}')`),
        '22023',
      )
    },
  )

  test('reaches the logins of owner and requests, never the services’ one', async () => {
    expectDone(
      await attempt(
        owner,
        `select pg_favo.db_setting('app.settings.jwt_secret', 'it''s \\ secret')`,
        `select pg_favo.db_setting('TimeZone', 'America/New_York')`,
        `select pg_favo.db_setting('datestyle', 'SQL, DMY')`,
      ),
    )
    for (const suffix of ['db', 'own', 'api'] as const) {
      expect(await settingOf(suffix, 'app.settings.jwt_secret')).toBe(`it's \\ secret`)
      expect(await settingOf(suffix, 'TimeZone')).toBe('America/New_York')
      expect(await settingOf(suffix, 'DateStyle')).toBe('SQL, DMY')
    }
    expect(await settingOf('svc', 'app.settings.jwt_secret')).toBeNull()
    expect(await settingOf('svc', 'TimeZone')).toBe('UTC')
    expect(await settingOf('svc', 'DateStyle')).toBe('ISO, MDY')
    expectDone(
      await attempt(
        owner,
        `select pg_favo.db_setting('app.settings.jwt_secret', null)`,
        `select pg_favo.db_setting('timezone', null), pg_favo.db_setting('datestyle', null)`,
      ),
    )
    expect(await settingOf('api', 'TimeZone')).toBe('UTC')
  })

  test('E07: the value is not readable by another project', async () => {
    expectDone(await attempt(owner, `select pg_favo.db_setting('app.secret', 'x')`))
    const stranger = await tenants.login(tenants.victim, 'db')
    expectRefused(await attempt(stranger, 'select * from pg_db_role_setting'), '42501')
    expect(await attempt(stranger, `select current_setting('app.secret', true) as value`)).toMatchObject({
      rows: [{ value: null }],
    })
    await stranger.end()
  })

  test.each([
    'role', 'session_authorization', 'session_replication_role', 'event_triggers', 'temp_file_limit', 'log_statement',
    'session_preload_libraries', 'local_preload_libraries', 'default_transaction_read_only', 'client_encoding',
    'allow_system_table_mods', 'plpgsql.variable_conflict', 'favo.version', 'work_mem = 1; reset all; --', 'a.b"; --',
    '', 'app.settings.x\ny',
  ])('%j is refused', async (name) => {
    expectRefused(
      await attempt(owner, `select pg_favo.db_setting('${name}', 'x')`),
      '42501',
      /permission denied to set parameter/,
    )
  }) // prettier-ignore

  test('the watchdog knows the same list', async () => {
    const admin = await tenants.superuser(tenants.attacker.database)
    const { rows } = await admin.query<{ name: string }>('select name from pg_settings')
    const accepted: string[] = []
    for (const { name } of rows) {
      const outcome = await attempt(admin, `select pg_favo.check_setting('${name.toLowerCase()}')`)
      if (outcome.code === null && !name.includes('.')) accepted.push(name.toLowerCase())
    }
    expect(accepted.sort()).toEqual([...customerSettings].sort())
    await admin.end()
  })
})

describe('role_setting', () => {
  const stored = async () =>
    attempt(owner, `select role, name, value from pg_favo.role_settings order by role, name`)

  test('starts as on Supabase', async () => {
    expect(await stored()).toMatchObject({
      rows: [
        { role: 'anon', name: 'statement_timeout', value: '3s' },
        { role: 'authenticated', name: 'statement_timeout', value: '8s' },
      ],
    })
  })

  test('keeps settings of API roles in a table that the services can read', async () => {
    expectDone(
      await attempt(
        owner,
        `select pg_favo.role_setting('anon', 'statement_timeout', '1s')`,
        `select pg_favo.role_setting('authenticator', 'pgrst.db_aggregates_enabled', 'true')`,
      ),
    )
    const service = await tenants.login(tenants.attacker, 'svc')
    expect(
      await attempt(
        service,
        'set role service_role',
        `select value from pg_favo.role_settings where role = 'anon'`,
      ),
    ).toMatchObject({ rows: [{ value: '1s' }] })
    await service.end()
    expectDone(
      await attempt(
        owner,
        `select pg_favo.role_setting('authenticator', 'pgrst.db_aggregates_enabled', null)`,
      ),
    )
    expectDone(await attempt(owner, `select pg_favo.role_setting('anon', 'statement_timeout', '3s')`))
  })

  test('gives the rest of authenticator’s to the request login, and postgres’ to the owner’s', async () => {
    expectDone(
      await attempt(
        owner,
        `select pg_favo.role_setting('authenticator', 'statement_timeout', '5s')`,
        `select pg_favo.role_setting('postgres', 'statement_timeout', '7s')`,
      ),
    )
    expect(await settingOf('api', 'statement_timeout')).toBe('5s')
    expect(await settingOf('db', 'statement_timeout')).toBe('7s')
    expect(await settingOf('own', 'statement_timeout')).toBe('7s')
    expectDone(
      await attempt(
        owner,
        `select pg_favo.role_setting('authenticator', 'statement_timeout', '8s')`,
        `select pg_favo.role_setting('postgres', 'statement_timeout', '2min')`,
      ),
    )
  })

  test('a value that makes no sense fails at once, and changes nothing', async () => {
    expectRefused(
      await attempt(owner, `select pg_favo.role_setting('anon', 'statement_timeout', 'soon')`),
      '22023',
    )
    expect(await attempt(owner, `show statement_timeout`)).toMatchObject({
      rows: [{ statement_timeout: '2min' }],
    })
    expectDone(
      await attempt(owner, `select pg_favo.role_setting('service_role', 'statement_timeout', '1min')`),
    )
    expect(await attempt(owner, `show statement_timeout`)).toMatchObject({
      rows: [{ statement_timeout: '2min' }],
    })
    expectDone(await attempt(owner, `select pg_favo.role_setting('service_role', 'statement_timeout', null)`))
  })

  test.each(['favo_admin', 'supabase_auth_admin', 'pg_monitor', 'nobody'])('%s is refused', async (role) => {
    expectRefused(await attempt(owner, `select pg_favo.role_setting('${role}', 'work_mem', '8MB')`), '42501')
  })
})

describe('roles of the customer’s own', () => {
  const create = (session: Client, name: string, rest = '') =>
    attempt(session, `select pg_favo.create_role('${name}'${rest}) as role`)

  test('the same name in two projects means two roles, and neither learns of the other', async () => {
    const stranger = await tenants.login(tenants.victim, 'own')
    const mine = await create(owner, 'worker')
    const theirs = await create(stranger, 'worker')
    expectDone(mine)
    expectDone(theirs)
    expect(mine).not.toEqual(theirs)
    expectRefused(await create(owner, 'worker'), '42710')
    // Gone means gone: the name is free at once, and the limit counts what there is.
    for (let i = 0; i < 25; i++)
      expectDone(
        await attempt(stranger, `select pg_favo.drop_role('worker')`, `select pg_favo.create_role('worker')`),
      )
    expectDone(await attempt(stranger, `select pg_favo.drop_role('worker')`))
    expectDone(await attempt(owner, `select pg_favo.drop_role('worker')`))
    const admin = await tenants.superuser('postgres')
    const { rows } = await admin.query(`
      select rolname from pg_roles
      where rolname ~ '_r[0-9a-f]{12}$' and starts_with(rolname, '${tenants.victim.database}')
    `)
    expect(rows).toEqual([])
    await admin.end()
    await stranger.end()
  })

  test('a login of one project opens that project only, with few connections', async () => {
    const made = await create(owner, 'metabase', `, true, 'm3tabase!'`)
    const user = made.code === null ? String(made.rows[0]?.role) : ''
    expect(user).not.toContain('metabase')
    const config = { user, password: 'm3tabase!', database: tenants.attacker.database }
    const sessions = await Promise.all([1, 2, 3, 4, 5].map(() => tenants.connect(config)))
    await expect(tenants.connect(config)).rejects.toMatchObject({ code: '53300' })
    const [first] = sessions
    if (first === undefined) throw new Error('no session')
    expectRefused(await attempt(first, 'set role postgres'), '42501')
    expectRefused(await attempt(first, 'set role anon'), '42501')
    expectRefused(await attempt(first, 'select * from auth.users'), '42501')
    expectRefused(await attempt(first, 'create table public.t2 (id int)'), '42501')
    expectDone(await attempt(owner, `select pg_favo.grant_role('anon', 'metabase')`))
    expectDone(await attempt(first, 'set role anon'))
    await Promise.all(sessions.map((session) => session.end()))
    await expect(tenants.connect({ ...config, database: tenants.victim.database })).rejects.toMatchObject({
      code: '28000',
    })
  })

  test.each([
    'anon',
    'postgres',
    'favo_admin',
    'pg_monitor',
    'supabase_x',
    'p_x',
    'public',
    'Upper',
    'a-b',
    '',
    'a"b',
  ])('the name %j is refused', async (name) => {
    expectRefused(await create(owner, name), '42939')
  })

  test('there are at most twenty', async () => {
    const tenant = await tenants.newTenant()
    const session = await tenants.login(tenant, 'own')
    for (let i = 0; i < 20; i++) expectDone(await create(session, `role_${i}`))
    expectRefused(await create(session, 'one_more'), '54000')
    expectDone(await attempt(session, `select pg_favo.drop_role('role_3')`))
    expectDone(await create(session, 'one_more'))
    await session.end()
  })

  test('roles of others, predefined ones and the superuser cannot be granted', async () => {
    const stranger = await tenants.login(tenants.victim, 'own')
    const theirs = await create(stranger, 'theirs')
    const name = theirs.code === null ? String(theirs.rows[0]?.role) : ''
    await create(owner, 'mine')
    for (const granted of [
      name,
      'theirs',
      'favo_admin',
      'pg_monitor',
      'postgres',
      `${tenants.victim.database}_db`,
    ])
      expectRefused(await attempt(owner, `select pg_favo.grant_role('${granted}', 'mine')`), '42501')
    for (const grantee of [name, 'theirs', 'anon', 'favo_admin', `${tenants.victim.database}_api`])
      expectRefused(await attempt(owner, `select pg_favo.grant_role('mine', '${grantee}')`), '42501')
    await stranger.end()
  })

  test('deleting the project deletes them', async () => {
    const tenant = await tenants.newTenant()
    const session = await tenants.login(tenant, 'own')
    expectDone(await create(session, 'short_lived', `, true, 'x'`))
    await session.end()
    await tenants.tenancy.dropDatabase(tenant.database)
    const admin = await tenants.superuser('postgres')
    const { rows } = await admin.query(
      `select from pg_roles where starts_with(rolname, '${tenant.database}')`,
    )
    expect(rows).toEqual([])
    await admin.end()
  })
})
