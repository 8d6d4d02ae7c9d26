import { generateKeyPairSync } from 'node:crypto'
import type { TestProject } from '@favo/testkit'
import { selfSignedCertificate } from '@favo/tokens'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bannedRange, Bans } from '../limits/bans.ts'
import { startPgGateway, type Port, type TestGateway } from '../../test/start-pg-gateway.ts'

const WRONG_MAX = 3
let gateway: TestGateway
let project: TestProject
let other: TestProject
beforeAll(async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const body = selfSignedCertificate(key, 'favo.localhost')
  gateway = await startPgGateway({
    certificate: { key, certificate: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n` },
    config: { wrongPasswordsMax: WRONG_MAX },
  })
  ;[project, other] = await Promise.all([gateway.newProject(), gateway.newProject()])
})
afterAll(() => gateway.close())
beforeEach(() => {
  for (const { project: facts } of [project, other]) gateway.projects.set(facts.ref, facts)
})

const tls = { ssl: { rejectUnauthorized: false } }
const letters = 'abcdefghijklmnopqrst'

describe.each<Port>(['session', 'transaction'])('on the %s port', (port) => {
  /** `in`, or the refusal. */
  const enter = async (config: object = {}, to = project) => {
    try {
      const client = await gateway.connect(port, to, config)
      await client.query('select 1')
      await client.end()
      return 'in'
    } catch (error) {
      return (error as Error).message
    }
  }

  test('repeated wrong passwords end in a ban, from that project alone, until it is lifted', async () => {
    for (let i = 0; i < WRONG_MAX; i++) expect(await enter({ password: 'wrong' })).toMatch(/^password auth/)
    // Also with the right one, and for every role of the project.
    const { ref } = project.project
    for (const config of [
      {},
      tls,
      { user: `reporting.${ref}` },
      { user: `cli_login_${'0'.repeat(16)}.${ref}` },
    ])
      expect(await enter(config)).toMatch(/refused for a while/)
    expect(gateway.projects.get(ref)?.bannedAddresses).toEqual(['127.0.0.1'])
    expect(await enter({}, other)).toBe('in')
    gateway.projects.set(ref, project.project)
    expect(await enter()).toBe('in')
  })

  test('a project that does not exist bans in the same words after the same number of attempts', async () => {
    const attempts = async (config: object) => {
      const heard = []
      for (let i = 0; i < WRONG_MAX + 2; i++) heard.push(await enter({ ...config, password: 'wrong' }))
      return heard.map((message) => message.replace(/"[^"]*"/, '"…"'))
    }
    const real = await attempts({})
    // The letters differ by port, because what is remembered is the gateway's.
    const ref = port === 'session' ? letters : [...letters].reverse().join('')
    expect(await attempts({ user: `postgres.${ref}` })).toEqual(real)
    expect(real.at(-1)).toMatch(/refused for a while/)
  })

  test('where TLS is required who comes without is refused, after the password and not before', async () => {
    gateway.projects.set(other.project.ref, { ...other.project, requiresTls: true })
    expect(await enter({}, other)).toBe('SSL connection is required by this project')
    expect(await enter({ password: 'wrong' }, other)).toMatch(/^password auth/)
    expect(await enter(tls, other)).toBe('in')
    expect(await enter()).toBe('in')
  })
})

test('a client of the transaction port that is there without TLS is not served when it is required', async () => {
  const client = await gateway.connect('transaction', project)
  await client.query('select 1')
  gateway.projects.set(project.project.ref, { ...project.project, requiresTls: true })
  await expect(client.query('select 1')).rejects.toThrow(/SSL connection is required/)
})

test('bans can be switched off', () => {
  const [never, soon] = [new Bans(0), new Bans(2)]
  const outcomes = (bans: Bans) => [1, 2, 3].map(() => bans.countFailure('192.0.2.1', 'x'))
  expect(outcomes(never)).toEqual([false, false, false])
  expect(outcomes(soon)).toEqual([false, true, false])
})

test('with IPv6 the network of a customer is banned', () => {
  expect(bannedRange('::ffff:192.0.2.1')).toBe('192.0.2.1')
  expect(bannedRange('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
  expect(bannedRange('::1')).toBe('0:0:0:0::/64')
})
