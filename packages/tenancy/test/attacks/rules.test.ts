import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attempt, expectDone, expectRefused, startTenants, type Tenants } from '../tenants.ts'

// The nine rules for platform code. Each was shown to be exploitable when broken; here each is held.
let tenants: Tenants
beforeAll(async () => {
  tenants = await startTenants()
})
afterAll(() => tenants.close())

describe('rule 1: superuser sessions run nothing of the customer’s', () => {
  /** Better matches than pg_catalog's, an event-like trap in every schema a customer may write to. */
  const traps = `
    create table public.caught (who text);
    grant insert on public.caught to public;
    create function public.lower(varchar) returns text language plpgsql as $$
    begin insert into public.caught values (current_user); return 'x'; end $$;
    create function extensions.lower(varchar) returns text language sql return public.lower($1);
    create function public.count_trap() returns trigger language plpgsql as $$
    begin insert into public.caught values (current_user || ' ' || session_user); return null; end $$;
    create table public.big (id int, body text);
    insert into public.big select i, 'x' from generate_series(1, 2000) i;
    create function public.indexed(text) returns text language plpgsql immutable as $$
    begin
      begin insert into public.caught values (current_user); exception when others then null; end;
      return $1;
    end $$;
    create index on public.big (public.indexed(body))`

  test('a shadowing function is called by a careless session, and not by the platform’s', async () => {
    const tenant = await tenants.newTenant()
    const owner = await tenants.login(tenant, 'own')
    await owner.query(traps)
    await owner.query('truncate public.caught')
    const careless = await tenants.superuser(tenant.database, { options: '-c search_path=public,pg_catalog' })
    await careless.query(`select lower('X'::varchar)`)
    expect((await owner.query('select who from public.caught')).rows).toEqual([{ who: 'favo_admin' }])
    await careless.end()

    await owner.query('truncate public.caught')
    const careful = await tenants.superuser(tenant.database)
    expect((await careful.query(`select lower('X'::varchar) as x`)).rows).toEqual([{ x: 'x' }])
    expect((await careful.query('show event_triggers')).rows).toEqual([{ event_triggers: 'off' }])
    expect((await owner.query('select who from public.caught')).rows).toEqual([])
    await Promise.all([careful.end(), owner.end()])
  })

  test('H04: vacuum, analyze and upgrade by the platform run index expressions as their owner, if at all', async () => {
    const tenant = await tenants.newTenant()
    const owner = await tenants.login(tenant, 'own')
    await owner.query(traps)
    await owner.query('truncate public.caught; update public.big set body = body')
    await owner.query('select pg_stat_force_next_flush()')
    const vacuum = tenants.tenancy.startVacuum({ intervalMs: 3_600_000, writesMin: 1 })
    await vacuum.check()
    await owner.query(`update public.big set body = 'y'; select pg_stat_force_next_flush()`)
    const done = await vacuum.check()
    await vacuum.stop()
    expect(done).toContain(`${tenant.database}.public.big`)
    const { rows } = await owner.query<{ who: string }>('select distinct who from public.caught')
    expect(rows.filter(({ who }) => who.includes('favo_admin'))).toEqual([])
    await owner.end()
  })
})

describe('rule 2: no customer function is ever an event trigger', () => {
  test('neither made by the owner, nor by way of an extension', async () => {
    const owner = await tenants.login(tenants.attacker, 'own')
    await owner.query(`
      create function public.evt() returns event_trigger language plpgsql as $$ begin perform 1; end $$
    `)
    expectRefused(
      await attempt(owner, 'create event trigger e on ddl_command_end execute function public.evt()'),
      '42501',
    )
    expectRefused(
      await attempt(owner, 'create event trigger e on login execute function public.evt()'),
      '42501',
    )
    expectDone(await attempt(owner, 'create extension seg'))
    const admin = await tenants.superuser(tenants.attacker.database)
    const { rows } = await admin.query(`
      select evtname from pg_event_trigger join pg_proc on pg_proc.oid = evtfoid
      where proowner <> 'favo_admin'::regrole or pronamespace <> 'pg_favo'::regnamespace
    `)
    expect(rows).toEqual([])
    await Promise.all([owner.end(), admin.end()])
  })
})

test('rule 3: settings that a tenant gives to a shared label reach no session of another project', async () => {
  const owner = await tenants.login(tenants.attacker, 'db')
  for (const label of ['anon', 'authenticated', 'service_role', 'postgres', 'supabase_auth_admin'])
    expectDone(
      await attempt(
        owner,
        `set role ${label}`,
        `alter role ${label} set lock_timeout = '1ms'`,
        `alter role ${label} in database ${tenants.victim.database} set lock_timeout = '1ms'`,
      ),
    )
  await owner.end()
  for (const [suffix, timeout] of [['db', '0'], ['own', '0'], ['api', '8s'], ['svc', '0']] as const) {
    const session = await tenants.login(tenants.victim, suffix)
    expect(await attempt(session, 'show lock_timeout')).toMatchObject({ rows: [{ lock_timeout: timeout }] })
    await session.end()
  } // prettier-ignore
})

