import { interpose, splitStatements } from '@favo/interposer'
import { quoteIdent } from '@favo/postgres'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attempt, expectDone, expectRefused, startTenants, type Outcome, type Tenants } from '../tenants.ts'

// Statements about roles, as customers write them: two projects with the same names, neither of which learns of the other.
let tenants: Tenants
let mine: Client
let theirs: Client
beforeAll(async () => {
  tenants = await startTenants()
  mine = await tenants.login(tenants.attacker, 'own')
  theirs = await tenants.login(tenants.victim, 'own')
  expectDone(await send(theirs, `create role reporting; create user metabase password 'victims'`))
})
afterAll(async () => {
  await Promise.all([mine.end(), theirs.end()])
  await tenants.close()
})

/** One by one, as the gateway and the query endpoint do, up to the first that fails. */
async function send(session: Client, source: string): Promise<Outcome> {
  let outcome: Outcome = { code: null, rows: [] }
  for (const { text } of await splitStatements(source))
    for (const { sql } of await interpose(text)) {
      outcome = await attempt(session, sql)
      if (outcome.code !== null) return outcome
    }
  return outcome
}

const rows = async (session: Client, text: string) => {
  const outcome = await send(session, text)
  expectDone(outcome)
  return outcome.code === null ? outcome.rows : []
}
const clusterName = async (session: Client, name: string): Promise<string> => {
  const [row] = await rows(session, `select pg_favo.resolve_role('${name}') as role`)
  return String(row?.role)
}

describe('the same names in two projects', () => {
  test('what the other has is not there: not to see, not to use, not in the way', async () => {
    const absent = [
      'alter role metabase nologin',
      `alter role metabase password 'x'`,
      'drop role reporting',
      'alter role reporting rename to other',
      'drop owned by reporting',
      'reassign owned by reporting to postgres',
    ]
    for (const text of absent)
      expect(await send(mine, text), text).toEqual(
        await send(
          mine,
          text.replace(/reporting|metabase/, (name) => name),
        ),
      )
    for (const text of absent) expectRefused(await send(mine, text), '42704', /does not exist/)
    expectRefused(await send(mine, 'grant select on pg_class to reporting'), '42704')
    expectRefused(await send(mine, 'set role reporting'), '22023', /does not exist/)
    expectDone(await send(mine, 'drop role if exists reporting'))
    expectDone(await send(mine, `create role reporting; create user metabase password 'attackers'`))
    expectDone(await send(mine, 'set role reporting; reset role; drop role reporting, metabase'))
    expect(await rows(theirs, 'select name from pg_favo.roles order by 1')).toEqual([
      { name: 'metabase' },
      { name: 'reporting' },
    ])
  })

  test('the name that the other’s role has in the cluster opens nothing', async () => {
    const role = quoteIdent(await clusterName(theirs, 'reporting'))
    const login = quoteIdent(await clusterName(theirs, 'metabase'))
    for (const text of [
      `alter role ${login} password 'x'`,
      `alter role ${login} superuser`,
      `alter role ${login} nologin`,
      `drop role ${role}`,
      `alter role ${role} rename to mine`,
      `drop owned by ${role} cascade`,
      `reassign owned by ${role} to postgres`,
      `grant ${role} to postgres`,
      `grant ${role} to authenticator`,
      `grant anon to ${role}`,
      `revoke ${role} from postgres`,
      `alter role ${role} set work_mem = '1MB'`,
      `set role ${role}`,
      `alter default privileges for role ${role} grant select on tables to postgres`,
    ]) {
      const outcome = await send(mine, text)
      expect(outcome.code, `${text}: ${JSON.stringify(outcome)}`).toMatch(/^42(501|704)$|^22023$/)
    }
    // Both may grant to it, which gives it nothing: it cannot get into another database.
    expectDone(await send(theirs, 'set role reporting; reset role'))
    const session = await tenants.connect({
      user: await clusterName(theirs, 'metabase'),
      password: 'victims',
      database: tenants.victim.database,
    })
    await session.end()
  })

  test('pg_roles and pg_user show the own roles by their names, and none of others', async () => {
    const names = (await rows(mine, 'select rolname from pg_roles order by 1')).map(({ rolname }) => rolname)
    expect(names).toContain('postgres')
    expect(names.filter((name) => String(name).startsWith('p_')).sort()).toEqual(
      ['', '_api', '_db', '_own', '_svc'].map((suffix) => `${tenants.attacker.database}${suffix}`),
    )
    expect(await rows(theirs, `select rolname, rolcanlogin from pg_roles where rolname ~ '^(rep|meta)' order by 1`)).toEqual([
      { rolname: 'metabase', rolcanlogin: true },
      { rolname: 'reporting', rolcanlogin: false },
    ]) // prettier-ignore
    expect(await rows(theirs, `select usename from pg_user where usename = 'metabase'`)).toHaveLength(1)
    expect(await rows(mine, `select from pg_user where usename = 'metabase'`)).toHaveLength(0)
  })

  test('a name from a dump of another project means the role of the same name here', async () => {
    const foreign = await clusterName(theirs, 'reporting')
    expectDone(await send(mine, 'create role reporting; create table public.dumped (id int)'))
    expectDone(await send(mine, `grant select on public.dumped to ${foreign}`))
    expect(await rows(mine, `select relacl::text as acl from pg_class where relname = 'dumped'`)).toEqual([
      { acl: expect.stringContaining(await clusterName(mine, 'reporting')) as string },
    ])
    expectDone(await send(mine, 'drop table public.dumped; drop role reporting'))
  })
})

