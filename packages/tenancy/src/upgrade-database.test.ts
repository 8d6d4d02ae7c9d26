import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@favo/runtime'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { newName, startTenants, type Tenants } from '../test/tenants.ts'
import { createTenancy, type Tenancy } from './tenancy.ts'

let tenants: Tenants
let database: string
beforeAll(async () => {
  tenants = await startTenants()
})
afterAll(() => tenants.close())

/** A platform whose auth service has these migrations in addition; it never prepares, so the run's template stays. */
const withFiles = async (files: Record<string, string>): Promise<Tenancy> => {
  const directory = await mkdtemp(join(tmpdir(), 'favo-migrations-'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  const { endpoint, password } = tenants.cluster
  const tenancy = createTenancy({
    admin: { endpoint, user: 'favo_admin', password },
    migrations: [{ component: 'auth', directory }],
    passwordFor: (name, login) => `${name} ${login}`,
    log: silentLogger(),
  })
  onTestFinished(async () => {
    await tenancy.close()
    await rm(directory, { recursive: true })
  })
  return tenancy
}

const ask = async (text: string): Promise<Record<string, unknown>[]> => {
  const admin = await tenants.superuser(database)
  try {
    return (await admin.query<Record<string, unknown>>(text)).rows
  } finally {
    await admin.end()
  }
}

beforeEach(async () => {
  const plain = await withFiles({})
  database = newName()
  const name = database
  await plain.createDatabase({ database, ownerPassword: 'secret' })
  onTestFinished(() => plain.dropDatabase(name))
})

const addColumn = { '9001_add_nickname.sql': 'alter table auth.users add column nickname text;' }

describe('upgrading a database', () => {
  test('applies what is missing once, as the service’s role, and remembers it', async () => {
    const next = await withFiles({
      ...addColumn,
      '9002_add_badges.sql': `
        set role supabase_auth_admin;
        create table auth.badges (id int primary key);
        reset role;`,
    })
    expect(await next.upgradeDatabase(database)).toEqual({
      applied: ['auth/9001_add_nickname.sql', 'auth/9002_add_badges.sql'],
    })
    expect(await next.upgradeDatabase(database)).toEqual({ applied: [] })
    const [badges] = await ask(
      `select relowner::regrole::text as owner from pg_class where relname = 'badges'`,
    )
    expect(badges).toEqual({ owner: 'supabase_auth_admin' })
    expect(await ask('select from pg_favo.maintenance_sessions')).toEqual([])
  })

  test('what it made or changed is protected like the rest', async () => {
    const next = await withFiles({ ...addColumn, '9002_badges.sql': 'create table auth.badges (id int);' })
    await next.upgradeDatabase(database)
    const owner = await tenants.connect({ user: `${database}_db`, password: 'secret', database })
    for (const statement of ['drop table auth.badges', 'alter table auth.users drop column nickname'])
      await expect(owner.query(statement)).rejects.toMatchObject({ code: '42501' })
    // Control: statements that change nothing still pass, so the new state is the recorded one.
    await owner.query('alter table auth.users enable row level security')
    await owner.end()
  })

  test('customers’ triggers that it fires get no more than the service’s rights', async () => {
    const owner = await tenants.connect({ user: `${database}_db`, password: 'secret', database })
    await owner.query(`
      create table public.seen (me text, super text);
      grant insert on public.seen to public;
      insert into auth.users (id) values (gen_random_uuid());
      create function public.spy() returns trigger language plpgsql as $$
      begin
        insert into public.seen values (session_user, current_setting('is_superuser'));
        return new;
      end $$;
      create trigger spy before update on auth.users for each row execute function public.spy()`)
    const next = await withFiles({ '9001_touch.sql': `update auth.users set aud = 'x';` })
    await next.upgradeDatabase(database)
    expect((await owner.query('select * from public.seen')).rows).toEqual([
      { me: `${database}_svc`, super: 'off' },
    ])
    await owner.end()
  })

  test('a file that fails leaves no trace of itself; those before it stay, and a mended one goes on', async () => {
    const broken = await withFiles({
      ...addColumn,
      '9002_half.sql': 'create table auth.half (id int); select 1 / 0;',
    })
    await expect(broken.upgradeDatabase(database)).rejects.toThrow(/auth\/9002_half.sql: division by zero/)
    expect(await ask(`select from pg_class where relname = 'half'`)).toEqual([])
    expect(await ask('select from pg_favo.maintenance_sessions')).toEqual([])
    const mended = await withFiles({ ...addColumn, '9002_half.sql': 'create table auth.half (id int);' })
    expect(await mended.upgradeDatabase(database)).toEqual({ applied: ['auth/9002_half.sql'] })
  })

  test('rivals apply each file once', async () => {
    const next = await withFiles(addColumn)
    const results = await Promise.all([1, 2, 3].map(() => next.upgradeDatabase(database)))
    expect(results.flatMap(({ applied }) => applied)).toEqual(['auth/9001_add_nickname.sql'])
  })

  test('an applied file that was edited is refused', async () => {
    await (await withFiles(addColumn)).upgradeDatabase(database)
    const edited = await withFiles({ '9001_add_nickname.sql': 'select 1;' })
    await expect(edited.upgradeDatabase(database)).rejects.toMatchObject({ code: 'migration_changed' })
  })

  test('a paused database waits for its resumption', async () => {
    const next = await withFiles(addColumn)
    await next.pauseDatabase(database)
    await expect(next.upgradeDatabase(database)).rejects.toMatchObject({ code: 'paused' })
    await next.resumeDatabase(database)
    expect((await next.upgradeDatabase(database)).applied).toHaveLength(1)
  })

  test('works although the service login’s password was changed and its tables were taken', async () => {
    const owner = await tenants.connect({ user: `${database}_db`, password: 'secret', database })
    await owner.query('reassign owned by supabase_auth_admin to postgres')
    await owner.end()
    const admin = await tenants.superuser('postgres')
    await admin.query(`alter role ${database}_svc password 'stolen'`)
    await admin.end()
    const next = await withFiles(addColumn)
    expect((await next.upgradeDatabase(database)).applied).toHaveLength(1)
  })

  test('the guard is off for the upgrading session alone', async () => {
    const owner = await tenants.connect({ user: `${database}_db`, password: 'secret', database })
    await owner.query(`
      create function public.meddle() returns trigger language plpgsql as $$ begin return new; end $$;
      insert into auth.users (id) values (gen_random_uuid())`)
    const next = await withFiles({ '9001_slow.sql': 'select pg_sleep(0.4);' })
    const upgrading = next.upgradeDatabase(database)
    const attempts: unknown[] = []
    while (attempts.length < 10)
      attempts.push(
        await owner.query('alter table auth.users drop column email').then(
          () => 'done',
          (error: unknown) => (error as { code?: string }).code,
        ),
      )
    await upgrading
    expect(new Set(attempts)).toEqual(new Set(['42501']))
    await owner.end()
  })
})
