import type { AccessToken, CreatedAccessToken, ErrorBody, Profile } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { createAccessToken } from '@favo/tokens'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
let now = Date.parse('2026-01-01T00:00:00Z')

beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start({ clock: () => new Date(now) })
})
afterAll(() => platform.close())

const create = async (body: Record<string, unknown> = { name: 'laptop' }) => {
  const reply = await control.request<CreatedAccessToken>('POST', '/access-tokens', body)
  expect(reply.status).toBe(201)
  return reply.body
}
const as = (token: string, path = '/projects') =>
  control.request<ErrorBody>('GET', path, undefined, { authorization: `Bearer ${token}` })

test('a token works until it is revoked, and not a moment longer', async () => {
  const { id, token } = await create()
  expect(token).toMatch(/^sbp_[0-9a-f]{40}$/)
  expect((await as(token)).status).toBe(200)
  expect((await control.request('DELETE', `/access-tokens/${id}`)).status).toBe(200)
  expect(await as(token)).toMatchObject({ status: 401, body: { code: 'unauthorized' } })
})

test('a token is stored as a hash and shown once', async () => {
  const { id, token } = await create({ name: 'once' })
  const list = await control.request<AccessToken[]>('GET', '/access-tokens')
  const listed = list.body.find((found) => found.id === id)
  expect(listed).toMatchObject({
    name: 'once',
    prefix: token.slice(0, 8),
    last_used_at: null,
    expires_at: null,
  })
  const stored = await platform.db.many<{ text: string }>(
    sql`select row_to_json(t)::text as text from control.access_tokens t`,
  )
  expect(JSON.stringify([list.body, stored])).not.toContain(token)
})

test('use is noted', async () => {
  const { id, token } = await create({ name: 'used' })
  await as(token)
  const { body } = await control.request<AccessToken[]>('GET', '/access-tokens')
  expect(body.find((found) => found.id === id)?.last_used_at).toMatch(/^\d{4}-/)
})

test('a token stops working when it expires', async () => {
  const { id, token, expires_at } = await create({ name: 'short', expires_in_days: 1 })
  expect(expires_at).not.toBeNull()
  expect((await as(token)).status).toBe(200)
  await platform.db.run(
    sql`update control.access_tokens set expires_at = now() - interval '1 second' where id = ${id}::uuid`,
  )
  expect((await as(token)).status).toBe(401)
})

test('the profile names the token', async () => {
  const { id, token } = await create({ name: 'ci' })
  expect((await as(token, '/profile')).body as unknown as Profile).toEqual({
    gotrue_id: id,
    primary_email: 'operator@favo.localhost',
    username: 'ci',
  })
})

test('an unknown token id is not found', async () => {
  for (const id of ['nonsense', '00000000-0000-0000-0000-000000000000'])
    expect((await control.request('DELETE', `/access-tokens/${id}`)).status).toBe(404)
})

describe('without a good token there is nothing but 401', () => {
  const headers: readonly (readonly [string, Record<string, string>])[] = [
    ['no header', { authorization: '' }],
    ['another scheme', { authorization: 'Basic abc' }],
    ['an unknown token', { authorization: `Bearer ${createAccessToken()}` }],
    ['something else', { authorization: 'Bearer hello' }],
    ['SQL', { authorization: "Bearer ' or true --" }],
  ]
  test.each(headers)('%s', async (_name, header) => {
    for (const [method, path] of [
      ['GET', '/projects'],
      ['POST', '/projects'],
      ['GET', '/access-tokens'],
      ['POST', '/projects/aaaaaaaaaaaaaaaaaaaa/database/query'],
    ] as const) {
      const reply = await control.request<ErrorBody>(method, path, undefined, header)
      expect(reply.status).toBe(401)
      expect(reply.body).toMatchObject({ code: 'unauthorized', request_id: expect.any(String) as string })
      expect(reply.headers.get('www-authenticate')).toBe('Bearer')
    }
  })
})

test('wrong tokens are bounded by address, but good ones of the same address go on', async () => {
  const { token } = await create({ name: 'colleague' })
  expect((await as(token)).status).toBe(200)
  now += 3_600_000
  expect((await as(token)).status).toBe(200)

  const statuses: number[] = []
  for (let i = 0; i < 35; i++) statuses.push((await as(createAccessToken())).status)
  expect(statuses.slice(0, 30)).toEqual(Array.from({ length: 30 }, () => 401))
  expect(statuses.slice(30)).toEqual(Array.from({ length: 5 }, () => 429))
  const refused = await as(createAccessToken())
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await as(token)).status).toBe(200)
  expect((await control.request('GET', '/projects')).status).toBe(200)

  now += 60_001
  expect((await as(createAccessToken())).status).toBe(401)
})