describe('powers', () => {
  test.each([
    'create role x superuser',
    'create role x replication',
    'create role x in role postgres',
    'create role x in role supabase_auth_admin',
    'create role x in role pg_write_all_data',
    'create role x role authenticated',
    'create role pg_x',
    'create role favo_x',
    'alter role postgres createrole',
    'alter role postgres bypassrls',
    'alter role service_role password null',
    'alter role authenticator login',
    'alter role favo_admin password null',
    'alter role favo_evt login',
    'alter role supabase_admin superuser',
    'grant service_role to anon',
    'grant favo_evt to postgres',
    'grant favo_admin to postgres',
    'grant pg_execute_server_program to postgres',
    'revoke anon from authenticator',
    'revoke anon from postgres',
    'drop role anon',
    'drop role postgres',
    'drop owned by postgres, favo_evt',
    'reassign owned by favo_admin to postgres',
    'alter table pg_favo.roles owner to postgres',
    'set role favo_evt',
    'set role favo_admin',
  ])('%s is refused, and leaves nothing', async (text) => {
    const outcome = await send(mine, `begin; ${text}`)
    await send(mine, 'rollback')
    expect(outcome.code, JSON.stringify(outcome)).toMatch(/^42(501|939|704)$|^0LP01$|^2BP01$/)
  })

  test('what reaches beyond the project is left out with a notice', async () => {
    const notices: string[] = []
    mine.on('notice', ({ message }) => notices.push(message ?? ''))
    expectDone(await send(mine, 'create role limited createdb createrole bypassrls connection limit 9999'))
    expect(notices.join()).toMatch(/CREATEDB is left out.*CREATEROLE is left out/)
    const admin = await tenants.superuser('postgres')
    const { rows: found } = await admin.query(
      `select rolcreatedb, rolcreaterole, rolbypassrls, rolconnlimit <= 5 as is_limited from pg_authid
       where rolname = '${await clusterName(mine, 'limited')}'`,
    )
    await admin.end()
    expect(found).toEqual([
      { rolcreatedb: false, rolcreaterole: false, rolbypassrls: true, is_limited: true },
    ])
    expectDone(await send(mine, 'drop role limited'))
  })

  test('a role of the project cannot make, change or grant roles, nor set for others', async () => {
    expectDone(await send(mine, `create user worker password 'w'`))
    const worker = await tenants.connect({
      user: await clusterName(mine, 'worker'),
      password: 'w',
      database: tenants.attacker.database,
    })
    for (const text of [
      'create role more',
      `alter user postgres password 'taken'`,
      `alter role worker bypassrls`,
      'grant anon to worker',
      `alter database postgres set work_mem = '1MB'`,
      `alter role anon set statement_timeout = 0`,
      'create publication p for all tables',
      'alter extension pgcrypto set schema public',
      `create event trigger e on ddl_command_end execute function no_such()`,
      'select * from pg_favo.vault_keys',
      'select pg_favo.vault_key()',
    ])
      expectRefused(await send(worker, text), '42501')
    await worker.end()
    expectDone(await send(mine, 'drop owned by worker; drop role worker'))
  })

  test('a password that a role got before LOGIN is still its password then', async () => {
    expectDone(await send(mine, `create role sleeper password 'awake'`))
    const watchdog = tenants.tenancy.startWatchdog({ intervalMs: 3_600_000 })
    await watchdog.check()
    await watchdog.stop()
    expectDone(await send(mine, 'alter role sleeper login'))
    const session = await tenants.connect({
      user: await clusterName(mine, 'sleeper'),
      password: 'awake',
      database: tenants.attacker.database,
    })
    await session.end()
    expectDone(await send(mine, 'drop role sleeper'))
  })

  test('pg_read_all_data opens what is in the project, not what all tenants share', async () => {
    expectDone(
      await send(
        mine,
        `create table public.readable (id int); create role reader; grant pg_read_all_data to reader;
         create table public.later (id int); set role reader; select * from public.readable; select * from public.later`,
      ),
    )
    for (const catalog of ['pg_authid', 'pg_favo.vault_keys', 'pg_db_role_setting'])
      expectRefused(await send(mine, `select * from ${catalog}`), '42501')
    expectRefused(await send(mine, `insert into public.readable values (1)`), '42501')
    expectDone(
      await send(
        mine,
        'reset role; drop table public.readable, public.later; drop owned by reader; drop role reader',
      ),
    )
  })

  test.each([
    ['alter table auth.users owner to giver', '42501'],
    ['alter schema auth owner to giver', '42501'],
    ['alter schema extensions owner to giver', '42501'],
    ['alter schema pg_favo owner to giver', '42501'],
    ['alter table pg_favo.roles owner to giver', '42501'],
    ['alter table pg_catalog.pg_class owner to giver', '42501'],
    ['alter table public.nothing owner to giver', '42P01'],
    ['alter schema nothing owner to giver', '3F000'],
    ['create schema pg_mine authorization giver', '42939'],
  ])('%s is refused', async (text, code) => {
    expectDone(await send(mine, 'create role giver'))
    expectRefused(await send(mine, text), code)
    expectDone(await send(mine, 'drop role giver'))
  })

  test('what a role made can be read by the owner when it was granted, and be taken over', async () => {
    expectDone(
      await send(
        mine,
        `create role maker; grant maker to postgres; grant create, usage on schema public to maker;
         set role maker; create table public.made (id int); reset role; select * from public.made`,
      ),
    )
    expectRefused(await send(mine, 'drop role maker'), '2BP01', /^role "maker" cannot be dropped/)
    expectDone(
      await send(
        mine,
        'reassign owned by maker to postgres; drop table public.made; drop owned by maker; drop role maker',
      ),
    )
  })
})

