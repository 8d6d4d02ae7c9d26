import type { Branch, Cluster, ClusterCheck, ProjectConnection } from '@favo/contracts'
import { startPlatform, type TestPlatform } from '@favo/testkit'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { startForeignCluster, usualHba, type ForeignCluster } from './support/foreign-cluster.ts'
import { tryCli } from './support/run-cli.ts'

interface Refusal {
  readonly message: string
  readonly code: string
}

const ruleOf = (check: ClusterCheck, name: string) => check.findings.find(({ rule }) => rule === name)

async function sign(url: string): Promise<string> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query<{ name: string }>('select current_database() as name')).rows[0]?.name ?? ''
  } finally {
    await client.end()
  }
}

const add = <T>(favo: TestPlatform, body: object, status: number) =>
  favo.api<T>('POST', '/v1/clusters', body, status)

let favo: TestPlatform
/** Prepared by nobody at first; the tests are a story. */
let foreign: ForeignCluster
beforeAll(async () => {
  ;[favo, foreign] = await Promise.all([startPlatform(), startForeignCluster()])
})
afterAll(() => foreign.stop())

test('the home cluster keeps every rule but those that tests switch off', async () => {
  const check = await favo.api<ClusterCheck>('POST', '/v1/clusters/home/check')
  expect(check.findings.filter(({ status }) => status !== 'ok').map(({ rule }) => rule)).toEqual(['settings'])
  expect(ruleOf(check, 'settings')?.message).toMatch(/^fsync is off: [^;]*$/)
  expect(ruleOf(check, 'isolation')?.status).toBe('ok')
})

test('a server of another Favo, one that does not answer and a URL of something else are refused', async () => {
  const { endpoint, password } = inject('cluster')
  const home = `postgresql://favo_admin:${password}@127.0.0.1:${endpoint.port}/`
  expect((await add<Refusal>(favo, { name: 'no', url: home, adopt: true }, 409)).message).toMatch(
    /ownership: The server holds projects of a Favo already/,
  )
  expect((await add<Refusal>(favo, { name: 'no', url: 'postgresql://a:b@127.0.0.1:1/' }, 502)).code).toBe(
    'cluster_unreachable',
  )
  for (const url of [
    'postgresql://127.0.0.1/',
    'postgresql://a@b/',
    'http://a:b@c/',
    'postgresql://a:b@c/?sslmode=x',
  ])
    await add(favo, { name: 'no', url }, 422)
  for (const name of ['home', "x'; --", '', 'A']) await add(favo, { name, url: home }, 422)
  await favo.api('DELETE', '/v1/clusters/home', undefined, 409)
  await favo.api('DELETE', '/v1/clusters/none', undefined, 404)
  await favo.api('POST', '/v1/projects', { name: 'x', cluster: "none' or true --" }, 404)
})

test('what only its owner can mend keeps a server out, with the reason and the way out, and nothing is changed', async () => {
  const refuse = async (words: RegExp) => {
    const { code, message } = await add<Refusal>(favo, { name: 'no', url: foreign.url, adopt: true }, 409)
    expect([code, message]).toEqual(['cluster_unsafe', expect.stringMatching(words)])
  }
  await foreign.setHba('local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n')
  await refuse(/pg_hba: .*without a password.*: 1\./)
  await foreign.setHba('host all postgres 127.0.0.1/32 scram-sha-256\n')
  await refuse(/pg_hba: No line/)
  await foreign.setHba('host all all 127.0.0.1/32 scram-sha-256\n')
  await foreign.query('create database shop')
  await refuse(/databases: .*somebody else: shop\. revoke connect/)
  await foreign.query('revoke connect on database shop from public; create role anon login')
  await refuse(/labels: .*anon/)
  await foreign.query('drop role anon; grant set on parameter log_statement to public')
  await refuse(/powers: .*log_statement to PUBLIC/)
  await foreign.query('revoke set on parameter log_statement from public')
  expect(await foreign.query(`select rolname from pg_roles where rolname !~ '^pg_'`)).toEqual([
    { rolname: 'postgres' },
  ])
  await foreign.query("create role weak login; alter role weak password 'x'")
  const weak = foreign.url.replace('//postgres:', '//weak:').replace(foreign.password, 'x')
  expect((await add<Refusal>(favo, { name: 'no', url: weak, adopt: true }, 409)).message).toMatch(
    /no superuser/,
  )
  await foreign.query('drop role weak')
  await foreign.setHba(usualHba)
})

