import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Branch, Domain, ProjectConnection, ProjectStatusReport, RemovedProject } from '@favo/contracts'
import { startDnsServer, startPlatform, type TestDns, type TestPlatform } from '@favo/testkit'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli, writeFiles } from '../test/run-cli.ts'

let dns: TestDns
let platform: TestPlatform
let shop: ProjectConnection
let directory: string
beforeAll(async () => {
  dns = await startDnsServer()
  platform = await startPlatform({ deleteGraceSeconds: 3_600, dnsServers: [dns.address] })
  shop = await platform.createProject({ name: 'shop' })
})
afterAll(async () => {
  await platform.close()
  await dns.close()
})

const favo = (...args: string[]) =>
  runCli(args, {
    env: { FAVO_API_URL: platform.apiUrl, FAVO_ACCESS_TOKEN: platform.token, PATH: process.env.PATH ?? '' },
    ...(directory === undefined ? {} : { cwd: directory }),
  })
const ok = async (...args: string[]): Promise<string> => {
  const { code, out, err } = await favo(...args)
  expect(code, `${args.join(' ')}: ${err}`).toBe(0)
  return out
}
const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await ok(...args, '--json')) as T

test('a project is renamed, restarted, looked at, removed and brought back', async () => {
  const { ref } = await platform.createProject({ name: 'once' })
  expect(await ok('projects', 'update', ref, '--name', 'Twice', '--subdomain', 'twice')).toContain('twice')
  expect(await ok('projects', 'restart', 'twice')).toContain('is up again')
  expect(await json<ProjectStatusReport>('projects', 'status', 'twice')).toMatchObject({ ref, is_up: true })
  expect(await ok('projects', 'status', ref)).toContain('RESTARTING')
  expect((await ok('projects', 'reset-password', ref)).trim()).toMatch(/^[\w-]{24}$/)

  expect(await ok('projects', 'delete', ref)).toContain(`npx favo projects resume ${ref}`)
  expect((await json<RemovedProject[]>('projects', 'removed')).map((project) => project.ref)).toEqual([ref])
  expect((await favo('projects', 'get', ref)).code).toBe(1)
  expect(await ok('projects', 'resume', ref)).toContain('is open again')
  expect(await ok('projects', 'delete', ref, '--for-good')).toContain('are gone')
  expect((await favo('projects', 'update', shop.ref)).code).toBe(2)
})

test('migrations are made, pushed, listed and repaired; a query shows rows; a reset starts anew', async () => {
  directory = await writeFiles({ 'supabase/migrations/1_notes.sql': 'create table notes (id int);' })
  const made = await json<{ path: string }>('migration', 'new', 'Add  a Column!')
  expect(made.path).toMatch(/supabase\/migrations\/\d{14}_add_a_column\.sql$/)
  expect(await readFile(made.path, 'utf8')).toBe('')
  await ok('migration', 'up', '-p', shop.ref)
  await ok(
    'db',
    'query',
    '-p',
    shop.ref,
    'insert into notes values (7); create schema mine; create table mine.t (id int)',
  )
  expect(await ok('db', 'query', '-p', shop.ref, 'select id from notes')).toMatch(/^id\n7\n/)
  expect(await json('db', 'query', '-p', shop.ref, '--read-only', 'select 1 as x')).toEqual([{ x: 1 }])
  expect((await favo('db', 'query', '-p', shop.ref, 'select nonsense')).err).toContain('42703')

  await ok('migration', 'repair', '1', '-p', shop.ref, '--status', 'reverted')
  const listed = await json<{ version: string; is_applied: boolean }[]>('migration', 'list', '-p', shop.ref)
  expect(listed[0]).toMatchObject({ version: '1', is_local: true, is_applied: false })
  await ok('migration', 'repair', '1', '-p', shop.ref, '--status', 'applied')
  expect(await ok('migration', 'list', '-p', shop.ref)).toMatch(/1 +notes +yes +applied/)

  expect((await favo('db', 'reset', '-p', shop.ref)).code).toBe(2)
  await ok('db', 'reset', '-p', shop.ref, '--yes')
  expect(
    await json('db', 'query', '-p', shop.ref, "select id, to_regclass('mine.t') as mine from notes"),
  ).toEqual([])
  expect(
    await json(
      'db',
      'query',
      '-p',
      shop.ref,
      "select to_regclass('mine.t') as mine, has_table_privilege('anon', 'notes', 'select') as api",
    ),
  ).toEqual([{ mine: null, api: true }])
})

