import { createHmac, createSign, generateKeyPairSync, randomUUID } from 'node:crypto'
import { signJwt } from '@favo/tokens'
import { sql } from '@favo/postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { claimsOf, startAuth, type Ann, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
let ann: Ann
beforeAll(async () => {
  auth = await startAuth()
  ann = await auth.ann()
})
afterAll(() => auth.close())

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const jwtError = 'invalid JWT: unable to parse or verify signature, '

describe('forged and stale tokens', () => {
  const forgeries: [string, () => string, string][] = [
    [
      'no algorithm',
      () => `${encode({ alg: 'none', typ: 'JWT' })}.${ann.token.split('.')[1]}.`,
      'token signature is invalid: signing method none is invalid',
    ],
    [
      '"None" and the old signature',
      () => `${encode({ alg: 'None' })}.${ann.token.split('.').slice(1).join('.')}`,
      'token signature is invalid: signing method None is invalid',
    ],
    [
      'another secret',
      () => signJwt(claimsOf(ann.token), 'another-secret'),
      'token signature is invalid: signature is invalid',
    ],
    [
      'an empty secret',
      () => signJwt(claimsOf(ann.token), ''),
      'token signature is invalid: signature is invalid',
    ],
    [
      'claims changed after signing',
      () => {
        const [h, , s] = ann.token.split('.')
        return `${h}.${encode({ ...claimsOf(ann.token), role: 'service_role' })}.${s}`
      },
      'token signature is invalid: signature is invalid',
    ],
    [
      'RS256 where the secret is symmetric',
      () => rs256(claimsOf(ann.token)),
      'token signature is invalid: signing method RS256 is invalid',
    ],
    [
      'HS512',
      () => hs512(claimsOf(ann.token)),
      'token signature is invalid: signing method HS512 is invalid',
    ],
    ['two parts', () => 'a.b', 'token is malformed: token contains an invalid number of segments'],
    [
      'a token past its time',
      () => auth.token({ ...claimsOf(ann.token), exp: 1_000 }),
      'token has invalid claims: token is expired',
    ],
    [
      'a token before its time',
      () => auth.token({ ...claimsOf(ann.token), nbf: 9_999_999_999 }),
      'token has invalid claims: token is not valid yet',
    ],
  ]
  test.each(forgeries)('%s: 403 bad_jwt', async (_name, forge, problem) => {
    const reply = await auth.get('/user', { token: forge() })
    expect(reply.status).toBe(403)
    expect(reply.body).toEqual({ code: 403, error_code: 'bad_jwt', msg: jwtError + problem })
  })

  function rs256(claims: object): string {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const input = `${encode({ alg: 'RS256', typ: 'JWT', kid: 'mine' })}.${encode(claims)}`
    return `${input}.${createSign('RSA-SHA256').update(input).sign(privateKey, 'base64url')}`
  }
  function hs512(claims: object): string {
    const input = `${encode({ alg: 'HS512', typ: 'JWT' })}.${encode(claims)}`
    return `${input}.${createHmac('sha512', auth.project.jwtSecret).update(input).digest('base64url')}`
  }
})

describe('tokens that are good and name nobody', () => {
  test.each([
    [{ role: 'authenticated' }, 403, 'bad_jwt', 'invalid claim: missing sub claim'],
    [{ sub: 'ann' }, 400, 'bad_jwt', 'invalid claim: sub claim must be a UUID'],
    [{ sub: randomUUID() }, 403, 'user_not_found', 'User from sub claim in JWT does not exist'],
  ])('%j is refused with %i %s', async (claims, status, code, msg) => {
    const reply = await auth.get('/user', { token: auth.token({ aud: 'authenticated', ...claims }) })
    expect(reply).toMatchObject({ status, body: { code: status, error_code: code, msg } })
  })

  test('a session_id that is none, or another user’s', async () => {
    const bob = await auth.ann()
    const garbled = auth.token({ ...claimsOf(ann.token), session_id: 'x' })
    expect((await auth.get('/user', { token: garbled })).body.msg).toBe(
      'invalid claim: session_id claim must be a UUID',
    )
    const foreign = auth.token({ ...claimsOf(ann.token), session_id: claimsOf(bob.token).session_id })
    expect((await auth.get('/user', { token: foreign })).body.error_code).toBe('session_not_found')
  })

  test('a token of a banned user stops working at once', async () => {
    const bob = await auth.ann()
    await auth.admin.run(sql`update auth.users set banned_until = 'infinity' where id = ${bob.id}`)
    expect((await auth.get('/user', { token: bob.token })).body).toMatchObject({
      code: 403,
      error_code: 'user_banned',
    })
  })
})

test('a token of another project is refused, even one that was given the same secret', async () => {
  const other = await startAuth()
  const bob = await other.ann()
  expect((await auth.get('/user', { token: bob.token })).body.error_code).toBe('bad_jwt')

  const twin = await startAuth({ project: { jwtSecret: auth.project.jwtSecret } })
  const eve = await twin.ann()
  expect((await auth.get('/user', { token: eve.token })).body.error_code).toBe('user_not_found')
  const list = await auth.get('/admin/users', { token: twin.keys.service })
  expect(list.body.error_code).toBe('bad_jwt')
})

test('without a bearer token, 401; with an API key in its place, no user', async () => {
  expect((await auth.get('/user')).body).toEqual({
    code: 401,
    error_code: 'no_authorization',
    msg: 'This endpoint requires a valid Bearer token',
  })
  expect((await auth.get('/user', { token: auth.keys.anon })).body).toMatchObject({
    code: 403,
    error_code: 'bad_jwt',
    msg: 'invalid claim: missing sub claim',
  })
  expect((await auth.get('/user', { headers: { authorization: 'Basic abc' } })).status).toBe(401)
})

test('an audience that the token is not for is refused', async () => {
  const reply = await auth.get('/user', { token: ann.token, headers: { 'x-jwt-aud': 'elsewhere' } })
  expect(reply).toMatchObject({
    status: 400,
    body: { msg: "Token audience doesn't match request audience" },
  })
})

describe('administration', () => {
  const askers: [string, () => string | undefined, number, string | undefined][] = [
    ['nobody', () => undefined, 401, 'no_authorization'],
    ['the anonymous key', () => auth.keys.anon, 403, 'not_admin'],
    ['a user', () => ann.token, 403, 'not_admin'],
    [
      'a user with the role in the metadata',
      () => auth.token({ sub: ann.id, user_metadata: { role: 'service_role' } }),
      403,
      'not_admin',
    ],
    ['the service key', () => auth.keys.service, 200, undefined],
    ['supabase_admin', () => auth.token({ role: 'supabase_admin' }), 200, undefined],
  ]
  test.each(askers)('by %s', async (_who, token, status, code) => {
    const reply = await auth.get('/admin/users', { token: token() })
    expect(reply.status).toBe(status)
    expect(reply.body.error_code).toBe(code)
  })

  test('an administrator who signed out is none any more', async () => {
    const boss = await auth.ann()
    const token = auth.token({ ...claimsOf(boss.token), role: 'supabase_admin' })
    expect((await auth.get('/admin/users', { token })).status).toBe(200)
    await auth.post('/logout', undefined, { token: boss.token })
    expect((await auth.get('/admin/users', { token })).body.error_code).toBe('session_not_found')
  })
})
