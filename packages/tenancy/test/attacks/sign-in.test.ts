import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attempt, attemptConnect, expectDone, expectRefused, startTenants, type Tenants } from '../tenants.ts'

// Ids as in the design's table of attacks (A01 …).
let tenants: Tenants
beforeAll(async () => {
  tenants = await startTenants()
})
afterAll(() => tenants.close())

const own = () => ({
  user: `${tenants.attacker.database}_db`,
  password: tenants.attacker.ownerPassword,
  database: tenants.attacker.database,
})

describe('who may sign in where', () => {
  test('control: with its own credentials the owner gets into its own database', async () => {
    expectDone(await attemptConnect(tenants, own()))
  })

  test('A01: own credentials do not open another project', async () => {
    expectRefused(
      await attemptConnect(tenants, { ...own(), database: tenants.victim.database }),
      '28000',
      /no pg_hba.conf entry/,
    )
  })

  test.each(['template0', 'template1', 'favo_template'])(
    'A02: own credentials do not open %s',
    async (database) => {
      expectRefused(await attemptConnect(tenants, { ...own(), database }), '28000', /no pg_hba.conf entry/)
    },
  )

  test('A02: own credentials do not open the maintenance database, although a label has its name', async () => {
    expectRefused(
      await attemptConnect(tenants, { ...own(), database: 'postgres' }),
      '42501',
      /permission denied for database "postgres"/,
    )
  })

  test.each(['api', 'svc', 'own'] as const)(
    'A03: the %s login does not open another project',
    async (login) => {
      const client = await tenants.login(tenants.attacker, login)
      const { password } = client
      await client.end()
      expectRefused(
        await attemptConnect(tenants, {
          user: `${tenants.attacker.database}_${login}`,
          password: password ?? '',
          database: tenants.victim.database,
        }),
        '28000',
        /no pg_hba.conf entry/,
      )
    },
  )

  test.each([
    'anon',
    'authenticated',
    'service_role',
    'authenticator',
    'postgres',
    'supabase_admin',
    'dashboard_user',
  ])('A04: nobody signs in as the label %s', async (user) => {
    // Not even with a password that a tenant gave it (C10).
    const client = await tenants.login(tenants.attacker, 'db')
    if (user === 'postgres') expectDone(await attempt(client, `alter role postgres password 'known'`))
    await client.end()
    expectRefused(await attemptConnect(tenants, { ...own(), user, password: 'known' }), '28000')
  })

  test('A05: the superuser is not reached with a guess, an empty or no password', async () => {
    for (const password of ['postgres', 'favo_admin', tenants.attacker.ownerPassword])
      expectRefused(
        await attemptConnect(tenants, { user: 'favo_admin', password, database: 'postgres' }),
        '28P01',
      )
    const none = await attemptConnect(tenants, { user: 'favo_admin', database: 'postgres', password: '' })
    expect(none.code).not.toBeNull()
  })

  test("A06: another project's logins do not take one's own password", async () => {
    for (const suffix of ['db', 'own', 'api', 'svc'])
      expectRefused(
        await attemptConnect(tenants, {
          user: `${tenants.victim.database}_${suffix}`,
          password: tenants.attacker.ownerPassword,
          database: tenants.victim.database,
        }),
        '28P01',
      )
  })

  test('A07: no login may replicate, neither physically nor logically', async () => {
    for (const replication of ['true', 'database']) {
      const outcome = await attemptConnect(tenants, { ...own(), replication } as never)
      expect(outcome.code).toMatch(/^(28000|42501)$/)
    }
  })

  test.each([
    'role=favo_admin',
    'session_authorization=favo_admin',
    'session_replication_role=replica',
    'event_triggers=off',
    'allow_system_table_mods=on',
    'session_preload_libraries=x',
    'temp_file_limit=-1',
    'log_statement=all',
  ])('A08: -c %s in the startup packet is refused', async (setting) => {
    expectDone(await attemptConnect(tenants, { ...own(), options: '-c work_mem=8MB' }))
    expectRefused(await attemptConnect(tenants, { ...own(), options: `-c ${setting}` }), '42501')
  })

  test('A09: sign-in does not tell whether a foreign database exists', async () => {
    const real = await attemptConnect(tenants, { ...own(), database: tenants.victim.database })
    const invented = await attemptConnect(tenants, { ...own(), database: 'p_0000000000000000' })
    const shape = (outcome: typeof real) =>
      outcome.code === null
        ? null
        : [outcome.code, outcome.message.replace(/database "[^"]*"/, 'database "…"')]
    expect(shape(real)).toEqual(shape(invented))
  })

  test('A10: no session changes its authorization', async () => {
    for (const role of ['favo_admin', `${tenants.victim.database}_db`, 'supabase_admin']) {
      const client = await tenants.login(tenants.attacker, 'db')
      expectRefused(await attempt(client, `set session authorization ${role}`), '42501')
      await client.end()
    }
  })
})
