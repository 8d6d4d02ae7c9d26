import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { sql } from '@favo/postgres'
import type { TestProject } from '@favo/testkit'
import { selfSignedCertificate } from '@favo/tokens'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askChallenge, RawClient, startup } from '../../test/raw-client.ts'
import { startPgGateway, type Port, type TestGateway } from '../../test/start-pg-gateway.ts'

let gateway: TestGateway
let project: TestProject
let other: TestProject
beforeAll(async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  expect(createPrivateKey(key).type).toBe('private')
  const body = selfSignedCertificate(key, 'favo.localhost')
  gateway = await startPgGateway({
    certificate: { key, certificate: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n` },
    config: { handshakeMs: 1_500, sessionsPerProjectMax: 3, clientsPerProjectMax: 3 },
  })
  project = await gateway.newProject({ subdomain: 'shop' })
  other = await gateway.newProject()
})
afterAll(() => gateway.close())

const ports: readonly Port[] = ['session', 'transaction']
const whoAmI = 'select current_user::text as user, session_user::text as login'
const tls = { ssl: { rejectUnauthorized: false } }

describe.each(ports)('on the %s port', (port) => {
  const connect = async (config = {}, to = project) => {
    const client = await gateway.connect(port, to, config)
    const { rows } = await client.query(whoAmI)
    await client.end()
    return rows[0] as unknown
  }
  const refusal = (config: object, to = project) =>
    connect(config, to).then(
      () => ({ code: 'none', message: '' }),
      ({ code, message }: { code: string; message: string }) => ({ code, message }),
    )

  test('the owner is postgres, with TLS and without', async () => {
    const me = { user: 'postgres', login: `${project.database}_db` }
    expect(await connect()).toEqual(me)
    expect(await connect(tls)).toEqual(me)
    expect(await connect({ ...tls, enableChannelBinding: true })).toEqual(me)
  })

  test('wrong passwords, unknown projects, roles and logins of the platform get the same answer', async () => {
    const { ref } = project.project
    const users = [
      `postgres.${ref}`,
      `postgres.${'a'.repeat(20)}`,
      `nobody.${ref}`,
      `${project.database}_db.${ref}`,
      `${project.database}_svc.${ref}`,
      `service_role.${ref}`,
      `favo_admin.${ref}`,
      'postgres',
      `${project.database}_db`,
      'favo_admin',
      `postgres.${ref}.${ref}`,
      `${'x'.repeat(5_000)}.${ref}`,
      `"'; drop table x; --.${ref}`,
    ]
    for (const user of users)
      expect(await refusal({ user, password: 'wrong' })).toEqual({
        code: '28P01',
        message: `password authentication failed for user "${user.slice(0, 200)}"`,
      })
  })

  test('the password of another project, or its login’s, opens nothing', async () => {
    const { password } = gateway.credentials(port, other)
    expect(await refusal({ password })).toMatchObject({ code: '28P01' })
    expect(await refusal({ user: `${other.database}_db.${project.project.ref}`, password })).toMatchObject({
      code: '28P01',
    })
  })

  test('a password that is changed inside Postgres is good at once, and the old one is not', async () => {
    const { password: old } = gateway.credentials(port, other)
    await gateway.tenancy.setOwnerPassword(other.database, 'næw secret ﬁ')
    expect(await refusal({ password: old }, other)).toMatchObject({ code: '28P01' })
    expect(await connect({ password: 'næw secret ﬁ' }, other)).toMatchObject({ user: 'postgres' })
    await gateway.tenancy.setOwnerPassword(other.database, String(old))
  })

  test('a stranger is challenged alike for what exists and what does not, again and again', async () => {
    const ask = async (user: string) => {
      const client = new RawClient(gateway.port[port])
      const challenge = await askChallenge(client, user)
      client.close()
      return challenge
    }
    const real = await ask(`postgres.${project.project.ref}`)
    const unknown = await ask(`postgres.${'b'.repeat(20)}`)
    expect({ ...unknown, salt: '' }).toEqual({ ...real, salt: '' })
    expect(unknown.salt.length).toBe(real.salt.length)
    expect(await ask(`postgres.${'b'.repeat(20)}`)).toEqual(unknown)
    expect(await ask(`postgres.${project.project.ref}`)).toEqual(real)
  })

  test('the name that TLS asked for names the project, as does a reference in the options', async () => {
    for (const servername of [
      `${project.project.ref}.favo.localhost`,
      `db.${project.project.ref}.favo.localhost`,
      'shop.favo.localhost',
    ])
      expect(await connect({ user: 'postgres', ssl: { ...tls.ssl, servername } })).toMatchObject({
        user: 'postgres',
      })
    expect(
      await refusal({
        user: 'postgres',
        ssl: { ...tls.ssl, servername: `${other.project.ref}.favo.localhost` },
      }),
    ).toMatchObject({ code: '28P01' })
    expect(await connect({ user: 'postgres', options: `reference=${project.project.ref}` })).toMatchObject({
      user: 'postgres',
    })
  })

  test('a role of the customer’s own signs in by its own name', async () => {
    await project.owner(`select pg_favo.create_role('reporter', true, 'its own password')`)
    const reporter = { user: `reporter.${project.project.ref}`, password: 'its own password' }
    const { login } = (await connect(reporter)) as { login: string }
    expect(login).toMatch(new RegExp(`^${project.database}_r[0-9a-f]{12}$`))
    expect(await refusal({ ...reporter, user: `reporter.${other.project.ref}` })).toMatchObject({
      code: '28P01',
    })
    await project.owner(`select pg_favo.drop_role('reporter')`)
    expect(await refusal(reporter)).toMatchObject({ code: '28P01' })
  })

  test('a login for the CLI is postgres until it expires or is removed', async () => {
    const { tenancy } = gateway
    const made = await tenancy.createCliLogin({
      database: project.database,
      ttlSeconds: 60,
      isReadOnly: false,
    })
    const user = `${made.name}.${project.project.ref}`
    expect(await connect({ user, password: made.password })).toMatchObject({ user: 'postgres' })
    expect(
      await refusal({ user: `${made.name}.${other.project.ref}`, password: made.password }),
    ).toMatchObject({ code: '28P01' })
    await project.admin.run(
      sql`alter role ${sql.ident(`${project.database}_cli${made.name.slice(10)}`)} valid until '2000-01-01'`,
    )
    expect(await refusal({ user, password: made.password })).toMatchObject({
      code: '28P01',
      message: expect.stringContaining('expired') as string,
    })
    await tenancy.sweepCliLogins()
    expect(await tenancy.dropCliLogins(project.database)).toBe(0)
    expect(await refusal({ user, password: made.password })).toMatchObject({ code: '28P01' })
  })

  test('one that only reads sees everything and changes nothing, whatever it sets', async () => {
    await project.owner(
      `create table if not exists seen (a int); alter table seen enable row level security; insert into seen values (1)`,
    )
    const made = await gateway.tenancy.createCliLogin({
      database: project.database,
      ttlSeconds: 60,
      isReadOnly: true,
    })
    const client = await gateway.connect(port, project, {
      user: `${made.name}.${project.project.ref}`,
      password: made.password,
    })
    expect((await client.query('select a from seen limit 1')).rows).toEqual([{ a: 1 }])
    expect((await client.query('select count(*) from auth.users')).rows).toHaveLength(1)
    for (const text of [
      'begin read write; insert into seen values (2)',
      'begin read write; create table mine (a int)',
      'begin read write; update auth.users set email = null',
      'set role postgres',
      'select rolpassword from pg_authid',
    ]) {
      await expect(client.query(text)).rejects.toMatchObject({ code: '42501' })
      await client.query('rollback')
    }
    await gateway.tenancy.dropCliLogins(project.database)
    await client.end().catch(() => undefined)
  })

  test('a paused project says so to those who know the password, and to nobody else', async () => {
    const { ref } = project.project
    gateway.projects.set(ref, { ...project.project, status: 'INACTIVE' })
    expect(await refusal({})).toEqual({ code: '57P03', message: 'the project is paused' })
    expect(await refusal({ password: 'wrong' })).toMatchObject({ code: '28P01' })
    gateway.projects.set(ref, { ...project.project, status: 'GOING_DOWN' })
    expect(await refusal({})).toMatchObject({ code: '57P03' })
    gateway.projects.set(ref, project.project)
  })

  test('network restrictions hold, and are told only to those who know the password', async () => {
    const { ref } = project.project
    gateway.projects.set(ref, { ...project.project, allowedCidrs: ['192.0.2.0/24', '2001:db8::/32'] })
    expect(await refusal({})).toEqual({
      code: '28000',
      message: 'connections from 127.0.0.1 are not allowed by the network restrictions of this project',
    })
    expect(await refusal({ password: 'wrong' })).toMatchObject({ code: '28P01' })
    gateway.projects.set(ref, { ...project.project, allowedCidrs: ['127.0.0.0/8'] })
    expect(await refusal({})).toMatchObject({ code: 'none' })
    gateway.projects.set(ref, project.project)
  })

  test('there is one database, and no replication', async () => {
    for (const database of [other.database, 'template1', 'favo_template', 'x'.repeat(3_000)])
      expect(await refusal({ database })).toMatchObject({ code: '3D000' })
    expect(await refusal({ replication: 'database' })).toMatchObject({ code: '0A000' })
  })

  test('options give a session no more than SET would', async () => {
    for (const [options, code] of [
      ['-c session_preload_libraries=evil', '42501'],
      ['-c event_triggers=off', '42501'],
      ['-c role=favo_admin', '42501'],
      [`-c role=${other.database}_db`, '42501'],
      ['-c log_statement=all', '42501'],
      ['-c no_such_setting=1', '42704'],
    ])
      expect(await refusal({ options }), options).toMatchObject({ code })
  })

  test('a project that has used up its connections hears so, and the next is let in when one has gone', async () => {
    const open = await Promise.all([1, 2, 3].map(() => gateway.connect(port, other)))
    expect(await refusal({}, other)).toMatchObject({
      code: '53300',
      message: expect.stringContaining('3 connections') as string,
    })
    expect(await refusal({})).toMatchObject({ code: 'none' })
    await open[0]?.end()
    await expect.poll(async () => (await refusal({}, other)).code).toBe('none')
    await Promise.all(open.slice(1).map((client) => client.end()))
  })

  test('who says nothing is sent away', async () => {
    const client = new RawClient(gateway.port[port])
    expect(await client.rest()).toContain('took too long')
  })

  test('bytes that were slipped in before the encryption are refused', async () => {
    const client = new RawClient(gateway.port[port])
    client.send(Buffer.concat([Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]), startup({ user: 'postgres' })]))
    expect(await client.rest()).toContain('received unencrypted data after SSL request')
  })

  test('a later version of the protocol is talked down to 3.0, an older one refused', async () => {
    const later = new RawClient(gateway.port[port])
    later.send(startup({ user: 'x', '_pq_.new': '1' }, 0x30002))
    const answer = await later.message()
    expect(answer.type).toBe('v')
    expect(answer.body.readInt32BE(0)).toBe(0x30000)
    expect(answer.body.toString('latin1')).toContain('_pq_.new')
    later.close()
    const older = new RawClient(gateway.port[port])
    older.send(startup({ user: 'x' }, 0x20000))
    expect(await older.rest()).toContain('unsupported frontend protocol 2.0')
  })
})
