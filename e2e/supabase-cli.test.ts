import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startPlatform, type TestPlatform } from '@favo/testkit'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createSupabaseCli, findSupabaseCli, type SupabaseCli } from './support/supabase-cli.ts'
import { startTlsFront } from './support/tls-front.ts'

// A developer's session with Supabase's own CLI. A call of it takes about a second, so the tests build on each other.

// Patient, because a busy machine makes three seconds of one.
vi.setConfig({ testTimeout: 120_000 })
const program = await findSupabaseCli()

describe.skipIf(program === null)('Supabase’s own CLI', () => {
  let platform: TestPlatform
  let cli: SupabaseCli
  let ref: string

  beforeAll(async () => {
    platform = await startPlatform()
    const { apiUrl, domain } = platform
    cli = await createSupabaseCli(program ?? '', { apiUrl, domain })
  })
  afterAll(async () => {
    await cli.close()
    await platform.close()
  })

  const json = async <T>(...args: readonly string[]): Promise<T> =>
    JSON.parse(await cli.ok(...args, '-o', 'json')) as T
  /** Of the linked project. */
  const linked = (...args: readonly string[]) => cli.ok(...args, '--remote', '--yes')
  const migrations = () => join(cli.directory, 'supabase/migrations')
  const versions = async () =>
    [...(await linked('migration', 'list')).matchAll(/`(\d{14}| )` *\| `(\d{14}| )`/g)].map((found) =>
      [found[1], found[2]]
        .map((version) => version?.slice(0, 8).trim())
        .join(' ')
        .trim(),
    )

  test('signs in, knows who it is, and makes and lists organizations', async () => {
    expect((await cli.run(['projects', 'list'])).code).not.toBe(0)
    await cli.ok('login', '--token', platform.token)
    expect(await cli.ok('whoami')).toContain('operator')
    await cli.ok('orgs', 'create', 'Real customers', '--yes')
    expect(await cli.ok('orgs', 'list')).toMatch(/default[^]*Real customers|Real customers[^]*default/)
  })

  test('creates a project, lists it, shows its keys, and links to it', async () => {
    await cli.ok(
      ...['projects', 'create', 'shop', '--org-id', 'default', '--db-password', 'a-database-password'],
      ...['--region', 'us-east-1', '--yes'],
    )
    const [project] = await json<{ ref: string; name: string; status: string }[]>('projects', 'list')
    expect(project).toMatchObject({ name: 'shop', status: 'ACTIVE_HEALTHY' })
    ref = project?.ref ?? ''
    const keys = await json<{ name: string; api_key: string }[]>('projects', 'api-keys', `--remote=${ref}`)
    expect(keys.map(({ name }) => name)).toEqual(expect.arrayContaining(['anon', 'service_role']))

    await cli.ok('init', '--yes')
    await cli.ok('link', '--project-ref', ref)
    expect(await cli.ok('projects', 'list')).toContain(ref)
  })

  test('pushes migrations and seeds, and goes up and down between them', async () => {
    await mkdir(migrations(), { recursive: true })
    const put = (name: string, text: string) => writeFile(join(migrations(), name), text)
    await put(
      '20260101000000_lists.sql',
      `create table lists (id int primary key, owner uuid references auth.users);
       alter table lists enable row level security;
       create policy "owners see their lists" on lists using (owner = (select auth.uid()));`,
    )
    await put(
      '20260102000000_items.sql',
      'create table items (id int primary key, list_id int references lists);',
    )
    await writeFile(join(cli.directory, 'supabase/seed.sql'), 'insert into lists (id) values (1), (2);')

    await linked('db', 'push', '--include-seed')
    expect(await versions()).toEqual(['20260101 20260101', '20260102 20260102'])
    await linked('migration', 'down', '--last', '1')
    expect(await versions()).toEqual(['20260101 20260101', '20260102'])
    await linked('migration', 'up')
    expect(await versions()).toEqual(['20260101 20260101', '20260102 20260102'])
  })

  test('mends and fetches the history', async () => {
    await linked('migration', 'repair', '20260102000000', '--status', 'reverted')
    await linked('migration', 'repair', '20260102000000', '--status', 'applied')
    await rm(migrations(), { recursive: true })
    await linked('migration', 'fetch')
    expect((await readdir(migrations())).sort()).toEqual([
      '20260101000000_lists.sql',
      '20260102000000_items.sql',
    ])
  })

  test('queries, by the API and by the database’s password, and only reads when it said so', async () => {
    expect(await linked('db', 'query', 'select count(*) as lists from lists')).toContain('2')
    const refused = await cli.run(['db', 'query', 'delete from lists', '--remote', '--read-only'])
    expect(refused.code).not.toBe(0)
    expect(refused.err + refused.out).toMatch(/read-only/)
    const withPassword = await cli.run(['migration', 'list', '--remote'], {
      SUPABASE_DB_PASSWORD: 'a-database-password',
    })
    expect(withPassword.code).toBe(0)
    const withAnother = await cli.run(['migration', 'list', '--remote'], { SUPABASE_DB_PASSWORD: 'wrong' })
    expect(withAnother.err + withAnother.out).toContain('password authentication failed')
  })

  test('finds functions that cannot work', async () => {
    await linked(
      'db',
      'query',
      `create function broken() returns int language plpgsql set search_path = ''
       as 'begin return (select count(*) from public.gone); end'`,
    )
    expect(await linked('db', 'lint')).toContain('relation \\"public.gone\\" does not exist')
  })

  test('inspects the database', async () => {
    for (const report of ['db-stats', 'outliers', 'replication-slots'])
      await cli.ok('inspect', 'db', report, '--remote')
  })

  test('generates types', async () => {
    expect(await cli.ok('gen', 'types', 'typescript', '--remote')).toMatch(
      /export type Database[^]*list_id: number/,
    )
    expect(await cli.ok('gen', 'types', '--lang', 'go', '--remote')).toContain(
      'type PublicItemsSelect struct',
    )
  })

  test('advises', async () => {
    const found = await cli.ok('db', 'advisors', '--level', 'info', '--remote')
    expect(found).toContain('rls_disabled_in_public_public_items')
    expect(found).toContain('unindexed_foreign_keys')
  })

  test('sets, lists and unsets secrets', async () => {
    await linked('secrets', 'set', 'STRIPE=sk_test', 'OTHER=1')
    const listed = await cli.ok('secrets', 'list', '--remote')
    expect(listed).toContain('STRIPE')
    expect(listed).not.toContain('sk_test')
    await linked('secrets', 'unset', 'STRIPE')
    expect(await cli.ok('secrets', 'list', '--remote')).not.toContain('STRIPE')
  })

  test('pushes config.toml until nothing but what the platform decides differs', async () => {
    await linked('config', 'push')
    const again = await cli.run(['config', 'push', '--remote', '--yes'])
    expect(again.code).toBe(0)
    expect(again.err + again.out).not.toContain('Would update')
    await cli.ok('config', 'diff', '--remote')
  })

  test('branches', async () => {
    await linked('branches', 'create', 'feature')
    expect(await cli.ok('branches', 'list', '--remote')).toContain('feature')
    expect(await cli.ok('branches', 'get', 'feature', '--remote')).toContain('ACTIVE_HEALTHY')
    await linked('branches', 'delete', 'feature')
  })

  test('changes settings of Postgres, and who may connect', async () => {
    await linked('postgres-config', 'update', '--config', 'work_mem=8MB', '--experimental')
    expect(await cli.ok('postgres-config', 'get', '--experimental', '--remote')).toContain('8MB')
    await linked('network-restrictions', 'update', '--db-allow-cidr', '203.0.113.0/24', '--experimental')
    expect(await cli.ok('network-restrictions', 'get', '--experimental', '--remote')).toContain(
      '203.0.113.0/24',
    )
    const refused = await cli.run(['inspect', 'db', 'locks', '--remote'], {
      SUPABASE_DB_PASSWORD: 'a-database-password',
    })
    expect(refused.code).not.toBe(0)
    await linked('network-restrictions', 'update', '--db-allow-cidr', '0.0.0.0/0', '--experimental')
  })

  test('hears the truth about what is not there', async () => {
    expect(await cli.ok('functions', 'list', '--remote')).toContain('SLUG')
    expect(await cli.ok('backups', 'list', '--remote')).toContain('WALG')
    const key = await cli.run(['encryption', 'get-root-key', '--remote'])
    expect(key.err + key.out).toContain('This platform has no pgsodium')
  })

  test('starts over, and deletes the project', async () => {
    await linked('db', 'reset')
    expect(await versions()).toEqual(['20260101 20260101', '20260102 20260102'])
    await cli.ok('projects', 'delete', ref, '--yes')
    expect(await json<unknown[]>('projects', 'list')).toEqual([])
  })

  test('the same over TLS', async () => {
    const front = await startTlsFront(platform.port)
    onTestFinished(() => front.close())
    const secure = await createSupabaseCli(
      program ?? '',
      { apiUrl: front.url, domain: platform.domain, token: platform.token },
      { NODE_EXTRA_CA_CERTS: front.certificateFile },
    )
    onTestFinished(() => secure.close())
    const project = await platform.createProject({ name: 'secure' })
    expect(await secure.ok('whoami')).toContain('operator')
    await secure.ok('init', '--yes')
    await secure.ok('link', '--project-ref', project.ref)
    await mkdir(join(secure.directory, 'supabase/migrations'), { recursive: true })
    await writeFile(
      join(secure.directory, 'supabase/migrations/20260101000000_one.sql'),
      'create table one (id int primary key);',
    )
    await secure.ok('db', 'push', '--remote', '--yes')
    expect(await secure.ok('gen', 'types', 'typescript', '--remote')).toContain('one: {')
  })
})
