import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claimsOf, sessionIdOf, startAuth, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth()
})
afterAll(() => auth.close())

/** As if the token had been used that long ago. */
const age = (token: string, seconds: number) =>
  auth.admin.run(sql`
    update auth.refresh_tokens set updated_at = updated_at - make_interval(secs => ${seconds}) where token = ${token}
  `)

const tokensOf = (sessionId: string) =>
  auth.admin.many<{ token: string; revoked: boolean; parent: string | null }>(sql`
    select token, revoked, parent from auth.refresh_tokens where session_id = ${sessionId} order by id
  `)

test('a refresh token is changed for a new one of the same session, and revoked', async () => {
  const ann = await auth.ann()
  const reply = await auth.refresh(ann.refreshToken)
  expect(reply.status).toBe(200)
  expect(reply.body.user).toMatchObject({ id: ann.id, email: ann.email })
  const session = sessionIdOf(ann.token)
  expect(sessionIdOf(reply.body.access_token)).toBe(session)
  expect(claimsOf(reply.body.access_token).amr).toEqual(claimsOf(ann.token).amr)
  expect(await tokensOf(session)).toEqual([
    { token: ann.refreshToken, revoked: true, parent: null },
    { token: reply.body.refresh_token, revoked: false, parent: ann.refreshToken },
  ])
  const row = await auth.admin.one<{ is_recent: boolean }>(sql`
    select refreshed_at > (now() at time zone 'utc') - interval '1 minute' as is_recent
    from auth.sessions where id = ${session}
  `)
  expect(row.is_recent).toBe(true)
})

test('many refreshes of one token at once all get the same successor', async () => {
  const ann = await auth.ann()
  const replies = await Promise.all(Array.from({ length: 20 }, () => auth.refresh(ann.refreshToken)))
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]))
  expect(new Set(replies.map(({ body }) => body.refresh_token)).size).toBe(1)
  expect(await tokensOf(sessionIdOf(ann.token))).toHaveLength(2)
})

test('a client that never got its answer asks again, however late, and gets the same successor', async () => {
  const ann = await auth.ann()
  const first = await auth.refresh(ann.refreshToken)
  await age(ann.refreshToken, 3_600)
  const again = await auth.refresh(ann.refreshToken)
  expect(again).toMatchObject({ status: 200, body: { refresh_token: first.body.refresh_token } })
})

test('a token from two changes ago still works within the reuse interval', async () => {
  const ann = await auth.ann()
  const second = await auth.refresh(ann.refreshToken)
  await auth.refresh(second.body.refresh_token)
  const late = await auth.refresh(ann.refreshToken)
  expect(late.status).toBe(200)
})

test('a token replayed after the interval revokes the whole family, and the thief and the owner are out', async () => {
  const ann = await auth.ann()
  const second = await auth.refresh(ann.refreshToken)
  const third = await auth.refresh(second.body.refresh_token)
  await age(ann.refreshToken, 11)

  const replay = await auth.refresh(ann.refreshToken)
  expect(replay.status).toBe(400)
  expect(replay.body).toEqual({
    code: 400,
    error_code: 'refresh_token_already_used',
    msg: 'Invalid Refresh Token: Already Used',
  })
  const rows = await tokensOf(sessionIdOf(ann.token))
  expect(rows.every(({ revoked }) => revoked)).toBe(true)
  await age(third.body.refresh_token, 11)
  expect((await auth.refresh(third.body.refresh_token)).body.error_code).toBe('refresh_token_already_used')
})

test('a refresh shows what changed since: metadata, role, and who is banned', async () => {
  const ann = await auth.ann()
  await auth.admin.run(sql`
    update auth.users set raw_app_meta_data = raw_app_meta_data || '{"plan": "pro"}' where id = ${ann.id}
  `)
  const reply = await auth.refresh(ann.refreshToken)
  expect(claimsOf(reply.body.access_token).app_metadata).toMatchObject({ plan: 'pro' })

  await auth.admin.run(sql`update auth.users set banned_until = 'infinity' where id = ${ann.id}`)
  expect((await auth.refresh(reply.body.refresh_token)).body).toEqual({
    code: 400,
    error_code: 'user_banned',
    msg: 'Invalid Refresh Token: User Banned',
  })
})

test('a session past its end is not refreshed', async () => {
  const ann = await auth.ann()
  await auth.admin.run(
    sql`update auth.sessions set not_after = now() - interval '1 s' where user_id = ${ann.id}`,
  )
  expect((await auth.refresh(ann.refreshToken)).body).toMatchObject({
    error_code: 'session_expired',
    msg: 'Invalid Refresh Token: Session Expired',
  })
})

test.each([
  ['abc', 'validation_failed', 'Refresh token is not valid'],
  ['UPPERCASE123', 'validation_failed', 'Refresh token is not valid'],
  ["a' or 'a'='a", 'validation_failed', 'Refresh token is not valid'],
  ['aaaaaaaaaaaa', 'refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found'],
])('the refresh token %s is refused with %s', async (token, code, msg) => {
  const reply = await auth.refresh(token)
  expect(reply).toMatchObject({ status: 400, body: { code: 400, error_code: code, msg } })
})

test('a token from before there were sessions is refused and removed', async () => {
  const ann = await auth.ann()
  await auth.admin.run(sql`
    insert into auth.refresh_tokens (token, user_id, revoked) values ('oldoldoldold', ${ann.id}, false)
  `)
  expect((await auth.refresh('oldoldoldold')).body).toMatchObject({
    error_code: 'session_not_found',
    msg: 'Invalid Refresh Token: No Valid Session Found',
  })
  expect((await auth.refresh('oldoldoldold')).body.error_code).toBe('refresh_token_not_found')
})

test('refreshes and sign-outs of one session at once end without a deadlock', async () => {
  for (let round = 0; round < 5; round++) {
    const ann = await auth.ann()
    const [out, ...refreshes] = await Promise.all([
      auth.post('/logout', undefined, { token: ann.token }),
      ...Array.from({ length: 6 }, () => auth.refresh(ann.refreshToken)),
    ])
    expect(out.status).toBe(204)
    for (const { status } of refreshes) expect([200, 400]).toContain(status)
  }
})
