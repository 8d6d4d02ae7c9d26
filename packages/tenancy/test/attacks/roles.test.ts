import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attempt, expectDone, expectRefused, startTenants, type Tenants } from '../tenants.ts'

// Roles, memberships and databases as objects: B01 … B16, C01 … C11 of the design's table of attacks.
let tenants: Tenants
beforeAll(async () => {
  tenants = await startTenants()
})
afterAll(() => tenants.close())

interface Attack {
  readonly id: string
  readonly what: string
  /** `VICTIM` and `OWN` stand for the names of the two databases. */
  readonly sql: readonly string[]
  readonly code: string
  /** Something close by that works, so that the refusal is not one of circumstances. */
  readonly control?: readonly string[]
}

const attacks: readonly Attack[] = [
  {
    id: 'B01',
    what: 'become the superuser',
    sql: ['set role favo_admin'],
    code: '42501',
    control: ['set role service_role', 'set role supabase_auth_admin', 'reset role'],
  },
  ...['', '_db', '_own', '_api', '_svc'].map((suffix) => ({
    id: 'B02',
    what: `become the victim's role VICTIM${suffix}`,
    sql: [`set role VICTIM${suffix}`],
    code: '42501',
  })),
  ...[
    'pg_read_all_data',
    'pg_write_server_files',
    'pg_execute_server_program',
    'pg_monitor',
    'pg_signal_backend',
  ].map((role) => ({ id: 'B03', what: `become ${role}`, sql: [`set role ${role}`], code: '42501' })),
  {
    id: 'B04',
    what: 'grant a predefined role to oneself',
    sql: ['grant pg_read_all_data to postgres'],
    code: '42501',
  },
  { id: 'B04', what: 'grant a predefined role to anon', sql: ['grant pg_monitor to anon'], code: '42501' },
  { id: 'B05', what: 'grant the superuser to oneself', sql: ['grant favo_admin to postgres'], code: '42501' },
  {
    id: 'B05',
    what: "grant the victim's login to oneself",
    sql: ['grant VICTIM_db to OWN_db'],
    code: '42501',
  },
  ...['superuser', 'createrole', 'createdb', 'replication', 'login', 'connection limit -1'].map(
    (attribute) => ({
      id: 'B06',
      what: `give oneself ${attribute}`,
      sql: ['set role OWN_db', `alter role OWN_db ${attribute}`],
      code: '42501',
      control: [
        'set role OWN_db',
        `alter role OWN_db set application_name = 'mine'`,
        'alter role OWN_db reset all',
      ],
    }),
  ),
  ...['login', 'nobypassrls', 'superuser', 'rename to other', 'noinherit'].map((change) => ({
    id: 'B07',
    what: `alter a shared label: ${change}`,
    sql: [`alter role anon ${change}`],
    code: '42501',
  })),
  { id: 'B07', what: 'let a label sign in', sql: ['alter role postgres login'], code: '42501' },
  { id: 'B08', what: "set the victim's password", sql: [`alter role VICTIM_db password 'x'`], code: '42501' },
  {
    id: 'B08',
    what: "rename the victim's login",
    sql: ['alter role VICTIM_db rename to gone'],
    code: '42501',
  },
  {
    id: 'B08',
    what: "set a parameter of the victim's login",
    sql: [`alter role VICTIM_api in database VICTIM set statement_timeout = 1`],
    code: '42501',
  },
  { id: 'B09', what: 'create a role', sql: ['create role squatter'], code: '42501' },
  { id: 'B10', what: 'create a superuser', sql: ['create role boss superuser login'], code: '42501' },
  {
    id: 'B10',
    what: 'create a role in a powerful group',
    sql: ['create role boss in role pg_execute_server_program'],
    code: '42501',
  },
  { id: 'B12', what: 'let anon become service_role', sql: ['grant service_role to anon'], code: '42501' },
  { id: 'B12', what: 'let anon become postgres', sql: ['grant postgres to anon'], code: '42501' },
  {
    id: 'B12',
    what: 'take service_role from the services of all tenants',
    sql: ['revoke anon from postgres'],
    code: '42501',
  },
  {
    id: 'B12',
    what: 'administer a membership',
    sql: ['grant authenticated to OWN_api with admin option'],
    code: '42501',
  },
  { id: 'B13', what: 'drop a label', sql: ['drop role anon'], code: '42501' },
  { id: 'B13', what: "drop the victim's role", sql: ['drop role VICTIM_api'], code: '42501' },
  { id: 'B14', what: "drop what the victim's login owns", sql: ['drop owned by VICTIM_db'], code: '42501' },
  {
    id: 'B14',
    what: 'reassign what the superuser owns',
    sql: ['reassign owned by favo_admin to postgres'],
    code: '42501',
  },
  {
    id: 'C01',
    what: 'set a parameter of the victim database',
    sql: ['alter database VICTIM set work_mem = 1'],
    code: '42501',
  },
  {
    id: 'C01',
    what: 'rename the victim database',
    sql: ['alter database VICTIM rename to mine'],
    code: '42501',
  },
  {
    id: 'C01',
    what: 'own the victim database',
    sql: ['alter database VICTIM owner to postgres'],
    code: '42501',
  },
  {
    id: 'C01',
    what: 'close the victim database',
    sql: ['alter database VICTIM allow_connections false'],
    code: '42501',
  },
  { id: 'C02', what: 'drop the victim database', sql: ['drop database VICTIM'], code: '42501' },
  { id: 'C02', what: 'drop the template', sql: ['drop database favo_template'], code: '42501' },
  {
    id: 'C03',
    what: 'copy the victim database',
    sql: ['create database copy template VICTIM'],
    code: '42501',
  },
  {
    id: 'C05',
    what: 'raise the connection limit',
    sql: ['alter database OWN connection limit -1'],
    code: '42501',
  },
  {
    id: 'C05',
    what: 'lift the limit of temporary files',
    sql: ['alter database OWN set temp_file_limit = -1'],
    code: '42501',
  },
  { id: 'C05', what: 'own the own database', sql: ['alter database OWN owner to postgres'], code: '42501' },
  {
    id: 'C07',
    what: 'name a table of another database',
    sql: ['select * from VICTIM.public.secrets'],
    code: '0A000',
  },
]

