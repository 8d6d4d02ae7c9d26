import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuth, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth()
})
afterAll(() => auth.close())

/** Three sessions of one user; which of them still live after signing out of the first. */
async function liveAfter(query: string): Promise<boolean[]> {
  const ann = await auth.ann()
  const others = [await auth.signIn(ann.email, ann.password), await auth.signIn(ann.email, ann.password)]
  const sessions = [
    { token: ann.token, refreshToken: ann.refreshToken },
    ...others.map(({ body }) => ({ token: body.access_token, refreshToken: body.refresh_token })),
  ]
  const reply = await auth.post(`/logout${query}`, undefined, { token: ann.token })
  expect(reply.status).toBe(204)

  return Promise.all(
    sessions.map(async ({ token, refreshToken }) => {
      const [seen, refreshed] = [await auth.get('/user', { token }), await auth.refresh(refreshToken)]
      expect(refreshed.status === 200).toBe(seen.status === 200)
      if (seen.status !== 200) expect(seen.body.error_code).toBe('session_not_found')
      return seen.status === 200
    }),
  )
}

test.each([
  ['', [false, false, false]],
  ['?scope=global', [false, false, false]],
  ['?scope=local', [false, true, true]],
  ['?scope=others', [true, false, false]],
])('signing out with "%s" ends the sessions it names, at once', async (query, live) => {
  expect(await liveAfter(query)).toEqual(live)
})

test('nobody else is signed out with me', async () => {
  const [ann, bob] = [await auth.ann(), await auth.ann()]
  await auth.post('/logout', undefined, { token: ann.token })
  expect((await auth.get('/user', { token: bob.token })).status).toBe(200)
})

test('an unknown scope is refused and ends nothing', async () => {
  const ann = await auth.ann()
  const reply = await auth.post('/logout?scope=everyone', undefined, { token: ann.token })
  expect(reply).toMatchObject({ status: 400, body: { msg: 'Unsupported logout scope "everyone"' } })
  expect((await auth.get('/user', { token: ann.token })).status).toBe(200)
})

test('signing out twice is told, as the session is not there any more', async () => {
  const ann = await auth.ann()
  await auth.post('/logout', undefined, { token: ann.token })
  const again = await auth.post('/logout', undefined, { token: ann.token })
  expect(again).toMatchObject({ status: 403, body: { error_code: 'session_not_found' } })
})
