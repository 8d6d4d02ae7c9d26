import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@favo/runtime'
import { startCluster, type TestCluster } from '@favo/testkit'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { newName, startTenants, type Tenants } from '../test/tenants.ts'
import { createTenancy, type Tenancy } from './tenancy.ts'

// In a cluster of its own, because other tests need the run's template.
let cluster: TestCluster
let tenants: Tenants
beforeAll(async () => {
  cluster = await startCluster()
  tenants = await startTenants(cluster)
})
afterAll(async () => {
  await tenants.close()
  await cluster.stop()
})

const admin = async <T extends object>(text: string): Promise<T[]> => {
  const session = await tenants.superuser('postgres')
  try {
    return (await session.query<T>(text)).rows
  } finally {
    await session.end()
  }
}

const templates = async () =>
  (
    await admin<{ name: string }>(`select datname as name from pg_database where datname ~ '^favo_template'`)
  ).map(({ name }) => name)

const dropTemplate = () => admin('drop database favo_template with (force)')

const withFile = async (text: string): Promise<Tenancy> => {
  const directory = await mkdtemp(join(tmpdir(), 'favo-migrations-'))
  await writeFile(join(directory, '0001_only.sql'), text)
  const tenancy = createTenancy({
    admin: { endpoint: cluster.endpoint, user: 'favo_admin', password: cluster.password },
    migrations: [{ component: 'auth', directory }],
    passwordFor: (database, login) => `${database} ${login}`,
    log: silentLogger(),
  })
  onTestFinished(async () => {
    await tenancy.close()
    await rm(directory, { recursive: true })
  })
  return tenancy
}

test('a missing template is rebuilt by the creation that needs it', async () => {
  await dropTemplate()
  const tenant = await tenants.newTenant()
  await (await tenants.login(tenant, 'db')).end()
  expect(await templates()).toEqual(['favo_template'])
})

test('a cluster whose labels are missing as well is prepared by it', async () => {
  const bare = await startCluster()
  const own = createTenancy({
    admin: { endpoint: bare.endpoint, user: 'favo_admin', password: bare.password },
    migrations: [],
    passwordFor: (database, login) => `${database} ${login}`,
    log: silentLogger(),
  })
  await own.createDatabase({ database: newName(), ownerPassword: 'x' })
  expect((await own.listDatabases()).map(({ state }) => state)).toEqual(['complete'])
  await own.close()
  await bare.stop()
})

test('what a killed platform left of a half-built template is replaced', async () => {
  await dropTemplate()
  await admin('create database favo_template_building')
  await admin('create database favo_template_outdated')
  await tenants.tenancy.prepare()
  expect(await templates()).toEqual(['favo_template'])
})

test('a template that cannot be built is an error that names the file, and no template is left in its place', async () => {
  const before = await templates()
  const broken = await withFile('create table auth.x (id nonsense);')
  await expect(broken.prepare()).rejects.toThrow(/auth\/0001_only.sql: type "nonsense" does not exist/)
  // The older one keeps serving.
  expect((await templates()).filter((name) => name === 'favo_template')).toEqual(before)
  await tenants.newTenant()
})

test('files of another version make another template; databases of the old one stay and know their version', async () => {
  await tenants.tenancy.prepare()
  const old = await tenants.newTenant()
  const next = await withFile('create table auth.novelty (id int);')
  await next.prepare()
  expect(next.platformVersion).not.toBe(tenants.tenancy.platformVersion)
  const database = newName()
  await next.createDatabase({ database, ownerPassword: 'x' })
  const versions = new Map((await next.listDatabases()).map((listed) => [listed.database, listed.version]))
  expect(versions.get(database)).toBe(next.platformVersion)
  expect(versions.get(old.database)).toBe(tenants.tenancy.platformVersion)
  const session = await tenants.superuser(database)
  await session.query('select * from auth.novelty')
  await session.end()
  expect(await templates()).toEqual(['favo_template'])
  await next.dropDatabase(database)
  await tenants.tenancy.prepare()
})

test('rivals build it once, and creations underway succeed with either', async () => {
  await dropTemplate()
  const names = Array.from({ length: 4 }, newName)
  await Promise.all([
    ...[1, 2, 3].map(() => tenants.tenancy.prepare()),
    ...names.map((database) => tenants.tenancy.createDatabase({ database, ownerPassword: 'x' })),
  ])
  expect(await templates()).toEqual(['favo_template'])
  await Promise.all(names.map((database) => tenants.tenancy.dropDatabase(database)))
})

test('the template is closed to everybody, and preparing twice changes nothing', async () => {
  await tenants.tenancy.prepare()
  const look = () =>
    admin(`select oid, datallowconn, datacl::text as acl from pg_database where datname = 'favo_template'`)
  const before = await look()
  expect(before).toMatchObject([{ datallowconn: false }])
  expect(JSON.stringify(before)).not.toMatch(/[{,]=/)
  await tenants.tenancy.prepare()
  expect(await look()).toEqual(before)
})

test('labels that drifted are put right', async () => {
  await admin(`alter role anon login password 'x' bypassrls createdb`)
  await admin('grant service_role to anon')
  await admin('revoke anon from postgres')
  await admin('grant connect on database postgres to public')
  await tenants.tenancy.prepare()
  expect(
    await admin(`
      select rolcanlogin, rolbypassrls, rolcreatedb, pg_has_role('postgres', 'anon', 'member') as membership,
        has_database_privilege('anon', 'postgres', 'connect') as door
      from pg_roles where rolname = 'anon'
    `),
  ).toEqual([{ rolcanlogin: false, rolbypassrls: false, rolcreatedb: false, membership: true, door: false }])
  expect(await admin(`select pg_has_role('anon', 'service_role', 'member') as wrong`)).toEqual([
    { wrong: false },
  ])
})
