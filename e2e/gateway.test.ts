import type { ProjectConnection } from '@favo/contracts'
import { startPlatform, type TestPlatform } from '@favo/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hostFetch } from './support/host-fetch.ts'
import { addressOf, connect, forms, runSql, signUp } from './support/projects.ts'
import { runCli } from './support/run-cli.ts'

let platform: TestPlatform
let project: ProjectConnection

beforeAll(async () => {
  platform = await startPlatform()
  project = await platform.createProject()
  await runSql(
    project,
    `create table notes (id int primary key, body text);
     create function nap_of_gateway_test() returns int language plpgsql as 'begin perform pg_sleep(60); return 1; end';`,
  )
})
afterAll(() => platform.close())

test('supabase-js works alike in every form of address and with every kind of key', async () => {
  for (const form of forms) {
    const url = addressOf(platform, project, form)
    for (const [anon, service] of [
      [project.keys.anon, project.keys.service_role],
      [project.keys.publishable, project.keys.secret],
    ] as const) {
      const name = `${form} ${anon.slice(0, 14)}`
      const admin = connect(url, service)
      const user = await signUp(url, anon, `user-${crypto.randomUUID()}@example.com`, 'a long password')
      expect((await user.client.auth.getUser()).data.user?.id, name).toBe(user.id)
      expect((await admin.auth.admin.getUserById(user.id)).data.user?.email, name).toBe(user.email)
      expect(await admin.from('notes').upsert({ id: 1, body: name }).select(), name).toMatchObject({
        data: [{ id: 1, body: name }],
      })
      expect((await user.client.auth.signOut()).error, name).toBeNull()
    }
  }
})

test('a browser may read every answer: preflight, success, refusal of gateway and service', async () => {
  const origin = 'https://app.example'
  const preflight = await hostFetch(`${project.path_url}/rest/v1/notes`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'apikey,authorization,content-profile,prefer,x-client-info',
    },
  })
  expect(preflight.status).toBe(200)
  expect(preflight.headers.get('access-control-allow-methods')).toContain('PATCH')
  expect(preflight.headers.get('access-control-allow-headers')).toContain('content-profile')

  const { anon } = project.keys
  for (const [path, headers] of [
    ['/rest/v1/notes', { apikey: anon }],
    ['/rest/v1/nothing', { apikey: anon }],
    ['/rest/v1/notes', { apikey: 'wrong' }],
    ['/auth/v1/settings', { apikey: anon }],
    ['/auth/v1/user', { apikey: anon }],
  ] as const) {
    const reply = await hostFetch(project.path_url + path, { headers: { ...headers, origin } })
    // Exactly once: two values, even equal ones, are none to a browser.
    expect(reply.headers.get('access-control-allow-origin'), path).toBe('*')
    expect(reply.headers.get('access-control-expose-headers'), path).toContain('Content-Range')
    expect(reply.headers.get('sb-request-id'), path).toBe(reply.headers.get('x-request-id'))
  }
})

test('when the client goes away, its statement is cancelled in Postgres', async () => {
  const admin = new Client({ connectionString: platform.adminUrl('postgres') })
  await admin.connect()
  try {
    const naps = async () => {
      const { rows } = await admin.query<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity
         where wait_event = 'PgSleep' and query like '%nap_of_gateway_test%' and pid <> pg_backend_pid()`,
      )
      return rows[0]?.count
    }
    const controller = new AbortController()
    const asked = fetch(`${project.path_url}/rest/v1/rpc/nap_of_gateway_test`, {
      method: 'POST',
      headers: { apikey: project.keys.service_role },
      signal: controller.signal,
    })
    const outcome = expect(asked).rejects.toThrow()
    await expect.poll(naps, { timeout: 10_000 }).toBe(1)
    controller.abort()
    await outcome
    await expect.poll(naps, { timeout: 10_000 }).toBe(0)
    await expect
      .poll(() => platform.logLines.filter(({ path }) => path === '/rest/v1/rpc/nap_of_gateway_test'), {
        timeout: 10_000,
      })
      .toMatchObject([{ status: 499, aborted: true, project: project.ref }])
  } finally {
    await admin.end()
  }
})

test('a paused project says so at once in its clients, and serves again when it is resumed', async () => {
  const url = project.path_url
  const client = connect(url, project.keys.service_role)
  expect((await client.from('notes').select()).error).toBeNull()
  await runCli(platform, 'projects', 'pause', project.ref)
  expect(await client.from('notes').select()).toMatchObject({
    status: 540,
    error: { message: 'Project paused', code: 'project_paused' },
  })
  const signIn = await client.auth.signInWithPassword({ email: 'a@example.com', password: 'a long password' })
  expect(signIn.error).toMatchObject({ status: 540, message: 'Project paused' })
  await runCli(platform, 'projects', 'resume', project.ref)
  expect((await client.from('notes').select()).error).toBeNull()
})

test('health is told for the platform, for a project and for a service of it', async () => {
  const ask = async (url: string) => {
    const reply = await hostFetch(url, { headers: { apikey: project.keys.anon } })
    return [reply.status, (await reply.json()) as unknown]
  }
  const platformHealth = await hostFetch(`${platform.apiUrl}/health`)
  expect([platformHealth.status, await platformHealth.json()]).toEqual([
    200,
    { status: 'healthy', checks: { postgres: 'healthy' } },
  ])
  expect(await ask(`${project.path_url}/health`)).toEqual([
    200,
    { status: 'healthy', checks: { db: 'healthy', rest: 'healthy', auth: 'healthy' } },
  ])
  expect(await ask(`${addressOf(platform, project, 'subdomain')}/health/rest`)).toEqual([
    200,
    { status: 'healthy', checks: { db: 'healthy', rest: 'healthy' } },
  ])
})

test('a deleted project is gone at once, in every form, with every key', async () => {
  const doomed = await platform.createProject()
  await runSql(doomed, 'create table notes (id int primary key)')
  for (const form of forms)
    expect(
      (
        await connect(addressOf(platform, doomed, form), doomed.keys.service_role)
          .from('notes')
          .select()
      ).error,
    ).toBeNull()
  await platform.api('DELETE', `/v1/projects/${doomed.ref}`)
  for (const form of forms)
    for (const key of Object.values(doomed.keys)) {
      const { status } = await connect(addressOf(platform, doomed, form), key)
        .from('notes')
        .select()
      expect([401, 404], form).toContain(status)
    }
})
