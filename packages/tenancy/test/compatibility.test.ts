import { randomBytes } from 'node:crypto'
import { quoteIdent } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attempt, expectRefused, startTenants, type Tenants } from './tenants.ts'

// What SQL written for PostgREST or Supabase expects to work.
let tenants: Tenants
beforeAll(async () => {
  tenants = await startTenants()
})
afterAll(() => tenants.close())

test('a role that the operator grants to authenticator can be taken by requests; customers cannot do that', async () => {
  const { attacker } = tenants
  const name = `r_${randomBytes(6).toString('hex')}`
  const superuser = await tenants.superuser(attacker.database)
  await superuser.query(`create role ${quoteIdent(name)} nologin; grant ${quoteIdent(name)} to authenticator`)
  const api = await tenants.login(attacker, 'api')
  const { rows } = await api.query<{ taken: string }>(
    `select set_config('role', '${name}', false), current_user::text as taken`,
  )
  expect(rows).toHaveLength(1)
  expect((await api.query<{ current_user: string }>('select current_user')).rows).toEqual([
    { current_user: name },
  ])

  const owner = await tenants.login(attacker, 'own')
  expectRefused(await attempt(owner, 'grant service_role to authenticator'), '42501')
  expectRefused(await attempt(api, 'reset role; set role service_role'), '42501')
  await Promise.all([api.end(), owner.end()])
  await superuser.query(`drop role ${quoteIdent(name)}`)
  await superuser.end()
})

test('a table whose owner switched autovacuum off is left alone', async () => {
  const tenant = await tenants.newTenant()
  const owner = await tenants.login(tenant, 'own')
  await owner.query(`
    create table public.wanted (id int);
    create table public.unwanted (id int) with (autovacuum_enabled = false)`)
  const vacuum = tenants.tenancy.startVacuum({ intervalMs: 3_600_000, writesMin: 1 })
  await vacuum.check()
  await owner.query(`
    insert into public.wanted select generate_series(1, 5000);
    insert into public.unwanted select generate_series(1, 5000)`)
  await owner.query('select pg_stat_force_next_flush()')
  await owner.query('select 1')
  const done = await vacuum.check()
  await vacuum.stop()
  expect(done).toContain(`${tenant.database}.public.wanted`)
  expect(done).not.toContain(`${tenant.database}.public.unwanted`)
  await owner.end()
})