describe('the password of postgres', () => {
  const signIn = (password: string) =>
    tenants
      .connect({
        user: `${tenants.attacker.database}_db`,
        password,
        database: tenants.attacker.database,
      })
      .then(
        async (session) => {
          await session.end()
          return true
        },
        () => false,
      )

  test('is the owner’s own, changes with its transaction, and nothing of the shared label', async () => {
    expectDone(await send(mine, `begin; alter user postgres password 'rolled back'; rollback`))
    expect(await signIn('rolled back')).toBe(false)
    expectDone(await send(mine, `alter role current_user with password 'second ''one'''`))
    expect(await signIn(`second 'one'`)).toBe(true)
    expectDone(await send(mine, `alter user session_user password 'third'`))
    expect(await signIn('third')).toBe(true)
    expectDone(await send(mine, `do $$ begin alter user postgres encrypted password 'fourth'; end $$`))
    expect(await signIn('fourth')).toBe(true)
    const admin = await tenants.superuser('postgres')
    const { rows: labels } = await admin.query(
      'select rolname from pg_authid where not rolcanlogin and rolpassword is not null',
    )
    await admin.end()
    expect(labels).toEqual([])
  })

  test('under another role it is out of reach', async () => {
    expectRefused(await send(mine, `set role anon; alter role current_user password 'x'`), '42501')
    expectDone(await send(mine, 'reset role'))
  })
})

