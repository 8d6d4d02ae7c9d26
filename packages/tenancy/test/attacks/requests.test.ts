import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from 'pg'
import { attempt, expectDone, expectRefused, startTenants, type Tenants } from '../tenants.ts'

// SQL that got into a request of anon or authenticated (a customer's rpc that builds statements from its arguments): what it
// can do with the login that serves such requests. G01 … G12, and traps found since.
let tenants: Tenants
beforeAll(async () => {
  tenants = await startTenants()
  const owner = await tenants.login(tenants.attacker, 'own')
  await owner.query(`
    create table public.notes (id int primary key, body text);
    alter table public.notes enable row level security;
    insert into public.notes values (1, 'hidden');
    insert into auth.users (id, email) values (gen_random_uuid(), 'ann@example.com')
  `)
  await owner.end()
})
afterAll(() => tenants.close())

const asAnon = async (): Promise<Client> => {
  const client = await tenants.login(tenants.attacker, 'api')
  await client.query(`select set_config('role', 'anon', false)`)
  return client
}

describe('an injected statement of anon cannot', () => {
  test.each([
    ['G01 become service_role', 'set role service_role', '42501'],
    ['G01 the same through a setting', `select set_config('role', 'service_role', false)`, '42501'],
    ['G01 the same from the login itself', 'reset role; set role service_role', '42501'],
    ['G03 become the owner', 'set role postgres', '42501'],
    ['G04 become the auth service', 'set role supabase_auth_admin', '42501'],
    ['G04 become the storage service', 'set role supabase_storage_admin', '42501'],
    ['G05 become the superuser', 'reset role; set session authorization favo_admin', '42501'],
    ['G05 become a label with BYPASSRLS', 'set role supabase_admin', '42501'],
    ['G07 create a table', 'create table public.mine (id int)', '42501'],
    ['G07 create a temporary table', 'create temp table mine (id int)', '42501'],
    ['G07 create a function', 'create function public.f() returns int language sql return 1', '42501'],
    ['G07 create a schema', 'create schema mine', '42501'],
    ['G08 read users', 'select * from auth.users', '42501'],
    ['G08 read refresh tokens', 'select * from auth.refresh_tokens', '42501'],
    ['call helpers of the owner', `select pg_favo.db_setting('work_mem', '1GB')`, '42501'],
    ['create roles', `select pg_favo.create_role('mine')`, '42501'],
    ['read settings of roles', 'select * from pg_favo.role_settings', '42501'],
    ['end sessions', 'select pg_terminate_backend(pg_backend_pid())', '42501'],
    ['lock tables it cannot write', 'begin; lock table auth.users', '42501'],
    ['connect elsewhere by dblink', `select dblink_connect('x')`, '42883'],
  ])('%s', async (_what, sql, code) => {
    const anon = await asAnon()
    try {
      expectDone(await attempt(anon, 'select 1 from public.notes'))
      expectRefused(await attempt(anon, ...sql.split('; ')), code)
    } finally {
      await anon.end()
    }
  })

  test('see rows that policies hide, whatever it sets', async () => {
    const anon = await asAnon()
    expect(await attempt(anon, 'select * from public.notes')).toMatchObject({ rows: [] })
    // Off means: rather fail than filter.
    expectRefused(await attempt(anon, 'set row_security = off', 'select * from public.notes'), '42501')
    await anon.end()
    const service = await tenants.login(tenants.attacker, 'svc')
    const rows = await attempt(service, 'set role service_role', 'select body from public.notes')
    expect(rows).toMatchObject({ rows: [{ body: 'hidden' }] })
    await service.end()
  })

  test('learn the names of statements that were prepared on the connection, nor replace one', async () => {
    const anon = await asAnon()
    await anon.query({ name: 's_5f1c0e', text: 'select 1' })
    expectRefused(await attempt(anon, 'select name from pg_prepared_statements'), '42501')
    expectRefused(await attempt(anon, 'select name from pg_prepared_statement()'), '42501')
    // Without the name it can only forget them all, which the pool notices (26000) and repairs.
    expectDone(await attempt(anon, 'deallocate all'))
    await anon.end()
  })
})

