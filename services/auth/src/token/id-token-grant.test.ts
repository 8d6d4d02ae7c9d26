import { createHash, randomUUID } from 'node:crypto'
import { generateKeyPair, SignJWT, type CryptoKey } from 'jose'
import { expect, test } from 'vitest'
import { google, startSocial } from '../../test/social.ts'
import { claimsOf } from '../../test/start-auth.ts'

const person = () => ({ sub: randomUUID(), email: `${randomUUID()}@example.com`, email_verified: true })
const refusal = (error_description: string, error = 'invalid request') => ({
  status: 400,
  body: { error, error_description },
})

async function start(settings = {}) {
  const social = await startSocial({
    external: {
      google: {
        enabled: true,
        clientId: 'our-client',
        additionalClientIds: 'ios-app, android-app',
        ...settings,
      },
    },
  })
  const post = (id_token: string, more: object = {}, token?: string) =>
    social.auth.post('/token?grant_type=id_token', { provider: 'google', id_token, ...more }, { token })
  return { ...social, post }
}

test('a token for one of the project’s clients is a session', async () => {
  const { provider, post, auth } = await start()
  const ann = person()
  for (const aud of ['our-client', 'ios-app', ['other', 'android-app']]) {
    const { status, body } = await post(await provider.idToken({ ...ann, aud }))
    expect(status).toBe(200)
    expect(body.user).toMatchObject({ email: ann.email, identities: [{ provider: 'google', id: ann.sub }] })
    expect(claimsOf(body.access_token).amr).toMatchObject([{ method: 'oauth' }])
  }
  const { body } = await auth.get('/admin/users', { token: auth.keys.service })
  expect(body.users).toHaveLength(1)
})

test('the nonce of the token must be the hash of the one that was passed', async () => {
  const { provider, post } = await start()
  const hash = createHash('sha256').update('my-nonce').digest('hex')
  const token = await provider.idToken({ ...person(), aud: 'our-client', nonce: hash })
  expect((await post(token, { nonce: 'my-nonce' })).status).toBe(200)
  expect(await post(token, { nonce: 'another' })).toMatchObject(refusal('Nonces mismatch', 'invalid nonce'))
  expect(await post(token, { nonce: hash })).toMatchObject(refusal('Nonces mismatch', 'invalid nonce'))
  const both = 'Passed nonce and nonce in id_token should either both exist or not.'
  expect(await post(token)).toMatchObject(refusal(both))
  const plain = await provider.idToken({ ...person(), aud: 'our-client' })
  expect(await post(plain, { nonce: 'x' })).toMatchObject(refusal(both))
  const lenient = await start({ skipNonceCheck: true })
  const skipped = await lenient.provider.idToken({ ...person(), aud: 'our-client', nonce: hash })
  expect((await lenient.post(skipped)).status).toBe(200)
})

test('at_hash binds the token to the access token', async () => {
  const { provider, post } = await start()
  const at_hash = createHash('sha256').update('access').digest().subarray(0, 16).toString('base64url')
  const token = await provider.idToken({ ...person(), aud: 'our-client', at_hash })
  expect((await post(token, { access_token: 'access' })).status).toBe(200)
  expect(await post(token, { access_token: 'stolen' })).toMatchObject(refusal('Bad ID token'))
})

test('tokens of others are refused: audience, issuer, key, algorithm, time, form', async () => {
  const { provider, post } = await start()
  const ann = person()
  const claims = { ...ann, aud: 'our-client', iss: google }
  const sign = async (
    header: { alg: string; kid?: string },
    key: CryptoKey | Uint8Array,
    more: object = {},
  ) =>
    new SignJWT({ ...claims, ...more })
      .setProtectedHeader(header)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(key)
  const { privateKey: foreign } = await generateKeyPair('RS256')
  const jwks = await (await fetch(`${provider.url}/jwks`)).text()
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 300

  expect(await post(await provider.idToken({ ...claims, aud: 'another-client' }))).toMatchObject(
    refusal('Unacceptable audience in id_token: [another-client]'),
  )
  const bad = {
    issuer: await provider.idToken({ ...claims, iss: 'https://evil.test' }),
    'foreign key': await sign({ alg: 'RS256', kid: provider.keyId }, foreign),
    'unknown key': await sign({ alg: 'RS256', kid: 'unknown' }, foreign),
    'public key as secret': await sign({ alg: 'HS256', kid: provider.keyId }, Buffer.from(jwks)),
    none: `${part({ alg: 'none' })}.${part({ ...claims, exp })}.`,
    expired: await provider.idToken({ ...claims, exp: exp - 3_600 }),
    'no form': 'x.y.z',
    text: 'hello',
  }
  for (const [name, token] of Object.entries(bad))
    expect(await post(token), name).toMatchObject(refusal('Bad ID token'))
  expect(await post(await provider.idToken({ ...claims, sub: '' }))).toMatchObject(
    refusal('Missing sub claim in id_token'),
  )
})

test('what is missing is told', async () => {
  const { auth, post } = await start()
  expect(await post('')).toMatchObject(refusal('id_token required'))
  expect(await auth.post('/token?grant_type=id_token', { id_token: 'x' })).toMatchObject(
    refusal('provider or client_id and issuer required'),
  )
  const custom = await auth.post('/token?grant_type=id_token', { id_token: 'x', provider: 'mine' })
  expect(custom).toMatchObject({ status: 400, body: { msg: 'Custom OIDC provider "mine" not allowed' } })
  const off = await auth.post('/token?grant_type=id_token', { id_token: 'x', provider: 'kakao' })
  expect(off).toMatchObject({
    status: 400,
    body: {
      error_code: 'provider_disabled',
      msg: 'Provider (issuer "https://kauth.kakao.com") is not enabled',
    },
  })
  const apple = await auth.post('/token?grant_type=id_token', { id_token: 'x', provider: 'apple' })
  expect(apple.body.msg).toBe('Unable to detect issuer in ID token for Apple provider')
})

test('the provider’s keys are asked for once, not by every token', async () => {
  const { provider, post } = await start()
  for (let i = 0; i < 3; i++) await post(await provider.idToken({ ...person(), aud: 'our-client' }))
  for (let i = 0; i < 3; i++)
    await post(await provider.idToken({ ...person(), aud: 'our-client' }, { kid: `guess-${i}` }))
  expect(provider.requests).toEqual(['GET /.well-known/openid-configuration', 'GET /jwks'])
})

test('an id token links to the user who is signed in', async () => {
  const { auth, provider, post } = await start()
  const ann = await auth.ann()
  const token = await provider.idToken({ ...person(), aud: 'our-client' })
  expect(await post(token, { link_identity: true })).toMatchObject(
    refusal('Linking requires a valid user access token in Authorization'),
  )
  const { status, body } = await post(token, { link_identity: true }, ann.token)
  expect(status).toBe(200)
  expect(body.user.id).toBe(ann.id)
  expect(body.user.identities.map(({ provider: name }) => name)).toEqual(['email', 'google'])
})