test('rule 4: the platform’s session in a project starts under no value of the customer’s', async () => {
  const owner = await tenants.login(tenants.attacker, 'own')
  expectDone(
    await attempt(
      owner,
      `select pg_favo.db_setting('datestyle', 'German'), pg_favo.db_setting('app.x', 'y')`,
    ),
  )
  const admin = await tenants.superuser('postgres')
  const { rows } = await admin.query<{ setconfig: string[] }>(`
    select setconfig from pg_db_role_setting join pg_database on pg_database.oid = setdatabase
    where setrole = 0 and datname = '${tenants.attacker.database}'
  `)
  const names = rows[0]?.setconfig.map((entry) => entry.split('=')[0]).sort()
  expect(names).toEqual([
    'favo.version', 'idle_in_transaction_session_timeout', 'log_min_error_statement', 'log_min_messages', 'temp_file_limit',
  ]) // prettier-ignore
  await Promise.all([owner.end(), admin.end()])
})

test('rule 5: a database is closed until its privileges are set, and PUBLIC never gets any', async () => {
  const { tenancy } = tenants
  const database = `p_rule5${Date.now()}`
  const admin = await tenants.superuser('postgres')
  const seen: unknown[] = []
  await tenancy.createDatabase({
    database,
    ownerPassword: 'secret',
    onStep: async (step) => {
      const { rows } = await admin.query(
        `select datallowconn as open from pg_database where datname = '${database}'`,
      )
      seen.push([step, (rows[0] as { open: boolean } | undefined)?.open])
    },
  })
  expect(seen).toEqual([['roles', undefined], ['database', undefined], ['access', false], ['open', false]]) // prettier-ignore
  const { rows } = await admin.query(`
    select datname from pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
    where grantee = 0 and datname <> 'template0'
  `)
  expect(rows).toEqual([])
  await admin.end()
  await tenancy.dropDatabase(database)
})

test('rule 6: no role of a tenant may create roles, and nobody administers a membership', async () => {
  const admin = await tenants.superuser('postgres')
  const powers = await admin.query(`
    select rolname from pg_roles
    where (rolcreaterole or rolcreatedb or rolreplication or rolsuper) and rolname <> 'favo_admin'
  `)
  expect(powers.rows).toEqual([])
  const administered = await admin.query(`
    select roleid::regrole, member::regrole from pg_auth_members where admin_option and member <> 'favo_admin'::regrole
  `)
  expect(administered.rows.filter((row) => !JSON.stringify(row).includes('"pg_'))).toEqual([])
  const inheriting = await admin.query(`
    select rolname from pg_roles where rolname ~ '^p_[a-z0-9]+_(db|own|api|svc)$' and rolinherit
  `)
  expect(inheriting.rows).toEqual([])
  await admin.end()
})

test('rule 7: the superuser is not called postgres, and postgres is a label', async () => {
  const admin = await tenants.superuser('postgres')
  const { rows } = await admin.query(
    `select rolsuper, rolcanlogin, rolbypassrls from pg_roles where rolname = 'postgres'`,
  )
  expect(rows).toEqual([{ rolsuper: false, rolcanlogin: false, rolbypassrls: true }])
  const owned = await admin.query(`select from pg_database where datdba <> 'favo_admin'::regrole`)
  expect(owned.rows).toEqual([])
  await admin.end()
})

test('rule 8: pg_hba asks every connection for a SCRAM password, and knows two rules', async () => {
  const admin = await tenants.superuser('postgres')
  const { rows } = await admin.query<{ database: string[]; user_name: string[]; auth_method: string }>(
    'select database, user_name, auth_method from pg_hba_file_rules',
  )
  expect(
    new Set(rows.map((row) => `${row.database.join()} ${row.user_name.join()} ${row.auth_method}`)),
  ).toEqual(new Set(['all favo_admin scram-sha-256', 'samerole all scram-sha-256']))
  const stored = await admin.query(`
    select rolname from pg_authid where rolcanlogin and rolpassword !~ '^SCRAM-SHA-256[$]'
  `)
  expect(stored.rows).toEqual([])
  await admin.end()
})

test('rule 9: RESET ALL leaves the role, prepared statements and LISTEN alone, so the role is set for each request', async () => {
  const api = await tenants.login(tenants.victim, 'api')
  expectDone(await attempt(api, 'set role anon', `set search_path = 'evil'`, 'reset all'))
  expect(
    await attempt(api, `select current_user as me, current_setting('search_path') as path`),
  ).toMatchObject({
    rows: [{ me: 'anon', path: '"$user", public' }],
  })
  await api.end()
})
