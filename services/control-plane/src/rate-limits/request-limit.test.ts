import type { ErrorBody } from '@favo/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPerson, createTeam, createToken } from '../../test/people.ts'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
let now = Date.now()
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start({ clock: () => new Date(now), requestsPerMinute: 5 })
})
afterAll(() => platform.close())

test('a user has so many requests a minute for each project and organization, and is told how many are left', async () => {
  const { slug, people } = await createTeam(platform, control)
  const { developer } = people
  const ask = (path = `/organizations/${slug}`) => developer.request<ErrorBody>('GET', path)
  const first = await ask()
  expect(first.headers.get('x-ratelimit-limit')).toBe('5')
  expect(first.headers.get('x-ratelimit-remaining')).toBe('4')
  expect(Number(first.headers.get('x-ratelimit-reset'))).toBeGreaterThan(0)
  for (let i = 0; i < 4; i++) expect((await ask()).status).toBe(200)

  const refused = await ask()
  expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } })
  expect(refused.body.request_id).toBe(refused.headers.get('x-request-id'))
  expect(refused.headers.get('x-ratelimit-remaining')).toBe('0')
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)

  // Another token of the same person is no way around it; other people and places are not held up.
  const token = await createToken(platform, developer.id)
  const withToken = await control.request('GET', `/organizations/${slug}`, undefined, {
    authorization: `Bearer ${token}`,
  })
  expect(withToken.status).toBe(429)
  expect((await ask('/profile')).status).toBe(200)
  expect((await people.owner.request('GET', `/organizations/${slug}`)).status).toBe(200)

  now += 60_001
  expect((await ask()).status).toBe(200)
})

test('guessing names of what one may not see is bounded', async () => {
  const stranger = await createPerson(platform, control)
  const statuses: number[] = []
  for (let i = 0; i < 7; i++)
    statuses.push((await stranger.request('GET', `/organizations/guess-${i}`)).status)
  expect(statuses).toEqual([404, 404, 404, 404, 404, 429, 429])
})

test('the operator is not held up', async () => {
  for (let i = 0; i < 8; i++) {
    const reply = await control.request('GET', '/profile')
    expect(reply.status).toBe(200)
    expect(reply.headers.get('x-ratelimit-limit')).toBeNull()
  }
})