test('a branch is made, merged, reset and deleted', async () => {
  const made = await json<Branch & { connection: ProjectConnection }>(
    'branches',
    'create',
    'try',
    '-p',
    'shop',
  )
  expect(made).toMatchObject({
    name: 'try',
    parent_project_ref: shop.ref,
    connection: { ref: made.project_ref },
  })
  await platform.api('POST', `/v1/projects/${made.project_ref}/database/migrations`, {
    version: '99990101000000',
    name: 'new',
    query: 'create table from_branch (id int)',
  })
  expect(await ok('branch', 'list', '-p', 'shop')).toMatch(/main \(the project\)[^]*try/)
  expect(await ok('branch', 'diff', 'try', '-p', 'shop')).toBe(
    '-- 99990101000000_new\ncreate table from_branch (id int)\n;\n',
  )
  expect(await ok('branch', 'merge', 'try', '-p', 'shop')).toBe('Applied 99990101000000.\n')
  expect(await ok('branch', 'push', 'try', '-p', 'shop')).toBe('There was nothing to apply.\n')
  expect(await json('branch', 'reset', 'try', '-p', 'shop')).toMatchObject({ branch: 'try' })
  await ok('branch', 'delete', 'try', '-p', 'shop')
  expect((await favo('branch', 'merge', 'try', '-p', 'shop')).err).toContain('There is no branch try')
})

test('a domain is added, verified and removed, and the project answers there without a restart', async () => {
  const added = await json<Domain>('domains', 'add', 'api.shop.example', '-p', 'shop')
  const early = await favo('domains', 'verify', 'api.shop.example', '-p', 'shop')
  expect([early.code, early.err]).toEqual([1, expect.stringContaining('is not verified')])
  dns.txt.set(added.verification.name, [added.verification.value])
  expect(await ok('domains', 'verify', 'api.shop.example', '-p', 'shop')).toContain(
    'answers at api.shop.example',
  )
  const { request } = await import('node:http')
  const status = await new Promise((resolve, reject) =>
    request(
      {
        host: '127.0.0.1',
        port: platform.port,
        path: '/auth/v1/health',
        headers: { host: 'api.shop.example', apikey: shop.keys.anon },
      },
      (reply) => resolve(reply.resume().statusCode),
    )
      .on('error', reject)
      .end(),
  )
  expect(status).toBe(200)
  expect(await ok('domains', 'list', '-p', 'shop')).toContain('active')
  await ok('domains', 'remove', 'api.shop.example', '-p', 'shop')
})

test('Postgres is reached from where and how its owner says', async () => {
  const enter = (query = '') => {
    const client = new pg.Client(`${shop.database.url}${query}`)
    return client.connect().then(
      () => client.end().then(() => 'in'),
      (error: Error) => error.message,
    )
  }
  expect(await ok('network', 'restrict', '192.0.2.0/24', '2001:db8::/32', '-p', 'shop')).toContain(
    'Allowed       192.0.2.0/24, 2001:db8::/32',
  )
  await expect.poll(() => enter()).toMatch(/network restrictions/)
  await ok('network', 'restrict', '0.0.0.0/0', '::/0', '-p', 'shop')
  await expect.poll(() => enter()).toBe('in')

  // Twenty wrong passwords, over the wire and into the tables.
  const wrong = shop.database.url.replace(/:[^:@]*@/, ':wrong@')
  for (let i = 0; i < 20; i++) await new pg.Client(wrong).connect().catch(() => undefined)
  await expect.poll(() => enter()).toMatch(/refused for a while/)
  expect(await json('network', 'get', '-p', 'shop')).toMatchObject({ banned: ['127.0.0.1'] })
  expect(await json('network', 'unban', '127.0.0.1', '-p', 'shop')).toMatchObject({ banned: [] })
  await expect.poll(() => enter()).toBe('in')

  expect(await ok('network', 'require-tls', 'on', '-p', 'shop')).toContain('TLS required  yes')
  await expect.poll(() => enter()).toMatch(/SSL connection is required/)
  expect(await json('network', 'require-tls', 'off', '-p', 'shop')).toMatchObject({ requires_tls: false })
  expect((await favo('network', 'restrict', '192.0.2.7', '-p', 'shop')).code).toBe(2)
  expect((await favo('network', 'restrict', "x'/24", '-p', 'shop')).code).toBe(1)
})

test('login-profile writes what Supabase’s CLI needs, and no secret', async () => {
  directory = await writeFiles({})
  await ok('login-profile')
  const text = await readFile(join(directory, 'favo-profile.yaml'), 'utf8')
  expect(text).toBe(
    `name: favo\napi_url: ${platform.apiUrl}\ndashboard_url: ${platform.apiUrl}\nproject_host: favo.localhost\n`,
  )
})