const fill = (sql: readonly string[]): string[] =>
  sql.map((text) =>
    text.replaceAll('VICTIM', tenants.victim.database).replaceAll('OWN', tenants.attacker.database),
  )

describe('the owner of one project cannot', () => {
  test.each(attacks)('$id: $what', async ({ sql, code, control }) => {
    const owner = await tenants.login(tenants.attacker, 'db')
    try {
      if (control !== undefined) expectDone(await attempt(owner, ...fill(control)))
      expectRefused(await attempt(owner, ...fill(sql)), code)
    } finally {
      await owner.end()
    }
  })

  test('B11: make a login that gets into another database', async () => {
    const owner = await tenants.login(tenants.attacker, 'db')
    const created = await attempt(owner, `select pg_favo.create_role('intruder', true, 'pw') as role`)
    expectDone(created)
    const role = created.code === null ? String(created.rows[0]?.role) : ''
    // Control: it is a real login of the own database.
    const inside = await tenants.connect({ user: role, password: 'pw', database: tenants.attacker.database })
    await inside.end()
    for (const database of [tenants.victim.database, 'postgres', 'favo_template'])
      await expect(tenants.connect({ user: role, password: 'pw', database })).rejects.toMatchObject({
        code: '28000',
      })
    await owner.end()
  })

  test('B15: take shared objects by reassigning what postgres owns', async () => {
    const owner = await tenants.login(tenants.attacker, 'db')
    expectDone(await attempt(owner, 'begin', 'reassign owned by supabase_admin to postgres', 'rollback'))
    for (const label of ['supabase_admin', 'dashboard_user'])
      await attempt(owner, 'begin', `reassign owned by postgres to ${label}`, 'commit')
    const admin = await tenants.superuser('postgres')
    const { rows } = await admin.query(`select from pg_database where datdba <> 'favo_admin'::regrole`)
    expect(rows).toEqual([])
    await admin.end()
    await owner.end()
  })

  test('B16: revoke privileges in other databases by dropping what shared roles own', async () => {
    const admin = await tenants.superuser('postgres')
    const acl = async () => {
      const { rows } = await admin.query<{ datacl: string }>(
        `select datacl::text from pg_database where datname = '${tenants.victim.database}'`,
      )
      return rows[0]?.datacl
    }
    const before = await acl()
    const owner = await tenants.login(await tenants.newTenant(), 'db')
    for (const label of ['anon', 'authenticated', 'dashboard_user', 'postgres'])
      await attempt(owner, `drop owned by ${label} cascade`)
    expect(await acl()).toBe(before)
    expect(before).toContain('postgres=CT')
    await owner.end()
    await admin.end()
  })

  test('C06: open its own database to others', async () => {
    const owner = await tenants.login(tenants.attacker, 'db')
    await attempt(owner, `grant connect on database ${tenants.attacker.database} to public`)
    const { rows } = await owner.query<{ open: boolean }>(
      `select has_database_privilege('anon', current_database(), 'connect') as open`,
    )
    expect(rows[0]?.open).toBe(false)
    await owner.end()
  })

  test('C08, C09, C11: change the settings under which another project runs', async () => {
    const { database } = tenants.victim
    const owner = await tenants.login(tenants.attacker, 'db')
    // Postgres allows this: every tenant may become anon, and a role may set its own parameters in any database.
    expectDone(
      await attempt(
        owner,
        'set role anon',
        `alter role anon set statement_timeout = '1ms'`,
        `alter role anon in database ${database} set search_path = 'evil'`,
        'reset role',
        `alter role postgres in database ${database} set search_path = 'evil'`,
      ),
    )
    await owner.end()
    const api = await tenants.login(tenants.victim, 'api')
    const reset = await attempt(
      api,
      'set role anon',
      `select current_setting('statement_timeout') as timeout, current_setting('search_path') as path`,
    )
    expect(reset).toMatchObject({ rows: [{ timeout: '8s', path: '"$user", public' }] })
    await api.end()
    const victim = await tenants.login(tenants.victim, 'own')
    expect(await attempt(victim, `select current_setting('search_path') as path`)).toMatchObject({
      rows: [{ path: '"$user", public, extensions' }],
    })
    await victim.end()
  })

  test('C10: use the password that it gave a label', async () => {
    const owner = await tenants.login(tenants.attacker, 'db')
    expectDone(await attempt(owner, `alter role postgres password 'known'`))
    await owner.end()
    for (const database of [tenants.attacker.database, tenants.victim.database, 'postgres'])
      await expect(tenants.connect({ user: 'postgres', password: 'known', database })).rejects.toMatchObject({
        code: '28000',
      })
  })
})
