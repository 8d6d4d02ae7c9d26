import { ConnectionError, type ProjectDb } from '@favo/postgres'
import { createTestProject } from '@favo/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuth, type TestAuth } from '../test/start-auth.ts'

let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth()
})
afterAll(() => auth.close())

test('health tells the name that clients look for', async () => {
  expect((await auth.get('/health')).body).toMatchObject({
    name: 'GoTrue',
    description: 'GoTrue is a user registration and authentication API',
  })
})

test('settings tell what a sign-in page must know', async () => {
  const { body } = await auth.get('/settings')
  expect(body).toMatchObject({
    external: { email: true, phone: false, google: false, anonymous_users: false },
    disable_signup: false,
    mailer_autoconfirm: true,
  })
})

test('what is not there is answered as Go’s router does', async () => {
  const reply = await auth.get('/nothing')
  expect(reply).toMatchObject({ status: 404, body: { message: '404 page not found\n' } })
})

test.each(['{', '[1]', '"x"', '{"email":{}}', 'null', '\u0000'])(
  'the body %j is refused, not failed on',
  async (body) => {
    for (const path of ['/signup', '/token?grant_type=password', '/token?grant_type=refresh_token']) {
      const reply = await auth.post(path, body)
      expect(reply.status).toBeGreaterThanOrEqual(400)
      expect(reply.status).toBeLessThan(500)
    }
  },
)

test('a project without its database answers 503, and nothing of the cause', async () => {
  const broken = await createTestProject()
  const db: ProjectDb = {
    ...broken.db,
    asService: () => {
      const fail = async () => {
        throw new ConnectionError('unavailable', 'connect ECONNREFUSED 10.0.0.7:5432')
      }
      return { many: fail, one: fail, maybeOne: fail, run: fail, transaction: fail }
    },
  }
  const away = await startAuth({ given: { ...broken, db } })
  const reply = await away.signIn('ann@example.com', 'secret')
  expect(reply.status).toBe(503)
  expect(reply.headers.get('retry-after')).toBe('1')
  expect(reply.body).toMatchObject({
    code: 503,
    error_code: 'unexpected_failure',
    msg: 'The database is not available, please retry after a moment.',
  })
  expect(JSON.stringify(reply.body)).not.toContain('10.0.0.7')
})
