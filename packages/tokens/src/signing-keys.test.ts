import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { signJwt, signToken, verifyJwt, type TokenKeys } from './jwt.ts'
import {
  createSigningKey,
  importSigningKey,
  publicJwks,
  type SigningAlgorithm,
  type SigningKey,
  type SigningKeyStatus,
} from './signing-keys.ts'

const make = async (
  algorithm: SigningAlgorithm,
  status: SigningKeyStatus = 'in_use',
): Promise<SigningKey> => ({
  ...(await createSigningKey(algorithm)),
  status,
})
const keysOf = (...signingKeys: SigningKey[]): TokenKeys => ({ jwtSecret: 'the secret', signingKeys })
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const headerOf = (token: string): unknown =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
const claims = { sub: 'ann' }

test.each(['ES256', 'RS256', 'HS256'] as const)('%s signs and names its key', async (algorithm) => {
  const keys = keysOf(await make(algorithm))
  const token = signToken(claims, keys)
  expect(headerOf(token)).toEqual({ alg: algorithm, kid: keys.signingKeys?.[0]?.id, typ: 'JWT' })
  expect(verifyJwt(token, keys)).toEqual({ ok: true, claims })
})

test('only the key in use signs; tokens of the others stay good until they are revoked', async () => {
  const old = await make('ES256')
  const before = signToken(claims, keysOf(old))
  const next = await make('RS256')
  const after = keysOf({ ...old, status: 'previously_used' }, next)
  expect(headerOf(signToken(claims, after))).toMatchObject({ kid: next.id })
  expect(verifyJwt(before, after).ok).toBe(true)
  // Verified twice already, so this asks what is remembered as well.
  expect(verifyJwt(before, keysOf({ ...old, status: 'revoked' }, next)).ok).toBe(false)
  expect(verifyJwt(before, keysOf(next)).ok).toBe(false)
})

test('the secret stays good beside keys, and stops when it is revoked', async () => {
  const token = signJwt(claims, 'the secret')
  expect(verifyJwt(token, keysOf(await make('ES256'))).ok).toBe(true)
  expect(verifyJwt(token, { ...keysOf(await make('ES256')), isJwtSecretRevoked: true })).toEqual({
    ok: false,
    problem: { kind: 'signature' },
  })
})

describe('forgeries', async () => {
  const es = await make('ES256')
  const rs = await make('RS256')
  const keys = keysOf(es, { ...rs, status: 'previously_used' })
  const withHmac = (header: object, secret: string | Buffer) => {
    const input = `${encode(header)}.${encode(claims)}`
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  }
  const pem = (key: SigningKey) =>
    createPublicKey({ key: key.publicJwk ?? {}, format: 'jwk' }).export({ format: 'pem', type: 'spki' })
  const foreign = await make('ES256')
  const cases: [string, string][] = [
    ['a public key as secret', withHmac({ alg: 'HS256', kid: rs.id }, pem(rs))],
    ['a public key as secret, no kid', withHmac({ alg: 'HS256' }, pem(rs))],
    ['the JWK as secret', withHmac({ alg: 'HS256', kid: es.id }, JSON.stringify(es.publicJwk))],
    ['the secret under the kid of a key', withHmac({ alg: 'HS256', kid: es.id }, 'the secret')],
    ['no algorithm', `${encode({ alg: 'none', kid: es.id })}.${encode(claims)}.`],
    ['a key of another project', signToken(claims, keysOf(foreign))],
    ['a foreign key under our kid', signToken(claims, keysOf({ ...foreign, id: es.id }))],
    ['a kid that is none', withHmac({ alg: 'HS256', kid: { $ne: null } }, 'guess')],
    ['a key in the header', withHmac({ alg: 'HS256', jwk: { kty: 'oct', k: 'Zm9v' } }, 'foo')],
    [
      'the algorithm of another key',
      signToken(claims, keysOf(es)).replace(/^[^.]+/, encode({ alg: 'RS256', kid: es.id })),
    ],
    ['an empty signature', signToken(claims, keysOf(es)).replace(/[^.]+$/, '')],
    [
      'a signature of zeros',
      signToken(claims, keysOf(es)).replace(/[^.]+$/, Buffer.alloc(64).toString('base64url')),
    ],
  ]
  test.each(cases)('%s', (_name, token) => {
    expect(verifyJwt(token, keys).ok).toBe(false)
  })
})

test('the JWKS holds nothing private, nothing symmetric and nothing revoked', async () => {
  const keys = [
    await make('ES256'),
    await make('RS256', 'standby'),
    await make('HS256', 'standby'),
    await make('ES256', 'revoked'),
  ]
  const jwks = publicJwks(keys)
  expect(jwks.map(({ kid }) => kid)).toEqual([keys[0]?.id, keys[1]?.id])
  for (const jwk of jwks) {
    expect(jwk).toMatchObject({ use: 'sig', key_ops: ['verify'] })
    for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(jwk).not.toHaveProperty(name)
  }
})

test.each([
  ['a short secret', { kty: 'oct', k: 'Zm9v' }],
  ['a public key', generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })],
  ['another curve', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' })],
  [
    'a weak RSA key',
    generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' }),
  ],
  ['nonsense', { kty: 'EC', crv: 'P-256', d: 'x' }],
])('%s cannot be imported', (_name, jwk) => {
  expect(() => importSigningKey(jwk)).toThrow()
})
