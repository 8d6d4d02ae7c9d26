import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claimsOf, sessionIdOf, startAuth, type Ann, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth()
})
afterAll(() => auth.close())

/** As if the session had begun, and been refreshed, so many minutes ago. */
const age = (ann: Ann, minutes: { begun: number; refreshed?: number }) =>
  auth.admin.run(sql`
    with tokens as (
      update auth.refresh_tokens set updated_at = now() - make_interval(mins => ${minutes.begun})
      where session_id = ${sessionIdOf(ann.token)}
    )
    update auth.sessions
    set created_at = now() - make_interval(mins => ${minutes.begun}),
        refreshed_at = (now() - make_interval(mins => ${minutes.refreshed ?? null}::int)) at time zone 'utc'
    where id = ${sessionIdOf(ann.token)}
  `)
const expired = (why = '') => ({
  status: 400,
  body: { error_code: 'session_expired', msg: `Invalid Refresh Token: Session Expired${why}` },
})

test('a session ends when its time is up, however busy it was', async () => {
  const [ann, bob] = [await auth.ann(), await auth.ann()]
  const limited = await auth.with({ sessionsTimeboxSeconds: 3_600 })
  await age(ann, { begun: 61, refreshed: 1 })
  await age(bob, { begun: 59, refreshed: 1 })
  expect(await limited.refresh(ann.refreshToken)).toMatchObject(expired())
  expect((await limited.refresh(bob.refreshToken)).status).toBe(200)
  // Without the limit it would go on.
  expect((await auth.refresh(ann.refreshToken)).status).toBe(200)
})

test.each([
  [{ begun: 61 }, false],
  [{ begun: 59 }, true],
  [{ begun: 600, refreshed: 61 }, false],
  [{ begun: 600, refreshed: 59 }, true],
])('with an hour of patience, a session of %j goes on: %s', async (minutes, goesOn) => {
  const ann = await auth.ann()
  const limited = await auth.with({ sessionsInactivityTimeoutSeconds: 3_600 })
  await age(ann, minutes)
  const reply = await limited.refresh(ann.refreshToken)
  if (goesOn) expect(reply.status).toBe(200)
  else expect(reply).toMatchObject(expired(' (Inactivity)'))
})

test('with one session for each user, the latest sign-in wins', async () => {
  const ann = await auth.ann()
  const bob = await auth.ann()
  const single = await auth.with({ sessionsSinglePerUser: true })
  const { body } = await single.signIn(ann.email, ann.password)
  expect(await single.refresh(ann.refreshToken)).toMatchObject(expired(' (Revoked by Newer Login)'))
  expect((await single.refresh(body.refresh_token)).status).toBe(200)
  expect((await single.refresh(bob.refreshToken)).status).toBe(200)
})

test('a newer session that has ended itself does not end the older one', async () => {
  const ann = await auth.ann()
  const single = await auth.with({ sessionsSinglePerUser: true, sessionsTimeboxSeconds: 36_000 })
  const { body } = await single.signIn(ann.email, ann.password)
  await auth.admin.run(sql`
    update auth.sessions set created_at = now() - interval '11 hours', refreshed_at = now() at time zone 'utc'
    where id = ${sessionIdOf(body.access_token)}
  `)
  expect((await single.refresh(ann.refreshToken)).status).toBe(200)
})

test('an administrator’s token of a session that has ended opens nothing', async () => {
  const ann = await auth.ann()
  const token = auth.token({ ...claimsOf(ann.token), role: 'service_role' })
  const limited = await auth.with({ sessionsTimeboxSeconds: 3_600 })
  expect((await limited.get('/admin/users', { token })).status).toBe(200)
  await age(ann, { begun: 61 })
  expect(await limited.get('/admin/users', { token })).toMatchObject({
    status: 403,
    body: { error_code: 'session_expired', msg: 'Session is no longer valid' },
  })
})
