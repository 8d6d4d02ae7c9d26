import { quoteIdent } from '@favo/postgres'
import { startCluster, startPlatform, type TestPlatform } from '@favo/testkit'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'

async function connectAdmin(platform: TestPlatform): Promise<pg.Client> {
  const admin = new pg.Client(platform.adminUrl('postgres'))
  await admin.connect()
  onTestFinished(() => admin.end())
  return admin
}

test('a template database that is missing is built again when a project needs it', async () => {
  // A cluster of its own: all of the run's tests make their projects from that one's template.
  const cluster = await startCluster()
  onTestFinished(() => cluster.stop())
  const platform = await startPlatform({}, cluster)
  const admin = await connectAdmin(platform)
  const { rows } = await admin.query<{ datname: string }>(
    `select datname from pg_database where datname ~ '^favo_template'`,
  )
  for (const { datname } of rows) {
    await admin.query(`alter database ${quoteIdent(datname)} is_template false`)
    await admin.query(`drop database ${quoteIdent(datname)}`)
  }
  const project = await platform.createProject()
  expect(project.status).toBe('ACTIVE_HEALTHY')
})

test('a login whose password was changed is set right and the request answered', async () => {
  const platform = await startPlatform()
  const admin = await connectAdmin(platform)
  const project = await platform.createProject()
  const database = project.database.name
  for (const login of ['api', 'svc', 'own'])
    await admin.query(
      `alter role ${quoteIdent(`${database}_${login}`)} password 'not what the platform thinks'`,
    )
  const reply = await fetch(`${project.path_url}/auth/v1/signup`, {
    method: 'POST',
    headers: { apikey: project.keys.anon, 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'ann@example.com', password: 'long enough' }),
  })
  expect(reply.status).toBe(200)
  await platform.api('POST', `/v1/projects/${project.ref}/database/query`, { query: 'select 1' })
})

test('sessions ended by an administrator cost a request at most a clean 503', async () => {
  const platform = await startPlatform()
  const admin = await connectAdmin(platform)
  const project = await platform.createProject()
  const database = project.database.name
  const read = () =>
    fetch(`${project.path_url}/auth/v1/admin/users`, {
      headers: { apikey: project.keys.service_role, authorization: `Bearer ${project.keys.service_role}` },
    })
  expect((await read()).status).toBe(200)
  await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1`, [database])
  expect([200, 503]).toContain((await read()).status)
  expect((await read()).status).toBe(200)
})
