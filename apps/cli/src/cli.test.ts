import type {
  AccessToken,
  CreatedAccessToken,
  Migration,
  ProjectConnection,
  ProjectDetails,
  Seed,
} from '@favo/contracts'
import { openDb, sql } from '@favo/postgres'
import { startPlatform, type TestPlatform } from '@favo/testkit'
import { createRef } from '@favo/tokens'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli, writeFiles } from '../test/run-cli.ts'

let platform: TestPlatform
beforeAll(async () => {
  platform = await startPlatform()
})
afterAll(() => platform.close())

const favo = (args: readonly string[], cwd?: string) =>
  runCli(args, {
    env: { FAVO_API_URL: platform.apiUrl, FAVO_ACCESS_TOKEN: platform.token },
    ...(cwd === undefined ? {} : { cwd }),
  })
const json = async <T>(args: readonly string[], cwd?: string): Promise<T> => {
  const { code, out, err } = await favo([...args, '--json'], cwd)
  expect(code, err).toBe(0)
  return JSON.parse(out) as T
}
const create = (...args: string[]) => json<ProjectConnection>(['projects', 'create', 'demo', ...args])

describe('projects', () => {
  test('create and get print one object with all that an application needs', async () => {
    const made = await create()
    expect(Object.keys(made)).toEqual([
      'ref',
      'name',
      'subdomain',
      'status',
      'url',
      'path_url',
      'keys',
      'jwt_secret',
      'database',
    ])
    expect(Object.keys(made.keys)).toEqual(['anon', 'service_role', 'publishable', 'secret'])
    expect(new URL(made.database.url).password).not.toBe('****')
    const got = await json<ProjectConnection>(['projects', 'get', made.ref])
    expect(new URL(got.database.url).password).toBe('****')
    expect({ ...got, database: null }).toEqual({ ...made, database: null })
  })

  test('the printed addresses and keys work', async () => {
    const { url, path_url: pathUrl, keys } = await create()
    expect(url).toMatch(/^http:\/\/[a-z]{20}\.favo\.localhost:\d+$/)
    const reply = await fetch(`${pathUrl}/auth/v1/health`, { headers: { apikey: keys.publishable } })
    expect(reply.status).toBe(200)
  })

  test('create takes what imports bring along', async () => {
    const ref = createRef()
    const secret = 'super-secret-jwt-token-with-at-least-32-characters-long'
    const made = await create(
      '--ref',
      ref,
      '--subdomain',
      'brought',
      '--jwt-secret',
      secret,
      '--db-password',
      'pass-word-1',
    )
    expect(made).toMatchObject({ ref, subdomain: 'brought', jwt_secret: secret })
    expect(new URL(made.database.url).password).toBe('pass-word-1')
  })

  test('for people everything is in lines, and what to do next', async () => {
    const { code, out, err } = await favo(['projects', 'create', 'for people'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const label of [
      'ref',
      'URL',
      'path URL',
      'anon key',
      'service key',
      'publishable key',
      'secret key',
      'database',
    ])
      expect(out).toMatch(new RegExp(`^  ${label} +\\S`, 'm'))
    expect(out).toContain('not shown again')
    expect((await favo(['projects', 'get', 'for people'])).out).toContain(':****@')
    expect((await favo(['projects', 'list'])).out).toMatch(/^REF +NAME +SUBDOMAIN +STATUS +CREATED$/m)
  })

  test('a project is found by ref, subdomain or name; several of one name are told apart', async () => {
    const made = await create('--subdomain', 'findme')
    for (const wanted of [made.ref, 'findme'])
      expect((await json<ProjectConnection>(['projects', 'get', wanted])).ref).toBe(made.ref)
    await create()
    const several = await favo(['projects', 'get', 'demo'])
    expect(several).toMatchObject({ code: 1, out: '' })
    expect(several.err).toContain(made.ref)
    const unknown = await favo(['projects', 'get', 'nobody'])
    expect(unknown).toMatchObject({ code: 1, out: '' })
    expect(unknown.err).toContain('favo projects list')
  })

  test('pause, resume and delete change the state that list shows', async () => {
    const { ref } = await create()
    const status = async () =>
      (await json<ProjectDetails[]>(['projects', 'list'])).find((project) => project.ref === ref)?.status
    expect(await json<ProjectDetails>(['projects', 'pause', ref])).toMatchObject({ status: 'INACTIVE' })
    expect(await status()).toBe('INACTIVE')
    expect((await favo(['projects', 'resume', ref])).out).toContain('is open again')
    expect(await status()).toBe('ACTIVE_HEALTHY')
    expect(await json(['projects', 'delete', ref])).toMatchObject({ ref, name: 'demo' })
    expect(await status()).toBeUndefined()
    expect((await favo(['projects', 'delete', ref])).code).toBe(1)
  })

  test('what the platform refuses is said in its words', async () => {
    const { ref } = await create()
    const { code, out, err } = await favo(['projects', 'create', 'x', '--ref', ref])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain(`A project with the ref ${ref} exists already.`)
    expect(err).toMatch(/request id \S+/)
  })
})

describe('finding the platform', () => {
  const writeHome = (files: Record<string, string>) => writeFiles(files)

  test('on its own machine the files below FAVO_HOME are enough, and --admin reads the superuser’s URL', async () => {
    const { ref } = await create()
    const home = await writeHome({
      'run/favo.json': JSON.stringify({
        pid: process.pid,
        api_url: platform.apiUrl,
        admin_url: platform.adminUrl('postgres'),
      }),
      'secrets/bootstrap-token': `${platform.token}\n`,
    })
    const env = { FAVO_HOME: home }
    const plain = await runCli(['projects', 'get', ref, '--json'], { env })
    expect(plain).toMatchObject({ code: 0, err: '' })
    expect(plain.out).not.toContain('admin_url')

    const admin = await runCli(['projects', 'get', ref, '--admin', '--json'], { env })
    const { database } = JSON.parse(admin.out) as ProjectConnection
    const url = new URL(database.admin_url ?? '')
    expect(url.pathname).toBe(`/${database.name}`)
    const db = openDb({
      endpoint: { host: url.hostname, port: Number(url.port) },
      user: url.username,
      password: url.password,
      database: url.pathname.slice(1),
      max: 1,
    })
    expect(
      await db.one(
        sql`select rolsuper as super, current_database()::text as name from pg_roles where rolname = current_user`,
      ),
    ).toEqual({ super: true, name: url.pathname.slice(1) })
    await db.close()
  })

  test('a platform that does not run is said so, with what to type', async () => {
    const { code, out, err } = await runCli(['projects', 'list'])
    expect({ code, out }).toEqual({ code: 3, out: '' })
    expect(err).toMatch(/^Favo is not running .* Start it with: npm start\n$/)
  })

  test('a stale run file is told apart', async () => {
    const home = await writeHome({
      'run/favo.json': JSON.stringify({ pid: 1, api_url: 'http://127.0.0.1:9', admin_url: 'postgresql://x' }),
      'secrets/bootstrap-token': 'sbp_x',
    })
    const { code, err } = await runCli(['projects', 'list'], { env: { FAVO_HOME: home } })
    expect(code).toBe(3)
    expect(err).toContain('http://127.0.0.1:9')
    expect(err).toContain('npm start')
    const damaged = await writeHome({ 'run/favo.json': '{', 'secrets/bootstrap-token': 'x' })
    expect((await runCli(['projects', 'list'], { env: { FAVO_HOME: damaged } })).err).toContain('damaged')
  })

  test('an address without a token, and a wrong token, say how to get one', async () => {
    const without = await runCli(['projects', 'list'], { env: { FAVO_API_URL: platform.apiUrl } })
    expect(without.code).toBe(2)
    expect(without.err).toContain('favo tokens create')
    const wrong = await runCli(['projects', 'list'], {
      env: { FAVO_API_URL: platform.apiUrl, FAVO_ACCESS_TOKEN: 'sbp_wrong' },
    })
    expect(wrong.code).toBe(1)
    expect(wrong.err).toContain('favo tokens create')
  })

  test('something else than Favo at the address is recognised', async () => {
    const { code, err } = await runCli(['projects', 'list'], {
      env: { FAVO_API_URL: `${platform.apiUrl}/nothing/here`, FAVO_ACCESS_TOKEN: platform.token },
    })
    expect(code).toBe(1)
    expect(err).not.toBe('')
  })
})

test('a wrong command line ends with 2 and points at the right one; help ends with 0', async () => {
  for (const args of [['nonsense'], ['projects', 'creat', 'x'], ['projects', 'create'], ['db', 'push']])
    expect((await runCli(args)).code).toBe(2)
  expect((await runCli(['projects', 'creat', 'x'])).err).toContain('create')
  for (const args of [['--help'], ['projects', 'create', '--help'], ['db', 'push', '--help']]) {
    const { code, out } = await runCli(args)
    expect(code).toBe(0)
    expect(out).toContain('Usage: favo')
  }
})

test('a token is made, listed without itself, works, and is revoked by name', async () => {
  const made = await json<CreatedAccessToken>(['tokens', 'create', 'laptop'])
  expect(made.token).toMatch(/^sbp_[0-9a-f]{40}$/)
  expect(JSON.stringify(await json<AccessToken[]>(['tokens', 'list']))).not.toContain(made.token)
  const env = { FAVO_API_URL: platform.apiUrl, FAVO_ACCESS_TOKEN: made.token }
  expect((await runCli(['projects', 'list'], { env })).code).toBe(0)
  expect((await favo(['tokens', 'list'])).out).toContain('laptop')
  expect((await favo(['tokens', 'revoke', 'laptop'])).code).toBe(0)
  expect((await runCli(['projects', 'list'], { env })).code).toBe(1)
  expect((await favo(['tokens', 'revoke', 'laptop'])).code).toBe(1)
  const plain = await favo(['tokens', 'create', 'shell', '--expires-in-days', '7'])
  expect(plain.out).toMatch(/^sbp_[0-9a-f]{40}\n$/)
  expect((await favo(['tokens', 'create', 'x', '--expires-in-days', 'soon'])).code).toBe(2)
})

describe('db push', () => {
  const files = {
    'supabase/config.toml': '[db.seed]\nsql_paths = ["seeds/*.sql"]\n',
    'supabase/migrations/20260101000000_notes.sql':
      "-- The first.\ncreate table notes (id int primary key, text text);\ncreate function f() returns text language sql as $$ select 'a;b' $$;\n",
    'supabase/migrations/20260102000000_more.sql': "insert into notes values (1, 'from a migration');\n",
    'supabase/seeds/a.sql': "insert into notes values (2, 'seed; with a semicolon');\n",
  }
  const push = (cwd: string, ref: string, ...args: string[]) =>
    favo(['db', 'push', '--project', ref, ...args], cwd)
  const query = <T>(ref: string, text: string) =>
    platform.api<T>('POST', `/v1/projects/${ref}/database/query`, { query: text })
  const migrations = (ref: string) =>
    platform.api<Migration[]>('GET', `/v1/projects/${ref}/database/migrations`)

  test('applies what is missing, seeds when asked, and does nothing the second time', async () => {
    const { ref } = await create()
    const workdir = await writeFiles(files)
    const first = await push(workdir, ref)
    expect(first).toMatchObject({ code: 0, out: 'Applied 2 migrations, 0 seed files.\n' })
    expect(first.err).toMatch(/Applying migration 20260101000000_notes\.sql … \d+ ms\n/)
    expect(await migrations(ref)).toEqual([
      { version: '20260101000000', name: 'notes' },
      { version: '20260102000000', name: 'more' },
    ])
    const seeded = await push(workdir, ref, '--include-seed')
    expect(seeded.out).toBe('Applied 0 migrations, 1 seed file.\n')
    expect(await query(ref, 'select id from notes order by id')).toEqual([{ id: 1 }, { id: 2 }])
    expect((await push(workdir, ref, '--include-seed')).out).toBe('The project is up to date.\n')
  })

  test('a dry run changes nothing', async () => {
    const { ref } = await create()
    const workdir = await writeFiles(files)
    const { code, err } = await push(workdir, ref, '--dry-run', '--include-seed')
    expect(code).toBe(0)
    for (const name of ['20260101000000_notes.sql', '20260102000000_more.sql', 'supabase/seeds/a.sql'])
      expect(err).toContain(name)
    expect(await migrations(ref)).toEqual([])
  })

  test('an error names file, statement and line, points at the place, and leaves nothing of the file', async () => {
    const { ref } = await create()
    const workdir = await writeFiles({
      'supabase/migrations/1_good.sql': 'create table good (id int);',
      'supabase/migrations/2_bad.sql': 'create table bad (id int);\n\ninsert into bad\nvalues (1, two);\n',
      'supabase/migrations/3_never.sql': 'create table never (id int);',
    })
    const { code, out, err } = await push(workdir, ref)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain('2_bad.sql, statement 2, line 4: column "two" does not exist (SQLSTATE 42703)\n')
    expect(err).toContain('insert into bad\nvalues (1, two)\n           ^\n')
    expect(err).toContain('Nothing of this file was applied.')
    expect(await migrations(ref)).toEqual([{ version: '1', name: 'good' }])
    expect(
      await query(
        ref,
        "select to_regclass('good') is null as good, to_regclass('bad') is null as bad, to_regclass('never') is null as never",
      ),
    ).toEqual([{ good: false, bad: true, never: true }])
  })

  test('refuses when the project has versions that the folder lacks, or newer ones', async () => {
    const { ref } = await create()
    const workdir = await writeFiles(files)
    await push(workdir, ref)
    const other = await writeFiles({ 'supabase/migrations/20260101000000_notes.sql': 'select 1' })
    expect(await push(other, ref)).toMatchObject({ code: 1, out: '' })
    expect((await push(other, ref)).err).toContain('20260102000000')

    const late = await writeFiles({
      ...files,
      'supabase/migrations/20260101120000_late.sql': 'create table late (id int)',
    })
    const refused = await push(late, ref)
    expect(refused.code).toBe(1)
    expect(refused.err).toContain('20260101120000_late.sql')
    expect(refused.err).toContain('--include-all')
    expect((await push(late, ref, '--include-all')).code).toBe(0)
  })

  test('a seed that changed is noted and not run again, as Supabase’s CLI does', async () => {
    const { ref } = await create()
    const migration = { 'supabase/migrations/1_t.sql': 'create table t (id int)' }
    await push(
      await writeFiles({ ...migration, 'supabase/seed.sql': 'insert into t values (1)' }),
      ref,
      '--include-seed',
    )
    const changed = await push(
      await writeFiles({ ...migration, 'supabase/seed.sql': 'insert into t values (2)' }),
      ref,
      '--include-seed',
    )
    expect(changed.err).toContain('Noting the new content of supabase/seed.sql')
    expect(await query(ref, 'select id from t')).toEqual([{ id: 1 }])
    const seeds = await platform.api<Seed[]>('GET', `/v1/projects/${ref}/database/seeds`)
    expect(seeds.map(({ path }) => path)).toEqual(['supabase/seed.sql'])
  })

  test('a folder without supabase/ is refused', async () => {
    const { ref } = await create()
    const { code, err } = await push(await writeFiles({ 'a.txt': '' }), ref)
    expect(code).toBe(1)
    expect(err).toContain('--workdir')
  })

  test('--json says what was done', async () => {
    const { ref } = await create()
    const workdir = await writeFiles(files)
    expect(await json(['db', 'push', '--project', ref, '--workdir', workdir, '--include-seed'])).toEqual({
      ref,
      dry_run: false,
      migrations: [
        { version: '20260101000000', name: 'notes' },
        { version: '20260102000000', name: 'more' },
      ],
      seeds: ['supabase/seeds/a.sql'],
    })
  })
})
