import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attemptConnect, expectDone, newName, startTenants, type Tenants } from '../test/tenants.ts'
import type { CreationStep } from './create-database.ts'

let tenants: Tenants
beforeAll(async () => {
  tenants = await startTenants()
})
afterAll(() => tenants.close())

const findTraces = async (database: string): Promise<string[]> => {
  const admin = await tenants.superuser('postgres')
  const { rows } = await admin.query<{ name: string }>(`
    select 'database ' || datname as name from pg_database where datname = '${database}'
    union all select 'role ' || rolname from pg_roles where rolname = '${database}' or starts_with(rolname, '${database}_')
  `)
  await admin.end()
  return rows.map(({ name }) => name)
}

const ownerGetsIn = async (database: string, password: string) =>
  expectDone(await attemptConnect(tenants, { user: `${database}_db`, password, database }))

describe('creating a database', () => {
  test('announces its steps, and the owner gets in with the given password', async () => {
    const database = newName()
    const steps: CreationStep[] = []
    await tenants.tenancy.createDatabase({
      database,
      ownerPassword: 'pässword',
      onStep: (step) => void steps.push(step),
    })
    expect(steps).toEqual(['roles', 'database', 'access', 'open'])
    await ownerGetsIn(database, 'pässword')
    await tenants.tenancy.dropDatabase(database)
  })

  test.each(['roles', 'database', 'access', 'open'] as const)(
    'a failure at the step %s leaves nothing behind, and the error is the one that happened',
    async (failing) => {
      const database = newName()
      const failure = new Error('injected')
      await expect(
        tenants.tenancy.createDatabase({
          database,
          ownerPassword: 'secret',
          onStep: (step) => {
            if (step === failing) throw failure
          },
        }),
      ).rejects.toBe(failure)
      expect(await findTraces(database)).toEqual([])
      // And the name is free again.
      await tenants.tenancy.createDatabase({ database, ownerPassword: 'secret' })
      await ownerGetsIn(database, 'secret')
      await tenants.tenancy.dropDatabase(database)
    },
  )

  test('the loss of the platform’s session underway is an error, and rolled back', async () => {
    const database = newName()
    const admin = await tenants.superuser('postgres')
    await expect(
      tenants.tenancy.createDatabase({
        database,
        ownerPassword: 'secret',
        onStep: async (step) => {
          if (step !== 'access') return
          await admin.query(`
            select pg_terminate_backend(pid) from pg_locks
            where locktype = 'advisory'
              and (classid::bigint << 32 | objid::bigint) = hashtextextended('favo database ${database}', 0)
          `)
        },
      }),
    ).rejects.toThrow()
    await admin.end()
    expect(await findTraces(database)).toEqual([])
  })

  test('ten at once all succeed', async () => {
    const names = Array.from({ length: 10 }, newName)
    await Promise.all(
      names.map((database) => tenants.tenancy.createDatabase({ database, ownerPassword: database })),
    )
    for (const database of names) await ownerGetsIn(database, database)
    await Promise.all(names.map((database) => tenants.tenancy.dropDatabase(database)))
    for (const database of names) expect(await findTraces(database)).toEqual([])
  })

  test('what a killed platform left half made is replaced', async () => {
    for (const leftover of [
      (name: string) => [`create role ${name} nologin`, `create role ${name}_db login password 'stale'`],
      (name: string) => [
        `create role ${name} nologin`,
        `create database ${name} template favo_template allow_connections false`,
      ],
    ]) {
      const database = newName()
      const admin = await tenants.superuser('postgres')
      for (const statement of leftover(database)) await admin.query(statement)
      await admin.end()
      await tenants.tenancy.createDatabase({ database, ownerPassword: 'fresh' })
      await ownerGetsIn(database, 'fresh')
      const stale = await attemptConnect(tenants, { user: `${database}_db`, password: 'stale', database })
      expect(stale.code).toBe('28P01')
      await tenants.tenancy.dropDatabase(database)
    }
  })

  test('repeating a creation that was complete keeps the data and takes the new password', async () => {
    const database = newName()
    await tenants.tenancy.createDatabase({ database, ownerPassword: 'first' })
    const owner = await tenants.connect({ user: `${database}_db`, password: 'first', database })
    await owner.query('create table public.kept (id int)')
    await owner.end()
    await tenants.tenancy.createDatabase({ database, ownerPassword: 'second' })
    const again = await tenants.connect({ user: `${database}_db`, password: 'second', database })
    await again.query('select * from public.kept')
    await again.end()
    await tenants.tenancy.dropDatabase(database)
  })

  test('rivals for one name end with one whole database', async () => {
    const database = newName()
    await Promise.all(
      ['a', 'b', 'c'].map((ownerPassword) => tenants.tenancy.createDatabase({ database, ownerPassword })),
    )
    const outcomes = await Promise.all(
      ['a', 'b', 'c'].map((password) =>
        attemptConnect(tenants, { user: `${database}_db`, password, database }),
      ),
    )
    expect(outcomes.filter(({ code }) => code === null)).toHaveLength(1)
    await tenants.tenancy.dropDatabase(database)
  })

  test.each([
    'postgres',
    'template1',
    'favo_template',
    'p_',
    'p_a_b',
    'P_A',
    'p_a"; drop',
    '',
    'p_' + 'x'.repeat(60),
  ])('the name %j is refused, for creating and for dropping', async (database) => {
    const refusal = { code: 'invalid_name' }
    await expect(tenants.tenancy.createDatabase({ database, ownerPassword: 'x' })).rejects.toMatchObject(
      refusal,
    )
    await expect(tenants.tenancy.dropDatabase(database)).rejects.toMatchObject(refusal)
    await expect(tenants.tenancy.pauseDatabase(database)).rejects.toMatchObject(refusal)
    await expect(tenants.tenancy.repairLogin(database, 'api')).rejects.toMatchObject(refusal)
  })
})