test('G02: an injected statement of anon can become authenticated: one login serves both, and claims are settings anyway', async () => {
  const anon = await asAnon()
  expectDone(await attempt(anon, 'set role authenticated'))
  await anon.end()
})

test('G09: a login that changed its own password is repaired', async () => {
  const attacker = await tenants.newTenant()
  const api = await tenants.login(attacker, 'api')
  const { password } = api
  expectDone(await attempt(api, `alter role ${attacker.database}_api password 'taken over'`))
  await api.end()
  const user = `${attacker.database}_api`
  const stolen = { user, password: 'taken over', database: attacker.database }
  await (await tenants.connect(stolen)).end()
  await expect(tenants.connect({ ...stolen, password: password ?? '' })).rejects.toMatchObject({
    code: '28P01',
  })

  await tenants.tenancy.repairLogin(attacker.database, 'api')
  await expect(tenants.connect(stolen)).rejects.toMatchObject({ code: '28P01' })
})

test('G10, G11: RESET ALL takes back what a statement left on the connection, the role aside', async () => {
  const api = await tenants.login(tenants.victim, 'api')
  expectDone(
    await attempt(
      api,
      `select set_config('request.jwt.claims', '{"role":"service_role"}', false)`,
      `set search_path = 'evil'`,
      'set statement_timeout = 0',
      'reset all',
    ),
  )
  const after = await attempt(
    api,
    `select current_setting('request.jwt.claims', true) as claims, current_setting('search_path') as path,
      current_setting('statement_timeout') as timeout`,
  )
  expect(after).toMatchObject({ rows: [{ claims: '', path: '"$user", public', timeout: '8s' }] })
  await api.end()
})

test('G12: session_user of a request is the login, never authenticator', async () => {
  const anon = await asAnon()
  expect(await attempt(anon, 'select session_user as name')).toMatchObject({
    rows: [{ name: `${tenants.attacker.database}_api` }],
  })
  await anon.end()
})

describe('custom roles of tokens', () => {
  test('are reachable from the request login once granted to authenticator, and only there', async () => {
    const owner = await tenants.login(tenants.victim, 'own')
    const created = await attempt(owner, `select pg_favo.create_role('reporting') as role`)
    const role = created.code === null ? String(created.rows[0]?.role) : ''
    const api = await tenants.login(tenants.victim, 'api')
    expectRefused(await attempt(api, `set role ${role}`), '42501')
    expectDone(await attempt(owner, `select pg_favo.grant_role('reporting', 'authenticator')`))
    expectDone(await attempt(api, `set role ${role}`))
    // A shared postgres could make every tenant a member.
    const stranger = await tenants.login(tenants.attacker, 'db')
    expectRefused(await attempt(stranger, `set role ${role}`), '42501')
    expectRefused(await attempt(stranger, `alter role ${role} password 'x'`), '42501')
    await Promise.all([owner.end(), api.end(), stranger.end()])
  })

  test('never make service_role reachable from it', async () => {
    const owner = await tenants.login(tenants.victim, 'own')
    expectRefused(await attempt(owner, `select pg_favo.grant_role('service_role', 'authenticator')`), '42501')
    expectDone(
      await attempt(
        owner,
        `select pg_favo.create_role_with('near', '{}'), pg_favo.create_role_with('far', '{}')`,
        `select pg_favo.grant_role('service_role', 'far'), pg_favo.grant_role('near', 'authenticator')`,
      ),
    )
    expectRefused(await attempt(owner, `select pg_favo.grant_role('far', 'authenticator')`), '42501')
    expectRefused(await attempt(owner, `select pg_favo.grant_role('far', 'near')`), '42501')
    expectRefused(await attempt(owner, `select pg_favo.grant_role('service_role', 'near')`), '42501')
    await owner.end()
  })
})
