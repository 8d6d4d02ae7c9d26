import { createSigningKey, signToken, verifyJwt, type SigningAlgorithm, type SigningKey } from '@favo/tokens'
import { createPublicKey, verify } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { claimsOf, startAuth, type TestAuth } from '../test/start-auth.ts'

const make = async (
  algorithm: SigningAlgorithm,
  status: SigningKey['status'] = 'in_use',
): Promise<SigningKey> => ({
  ...(await createSigningKey(algorithm)),
  status,
})
let base: TestAuth
beforeAll(async () => {
  base = await startAuth()
})
afterAll(() => base.close())
const withKeys = (...signingKeys: SigningKey[]) => base.with({}, { signingKeys })

interface Jwks {
  readonly keys: { kid: string; kty: string; alg: string }[]
}
const jwksOf = async (auth: TestAuth) => {
  const reply = await fetch(`${auth.url}/.well-known/jwks.json`)
  expect(reply.headers.get('cache-control')).toBe('public, max-age=600')
  return (await reply.json()) as Jwks
}

describe.each(['ES256', 'RS256'] as const)('%s', (algorithm) => {
  test('tokens name their key, anybody can verify them by the JWKS, and the service accepts them', async () => {
    const key = await make(algorithm)
    const auth = await withKeys(key)
    const { token } = await auth.ann()
    const [head = '', payload = '', signature = ''] = token.split('.')
    expect(JSON.parse(Buffer.from(head, 'base64url').toString())).toEqual({
      alg: algorithm,
      kid: key.id,
      typ: 'JWT',
    })
    const jwk = (await jwksOf(auth)).keys.find(({ kid }) => kid === key.id)
    const publicKey = createPublicKey({ key: { ...jwk }, format: 'jwk' })
    const bytes = Buffer.from(signature, 'base64url')
    const input = Buffer.from(`${head}.${payload}`)
    expect(verify('sha256', input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes)).toBe(true)
    expect((await auth.get('/user', { token })).status).toBe(200)
  })

  test('after a rotation sessions go on, with tokens of the new key', async () => {
    const [old, next] = [await make(algorithm), await make('ES256')]
    const before = await withKeys(old)
    const ann = await before.ann()
    const after = await withKeys({ ...old, status: 'previously_used' }, next)
    expect((await after.get('/user', { token: ann.token })).status).toBe(200)
    const { body } = await after.refresh(ann.refreshToken)
    expect(verifyJwt(body.access_token, { jwtSecret: 'none', signingKeys: [next] }).ok).toBe(true)
    expect((await jwksOf(after)).keys.map(({ kid }) => kid)).toEqual([old.id, next.id])

    const revoked = await withKeys({ ...old, status: 'revoked' }, next)
    expect(await revoked.get('/user', { token: ann.token })).toMatchObject({
      status: 403,
      body: { error_code: 'bad_jwt' },
    })
  })
})

test('a project without keys, and one with symmetric keys, tells none', async () => {
  expect(await jwksOf(base)).toEqual({ keys: [] })
  expect(await jwksOf(await withKeys(await make('HS256')))).toEqual({ keys: [] })
})

test('the secret is good until it is revoked, for users’ tokens and the service key', async () => {
  const ann = await base.ann()
  const both = await withKeys(await make('ES256'))
  expect((await both.get('/user', { token: ann.token })).status).toBe(200)
  const revoked = await base.with({}, { signingKeys: [await make('ES256')], isJwtSecretRevoked: true })
  expect((await revoked.get('/user', { token: ann.token })).status).toBe(403)
  const forged = revoked.token({ ...claimsOf(ann.token), role: 'service_role' })
  expect((await revoked.get('/admin/users', { token: forged })).status).toBe(403)
})

test('keys of another project open nothing, whatever they call themselves', async () => {
  const key = await make('ES256')
  const auth = await withKeys(key)
  const ann = await auth.ann()
  const claims = { ...claimsOf(ann.token), role: 'service_role' }
  for (const id of [key.id, 'other']) {
    const token = signToken(claims, { jwtSecret: 'x', signingKeys: [{ ...(await make('ES256')), id }] })
    for (const path of ['/user', '/admin/users'])
      expect(await auth.get(path, { token })).toMatchObject({ status: 403, body: { error_code: 'bad_jwt' } })
  }
})