test('a server of somebody else is changed only when that is said, and then holds projects as home does', async () => {
  const checked = await favo.api<ClusterCheck>('POST', '/v1/clusters/check', { url: foreign.url })
  expect(checked.is_safe).toBe(false)
  expect(checked.findings.filter(({ status }) => status === 'failed').map(({ rule }) => rule)).toEqual(
    expect.arrayContaining(['superuser', 'databases', 'ownership', 'role postgres', 'labels']),
  )
  expect(checked.findings.every((one) => one.status !== 'failed' || one.is_mended_by_adoption)).toBe(true)
  expect(ruleOf(checked, 'pg_hba')).toMatchObject({
    status: 'warning',
    message: expect.stringContaining('1, 2') as string,
  })

  const refused = await add<Refusal>(favo, { name: 'big', url: foreign.url }, 409)
  expect(refused.code).toBe('cluster_not_adopted')
  expect(await foreign.query(`select rolname from pg_roles where rolname !~ '^pg_'`)).toEqual([
    { rolname: 'postgres' },
  ])

  const added = await add<Cluster>(favo, { name: 'big', url: foreign.url, adopt: true }, 201)
  expect(added).toMatchObject({ name: 'big', is_home: false, port: foreign.port, projects: 0 })
  expect(
    await foreign.query(
      `select rolname, rolsuper from pg_roles where rolname in ('postgres', 'postgres_before_favo') order by 1`,
      'postgres_before_favo',
    ),
  ).toEqual([
    { rolname: 'postgres', rolsuper: false },
    { rolname: 'postgres_before_favo', rolsuper: true },
  ])
  const healthy = await favo.api<ClusterCheck>('POST', '/v1/clusters/big/check')
  expect([healthy.is_safe, ruleOf(healthy, 'isolation')?.status]).toEqual([true, 'ok'])
  expect(
    (
      await add<Refusal>(
        favo,
        { name: 'again', url: foreign.url.replace('//postgres:', '//postgres_before_favo:'), adopt: true },
        409,
      )
    ).code,
  ).toBe('cluster_known')

  const project = await favo.createProject({ cluster: 'big', db_pass: 'a long enough one' })
  expect(project.database.name).toMatch(new RegExp(`^p_[a-z]{16}${added.number}$`))
  for (const url of [project.database.url, project.database.transaction_url])
    expect(await sign(url)).toBe(project.database.name)
  await useOverHttp(favo, project)
  const [release] = await foreign.query<{ version: string }>(
    `select current_setting('server_version') as version`,
  )
  expect(await favo.api('GET', `/v1/projects/${project.ref}`)).toMatchObject({
    database: { version: release?.version },
  })
  const branch = await favo.api<Branch>('POST', `/v1/projects/${project.ref}/branches`, {
    branch_name: 'copy',
    with_data: true,
  })
  expect(await readTodos(favo, branch.project_ref)).toEqual([{ title: 'there' }])
  expect(
    await foreign.query(`select datname from pg_database where datname ~ '^p_' order by 1`),
  ).toHaveLength(2)

  await favo.api('POST', `/v1/projects/${project.ref}/pause`)
  await expect(sign(project.database.url)).rejects.toThrow(/paused/)
  await favo.api('POST', `/v1/projects/${project.ref}/restore`)
  expect((await favo.api<Refusal>('DELETE', '/v1/clusters/big', undefined, 409)).code).toBe('cluster_in_use')

  // Another process finds it in the table.
  const next = await startPlatform({ platformDatabase: favo.platformDatabase })
  expect(await readTodos(next, project.ref)).toEqual([{ title: 'there' }])

  await favo.api('DELETE', `/v1/projects/${project.ref}?for_good=true`)
  await favo.api('DELETE', '/v1/clusters/big')
  expect((await favo.api<Cluster[]>('GET', '/v1/clusters')).map(({ name }) => name)).toEqual(['home'])
  expect(await foreign.query(`select datname from pg_database where datname ~ '^p_'`)).toEqual([])
})

async function useOverHttp(favo: TestPlatform, project: ProjectConnection): Promise<void> {
  await favo.api('POST', `/v1/projects/${project.ref}/database/query`, {
    query: `create table todos (title text); insert into todos values ('there'); grant select on todos to anon`,
  })
  const reply = await fetch(`${favo.apiUrl}/p/${project.ref}/rest/v1/todos`, {
    headers: { apikey: project.keys.anon },
  })
  expect([reply.status, await reply.json()]).toEqual([200, [{ title: 'there' }]])
}

const readTodos = (favo: TestPlatform, ref: string) =>
  favo.api<unknown>('POST', `/v1/projects/${ref}/database/query`, { query: 'select * from todos' })

test('the command line adds a server and examines it, and its exit code says whether all is well', async () => {
  const cli = (...args: string[]) => tryCli(favo, ...args)
  const url = foreign.url.replace('//postgres:', '//postgres_before_favo:')
  const before = await cli('doctor', '--url', url)
  expect([before.code, before.out]).toEqual([1, expect.stringContaining('FAILED   superuser')])
  expect(before.err).toContain('favo clusters add NAME --adopt')
  expect(await cli('clusters', 'add', 'cheap', '--url', url)).toMatchObject({
    code: 1,
    err: expect.stringContaining('has to be made ready first') as string,
  })
  expect(await cli('clusters', 'add', 'cheap', '--url', url, '--adopt')).toMatchObject({ code: 0 })
  expect((await cli('clusters', 'list')).out).toMatch(/^home .*\ncheap .* 0 /m)
  const after = await cli('doctor', 'cheap', '--json')
  expect([after.code, (JSON.parse(after.out) as ClusterCheck[])[0]?.is_safe]).toEqual([0, true])
  expect((await cli('doctor')).code).toBe(0)
  expect((await cli('doctor', 'cheap', '--url', url)).code).toBe(2)
  expect((await cli('doctor', 'none')).code).toBe(1)
  expect((await cli('clusters', 'remove', 'cheap')).code).toBe(0)
})
