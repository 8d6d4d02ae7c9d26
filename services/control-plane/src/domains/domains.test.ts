import type { CreatedProject, CustomHostname, Domain, ErrorBody } from '@favo/contracts'
import { startDnsServer, type TestDns } from '@favo/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let dns: TestDns
let platform: TestPlatformDatabase
let control: TestControlPlane
let shop: string
let thief: string
beforeAll(async () => {
  dns = await startDnsServer()
  platform = await createPlatformDatabase()
  control = await platform.start({ dnsServers: [dns.address] })
  const create = async (name: string) =>
    (await control.request<CreatedProject>('POST', '/projects', { name })).body.ref
  shop = await create('shop')
  thief = await create('thief')
})
afterAll(async () => {
  await platform.close()
  await dns.close()
})

const add = (ref: string, hostname: unknown) =>
  control.request<Domain>('POST', `/projects/${ref}/domains`, { hostname })
const verify = (ref: string, hostname: string) =>
  control.request<Domain>('POST', `/projects/${ref}/domains/${hostname}/verify`)
const owner = async (hostname: string) =>
  (await control.controlPlane.directorySource.loadByDomain(hostname))?.ref ?? null

test('a domain leads to the project from when its TXT record says so until it is removed', async () => {
  const added = await add(shop, 'API.Shop.Example')
  expect(added).toMatchObject({
    status: 201,
    body: { hostname: 'api.shop.example', status: 'pending', error: null },
  })
  const { name, value } = added.body.verification
  expect(name).toBe('_favo-challenge.api.shop.example')
  expect((await verify(shop, 'api.shop.example')).body).toMatchObject({
    status: 'pending',
    error: `there is no TXT record ${name}`,
  })
  dns.txt.set(name, ['something else'])
  expect((await verify(shop, 'api.shop.example')).body.error).toBe(
    `the TXT record of ${name} has another value`,
  )
  expect(await owner('api.shop.example')).toBeNull()

  dns.txt.set(name, ['something else', value])
  expect((await verify(shop, 'api.shop.example')).body).toMatchObject({ status: 'active', error: null })
  expect(await owner('api.shop.example')).toBe(shop)
  expect((await control.controlPlane.directorySource.loadByRef(shop))?.domains).toEqual(['api.shop.example'])
  // A name server that fails later takes nothing away.
  dns.txt.delete(name)
  expect((await verify(shop, 'api.shop.example')).body.status).toBe('active')

  expect((await control.request('DELETE', `/projects/${shop}/domains/api.shop.example`)).status).toBe(200)
  expect(await owner('api.shop.example')).toBeNull()
  expect((await control.request<Domain[]>('GET', `/projects/${shop}/domains`)).body).toEqual([])
})

test('a domain of one project cannot be claimed by another, and wanting one first is no claim', async () => {
  const [wanted, real] = [await add(thief, 'www.shop.example'), await add(shop, 'www.shop.example')]
  expect(wanted.body.verification.value).not.toBe(real.body.verification.value)
  dns.txt.set('_favo-challenge.www.shop.example', [real.body.verification.value])
  expect((await verify(thief, 'www.shop.example')).body.status).toBe('pending')
  expect((await verify(shop, 'www.shop.example')).body.status).toBe('active')
  // Even with a record of his own beside it he comes too late.
  dns.txt.get('_favo-challenge.www.shop.example')?.push(wanted.body.verification.value)
  for (const reply of [await verify(thief, 'www.shop.example'), await add(thief, 'www.shop.example')])
    expect(reply).toMatchObject({ status: 409, body: { code: 'domain_taken' } })
  expect(await owner('www.shop.example')).toBe(shop)
  for (const [method, path] of [
    ['POST', '/verify'],
    ['DELETE', ''],
  ] as const)
    expect(
      (await control.request<ErrorBody>(method, `/projects/${thief}/domains/mail.shop.example${path}`))
        .status,
    ).toBe(404)
})

test.each([
  ['favo.localhost', 422],
  ['victim.favo.localhost', 422],
  ['x.localhost', 422],
  ['localhost', 422],
  ['127.0.0.1', 422],
  ['[::1]', 422],
  ['example', 422],
  ['-a.example.com', 422],
  ['a..example.com', 422],
  ['a.example.com:8000', 422],
  ['a.example.com/p', 422],
  ["a'; drop table control.domains; --.com", 422],
  [`${'a'.repeat(64)}.example.com`, 422],
  [7, 422],
])('%j is no domain to be had', async (hostname, status) => {
  expect((await add(shop, hostname)).status).toBe(status)
})

test('the Management API’s custom hostname goes the same way in its own steps', async () => {
  const path = `/projects/${shop}/custom-hostname`
  const send = (method: string, end: string, body?: unknown) =>
    control.request<CustomHostname>(method, `${path}${end}`, body)
  expect((await send('GET', '')).status).toBe(404)
  const made = await send('POST', '/initialize', { custom_hostname: 'db.shop.example' })
  expect(made).toMatchObject({
    status: 201,
    body: { status: '2_initiated', custom_hostname: 'db.shop.example', data: { success: true, errors: [] } },
  })
  const { ownership_verification: record, custom_origin_server } = made.body.data.result
  expect(custom_origin_server).toBe(`${shop}.favo.localhost`)
  expect((await send('POST', '/activate')).status).toBe(409)
  expect((await send('POST', '/reverify')).body).toMatchObject({
    status: '2_initiated',
    data: { result: { verification_errors: [expect.stringContaining('no TXT record')] } },
  })
  dns.txt.set(record.name, [record.value])
  expect((await send('POST', '/reverify')).body.status).toBe('4_origin_setup_completed')
  expect(await owner('db.shop.example')).toBeNull()
  expect((await send('POST', '/activate')).body.status).toBe('5_services_reconfigured')
  expect(await owner('db.shop.example')).toBe(shop)
  expect((await send('POST', '/initialize', { custom_hostname: 'other.shop.example' })).status).toBe(422)
  expect((await send('DELETE', '?remove_addon=true')).status).toBe(200)
  expect(await owner('db.shop.example')).toBeNull()
})

test('a vanity subdomain is looked for, taken and given up', async () => {
  const path = `/projects/${shop}/vanity-subdomain`
  const check = async (label: string) =>
    (
      await control.request<{ available: boolean }>('POST', `${path}/check-availability`, {
        vanity_subdomain: label,
      })
    ).body.available
  expect((await control.request('GET', path)).body).toEqual({ status: 'not-used' })
  const { subdomain } = (await control.request<{ subdomain: string }>('GET', `/projects/${thief}`)).body
  expect([
    await check('nice'),
    await check('admin'),
    await check(subdomain),
    await check('no label'),
  ]).toEqual([true, false, false, false])
  const activate = (label: string) => control.request('POST', `${path}/activate`, { vanity_subdomain: label })
  expect(await activate('nice')).toMatchObject({
    status: 201,
    body: { custom_domain: 'nice.favo.localhost' },
  })
  expect([
    (await activate('admin')).status,
    (await activate(subdomain)).status,
    (await activate('no label')).status,
  ]).toEqual([422, 409, 422])
  expect((await control.request('GET', path)).body).toEqual({
    status: 'active',
    custom_domain: 'nice.favo.localhost',
  })
  await control.request('DELETE', path)
  expect((await control.request('GET', path)).body).toEqual({ status: 'not-used' })
  expect(await check('nice')).toBe(true)
})