describe('dropping a database', () => {
  test('ends its sessions, removes every role, and may be repeated', async () => {
    const tenant = await tenants.newTenant()
    const owner = await tenants.login(tenant, 'db')
    await owner.query('begin; lock table auth.users')
    await tenants.tenancy.dropDatabase(tenant.database)
    expect(await findTraces(tenant.database)).toEqual([])
    await tenants.tenancy.dropDatabase(tenant.database)
    await owner.end().catch(() => {})
  })

  test('takes logical replication slots with it', async () => {
    const tenant = await tenants.newTenant()
    const admin = await tenants.superuser(tenant.database)
    await admin.query(`select pg_create_logical_replication_slot('s_${tenant.database}', 'pgoutput')`)
    await admin.end()
    await tenants.tenancy.dropDatabase(tenant.database)
    const check = await tenants.superuser('postgres')
    const { rows } = await check.query(
      `select from pg_replication_slots where slot_name = 's_${tenant.database}'`,
    )
    expect(rows).toEqual([])
    await check.end()
  })

  test('does not touch a project whose name begins alike', async () => {
    const short = newName().slice(0, 12)
    const long = `${short}x`
    for (const database of [short, long])
      await tenants.tenancy.createDatabase({ database, ownerPassword: 'x' })
    await tenants.tenancy.dropDatabase(short)
    await ownerGetsIn(long, 'x')
    await tenants.tenancy.dropDatabase(long)
  })
})

describe('pausing', () => {
  test('ends sessions, refuses new ones, and resuming brings everything back', async () => {
    const tenant = await tenants.newTenant()
    const owner = await tenants.login(tenant, 'db')
    await owner.query('create table public.kept (id int)')
    await tenants.tenancy.pauseDatabase(tenant.database)
    await tenants.tenancy.pauseDatabase(tenant.database)
    await expect(owner.query('select 1')).rejects.toThrow()
    await expect(tenants.login(tenant, 'db')).rejects.toMatchObject({ code: '53300' })
    const listed = await tenants.tenancy.listDatabases()
    expect(listed.find(({ database }) => database === tenant.database)?.state).toBe('paused')

    await tenants.tenancy.resumeDatabase(tenant.database)
    const again = await tenants.login(tenant, 'db')
    await again.query('select * from public.kept')
    await again.end()
  })

  test('while clients connect again and again, none is left inside', async () => {
    const tenant = await tenants.newTenant()
    let isRunning = true
    const storm = Promise.all(
      [1, 2, 3].map(async () => {
        while (isRunning) {
          const outcome = await attemptConnect(tenants, {
            user: `${tenant.database}_db`,
            password: tenant.ownerPassword,
            database: tenant.database,
          })
          expect([null, '53300', '57P01']).toContain(outcome.code)
        }
      }),
    )
    await tenants.tenancy.pauseDatabase(tenant.database)
    isRunning = false
    await storm
    const admin = await tenants.superuser('postgres')
    const { rows } = await admin.query(`
      select from pg_stat_activity where datname = '${tenant.database}' and state is not null
    `)
    expect(rows).toEqual([])
    await admin.end()
  })

  test('a database that is not there is reported as such', async () => {
    for (const call of ['pauseDatabase', 'resumeDatabase', 'upgradeDatabase'] as const)
      await expect(tenants.tenancy[call](newName())).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('passwords', () => {
  test('setting the owner’s leaves running sessions alone and refuses the old one', async () => {
    const tenant = await tenants.newTenant()
    const owner = await tenants.login(tenant, 'db')
    await tenants.tenancy.setOwnerPassword(tenant.database, 'changed')
    await owner.query('select 1')
    await owner.end()
    await expect(tenants.login(tenant, 'db')).rejects.toMatchObject({ code: '28P01' })
    await ownerGetsIn(tenant.database, 'changed')
  })

  test('never reach the server as text', async () => {
    const admin = await tenants.superuser('postgres')
    const { rows } = await admin.query<{ rolpassword: string }>(
      `select rolpassword from pg_authid where rolname = '${tenants.victim.database}_db'`,
    )
    expect(rows[0]?.rolpassword).toMatch(/^SCRAM-SHA-256\$4096:/)
    await admin.end()
  })
})

test('the control login opens its database, owns the schema control, and nobody else gets into that', async () => {
  const { database } = tenants.victim
  await tenants.tenancy.ensureControlLogin(database)
  await tenants.tenancy.ensureControlLogin(database)
  const admin = await tenants.superuser('postgres')
  await admin.query(`alter role ${database}_ctl password 'known'`)
  await admin.end()
  const control = await tenants.connect({ user: `${database}_ctl`, password: 'known', database })
  await control.query('create table control.tokens (id int)')
  const elsewhere = { user: `${database}_ctl`, password: 'known', database: tenants.attacker.database }
  expect((await attemptConnect(tenants, elsewhere)).code).toBe('28000')
  await expect(control.query('set role postgres')).rejects.toMatchObject({ code: '42501' })
  await control.end()
  for (const [suffix, role] of [
    ['db', 'postgres'],
    ['api', 'anon'],
    ['svc', 'service_role'],
    ['svc', 'supabase_auth_admin'],
  ] as const) {
    const session = await tenants.login(tenants.victim, suffix)
    await session.query(`set role ${role}`)
    await expect(session.query('select * from control.tokens')).rejects.toMatchObject({ code: '42501' })
    await session.end()
  }
})
