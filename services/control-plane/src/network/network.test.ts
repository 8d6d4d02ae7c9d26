import type { CreatedProject, ErrorBody, NetworkRestrictions } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  eventually,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
let ref: string
let other: string
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
  const create = async (name: string) =>
    (await control.request<CreatedProject>('POST', '/projects', { name })).body.ref
  ref = await create('restricted')
  other = await create('other')
})
afterAll(() => platform.close())

const allowed = async (of: string) => (await control.controlPlane.directorySource.loadByRef(of))?.allowedCidrs

test('a project is open to all until it is restricted, and the data plane hears of it', async () => {
  const path = `/projects/${ref}/network-restrictions`
  expect((await control.request('GET', path)).body).toEqual({
    entitlement: 'allowed',
    config: { dbAllowedCidrs: ['0.0.0.0/0'], dbAllowedCidrsV6: ['::/0'] },
    status: 'applied',
  })
  expect(await allowed(ref)).toBeUndefined()

  const applied = await control.request<NetworkRestrictions>('POST', `${path}/apply`, {
    dbAllowedCidrs: ['192.0.2.0/24', '198.51.100.7'],
    dbAllowedCidrsV6: ['2001:DB8::/32', '::ffff:192.0.2.1'],
  })
  expect(applied).toMatchObject({
    status: 201,
    body: {
      config: {
        dbAllowedCidrs: ['192.0.2.0/24', '198.51.100.7/32'],
        dbAllowedCidrsV6: ['2001:db8::/32', '::ffff:192.0.2.1/128'],
      },
      status: 'applied',
    },
  })
  expect(await allowed(ref)).toEqual([
    '192.0.2.0/24',
    '198.51.100.7/32',
    '2001:db8::/32',
    '::ffff:192.0.2.1/128',
  ])
  expect(await allowed(other)).toBeUndefined()

  const patched = await control.request('PATCH', path, {
    add: { dbAllowedCidrs: ['10.0.0.0/8', '192.0.2.0/24'] },
    remove: { dbAllowedCidrs: ['198.51.100.7'], dbAllowedCidrsV6: ['::ffff:192.0.2.1'] },
  })
  expect(patched.body).toMatchObject({
    config: {
      dbAllowedCidrs: [
        { address: '192.0.2.0/24', type: 'v4' },
        { address: '10.0.0.0/8', type: 'v4' },
        { address: '2001:db8::/32', type: 'v6' },
      ],
    },
  })
  // Nothing at all is a choice as well: nobody gets in.
  await control.request('POST', `${path}/apply`, {})
  expect(await allowed(ref)).toEqual([])
  expect((await control.request<NetworkRestrictions>('GET', path)).body).toMatchObject({
    config: { dbAllowedCidrs: [], dbAllowedCidrsV6: [] },
    old_config: { dbAllowedCidrsV6: ['2001:db8::/32'] },
  })
})

test.each([
  { dbAllowedCidrs: ['192.0.2.1/24'] },
  { dbAllowedCidrs: ['192.0.2.0/33'] },
  { dbAllowedCidrs: ['192.0.2.0/24/1'] },
  { dbAllowedCidrs: ['192.0.2'] },
  { dbAllowedCidrs: ['::/0'] },
  { dbAllowedCidrs: [''] },
  { dbAllowedCidrs: ["0.0.0.0/0'; drop table control.projects; --"] },
  { dbAllowedCidrs: [7] },
  { dbAllowedCidrsV6: ['0.0.0.0/0'] },
  { dbAllowedCidrsV6: ['2001:db8::1/64'] },
  { dbAllowedCidrsV6: ['fe80::1%eth0/128'] },
  { dbAllowedCidrs: Array.from({ length: 201 }, (_, i) => `10.0.${i}.0/24`) },
])('%j is refused', async (body) => {
  const before = await allowed(other)
  const reply = await control.request<ErrorBody>(
    'POST',
    `/projects/${other}/network-restrictions/apply`,
    body,
  )
  expect(reply).toMatchObject({ status: 422, body: { code: 'validation_failed' } })
  expect(await allowed(other)).toEqual(before)
})