describe('settings', () => {
  test.each([
    `alter database postgres set session_preload_libraries = 'x'`,
    `alter database postgres set role = 'favo_admin'`,
    `alter database postgres set "role" = 'favo_admin'`,
    `alter database postgres set temp_file_limit = -1`,
    `alter role postgres set session_replication_role = replica`,
    `alter role anon set role = 'service_role'`,
    `alter role authenticator set default_transaction_read_only = on`,
    `alter role supabase_auth_admin set search_path = public`,
    `alter database postgres set "favo.version" = 'x'`,
    `alter database postgres set "a.b c; --" = 'x'`,
  ])('%s is refused', async (text) => {
    expectRefused(await send(mine, text), '42501')
  })

  test('RESET ALL returns to what a project starts with, and keeps what makes sessions the owner’s', async () => {
    expectDone(
      await send(
        mine,
        `alter database postgres set search_path to "A, b", public; alter database postgres set x.y = 1;
         alter role postgres set statement_timeout = '9s'`,
      ),
    )
    const show = async () => {
      const session = await tenants.login(tenants.attacker, 'own')
      const shown = await rows(
        session,
        `select current_user::text as role, current_setting('search_path') as path, current_setting('x.y', true) as xy,
           current_setting('statement_timeout') as timeout`,
      )
      await session.end()
      return shown
    }
    expect(await show()).toEqual([{ role: 'postgres', path: '"A, b", public', xy: '1', timeout: '9s' }])
    expectDone(await send(mine, 'alter database postgres reset all; alter role postgres reset all'))
    expect(await show()).toEqual([
      { role: 'postgres', path: '"$user", public, extensions', xy: null, timeout: '2min' },
    ])
  })

  test('the defaults are those that logins start with', async () => {
    const found = await rows(
      mine,
      `select d.suffix || ' ' || d.name || '=' || d.value as setting from pg_favo.login_defaults d order by 1`,
    ).catch(() => null)
    // Not for the customer to read; the platform compares.
    expect(found).toBeNull()
    const admin = await tenants.superuser(tenants.victim.database)
    const { rows: differing } = await admin.query(`
      select * from (
        select substr(rolname, length(current_database()) + 1) as suffix, split_part(entry, '=', 1) as name,
          substr(entry, strpos(entry, '=') + 1) as value
        from pg_db_role_setting join pg_authid on pg_authid.oid = setrole, unnest(setconfig) entry
        where setdatabase = (select oid from pg_database where datname = current_database())
          and rolname ~ '_(db|own|api)$' and entry !~ '^role='
      ) stored
      full join pg_favo.login_defaults using (suffix, name, value)
      where stored is null or login_defaults is null`)
    await admin.end()
    expect(differing).toEqual([])
  })
})

test('everything that a statement does is undone with its transaction', async () => {
  const before = await rows(mine, 'select count(*)::int as n from pg_roles')
  expectDone(
    await send(
      mine,
      `begin; create role gone; grant gone to authenticator; alter role gone set work_mem = '1MB';
       grant usage on schema public to gone; rollback`,
    ),
  )
  expect(await rows(mine, 'select count(*)::int as n from pg_roles')).toEqual(before)
  expect(await rows(mine, `select from pg_favo.role_settings where role = 'gone'`)).toEqual([])
})