test('bans are listed and lifted, each project its own, and end by themselves', async () => {
  await platform.db.run(sql`
    insert into control.network_bans (ref, address, expires_at) values
      (${ref}, '203.0.113.5', now() + interval '1 hour'),
      (${ref}, '127.0.0.1', now() + interval '1 hour'),
      (${ref}, '203.0.113.6', now() - interval '1 second'),
      (${other}, '203.0.113.5', now() + interval '1 hour')`)
  const list = async (of: string) =>
    (
      await control.request<{ banned_ipv4_addresses: string[] }>(
        'POST',
        `/projects/${of}/network-bans/retrieve`,
      )
    ).body.banned_ipv4_addresses
  expect([...(await list(ref))].sort()).toEqual(['127.0.0.1', '203.0.113.5'])
  expect((await control.controlPlane.directorySource.loadByRef(ref))?.bannedAddresses).toHaveLength(2)

  const lifted = await control.request('DELETE', `/projects/${ref}/network-bans`, {
    ipv4_addresses: ['203.0.113.5', 'nonsense'],
  })
  expect(lifted.status).toBe(200)
  expect(await list(ref)).toEqual(['127.0.0.1'])
  await control.request('DELETE', `/projects/${ref}/network-bans`, { ipv4_addresses: [], requester_ip: true })
  expect(await list(ref)).toEqual([])
  expect(await list(other)).toEqual(['203.0.113.5'])
})

test('a ban that the gateway asks for is listed, is in the audit log as nobody’s, and goes by any of its addresses', async () => {
  const { controlPlane } = control
  await controlPlane.banAddress(ref, '203.0.113.9', 60)
  await controlPlane.banAddress(ref, '2001:db8:1:2::/64', 60)
  await controlPlane.banAddress('a'.repeat(20), '203.0.113.9', 60)
  const list = async () => (await control.controlPlane.directorySource.loadByRef(ref))?.bannedAddresses
  expect([...((await list()) ?? [])].sort()).toEqual(['2001:db8:1:2::/64', '203.0.113.9'])
  const log = await platform.db.many(sql`
    select actor_name, target, project_ref from control.audit_log where operation = 'network.ban' order by id`)
  expect(log).toEqual([
    { actor_name: null, target: '203.0.113.9', project_ref: ref },
    { actor_name: null, target: '2001:db8:1:2::/64', project_ref: ref },
  ])
  await control.request('DELETE', `/projects/${ref}/network-bans`, {
    ipv4_addresses: ['2001:db8:1:2::77', "1.1.1.1' or true --", '1.1.1.1/99'],
  })
  expect(await list()).toEqual(['203.0.113.9'])
  await platform.db.run(sql`
    update control.network_bans set expires_at = now() - interval '1 second' where ref = ${ref}`)
  await eventually(() =>
    platform.db.many(sql`select 1 as x from control.network_bans where ref = ${ref}`),
  ).toEqual([])
})

test('that TLS is required is kept, reported, told to the gateway, and is each project’s own', async () => {
  const path = `/projects/${ref}/ssl-enforcement`
  const off = { currentConfig: { database: false }, appliedSuccessfully: true }
  const on = { currentConfig: { database: true }, appliedSuccessfully: true }
  expect((await control.request('GET', path)).body).toEqual(off)
  const put = (database: unknown) => control.request('PUT', path, { requestedConfig: { database } })
  expect(await put(true)).toMatchObject({ status: 200, body: on })
  expect((await control.request('GET', path)).body).toEqual(on)
  const loaded = (of: string) => control.controlPlane.directorySource.loadByRef(of)
  expect((await loaded(ref))?.requiresTls).toBe(true)
  expect((await loaded(other))?.requiresTls).toBeUndefined()
  expect((await loaded(ref))?.status).toBe('ACTIVE_HEALTHY')
  expect((await put('true; --')).status).toBe(422)
  expect(await put(false)).toMatchObject({ status: 200, body: off })
  expect((await loaded(ref))?.requiresTls).toBeUndefined()
})
