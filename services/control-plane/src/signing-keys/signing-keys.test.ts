import { generateKeyPairSync, randomUUID } from 'node:crypto'
import type { CreatedProject, ErrorBody, SigningKeyList, SigningKeyView } from '@favo/contracts'
import { sql } from '@favo/postgres'
import type { Project } from '@favo/projects'
import { importSigningKey, signJwt, signToken, verifyJwt } from '@favo/tokens'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
})
afterAll(() => platform.close())

const newRef = async () =>
  (await control.request<CreatedProject>('POST', '/projects', { name: 'keys' })).body.ref
const pathOf = (ref: string, id = '') =>
  `/projects/${ref}/config/auth/signing-keys${id === '' ? '' : `/${id}`}`
const list = async (ref: string) => (await control.request<SigningKeyList>('GET', pathOf(ref))).body.keys
const create = async (ref: string, body: object) => {
  const reply = await control.request<SigningKeyView>('POST', pathOf(ref), body)
  expect(reply.status, JSON.stringify(reply.body)).toBe(201)
  return reply.body
}
const setStatus = (ref: string, id: string, status: string) =>
  control.request<SigningKeyView & ErrorBody>('PATCH', pathOf(ref, id), { status })
const load = async (ref: string): Promise<Project> => {
  const project = await control.controlPlane.directorySource.loadByRef(ref)
  if (project === null) throw new Error('no project')
  return project
}
const claims = { sub: 'ann' }

test('a project begins with its secret alone', async () => {
  const ref = await newRef()
  expect(await list(ref)).toEqual([])
  expect((await control.request('GET', pathOf(ref, 'legacy'))).status).toBe(404)
  const project = await load(ref)
  expect(project.signingKeys).toBeUndefined()
  expect(signToken(claims, project)).toBe(signJwt(claims, project.jwtSecret))
})

test('a key waits, signs, is replaced, and is taken back', async () => {
  const ref = await newRef()
  const made = await create(ref, { algorithm: 'ES256' })
  expect(made).toMatchObject({
    status: 'standby',
    algorithm: 'ES256',
    public_jwk: { kty: 'EC', crv: 'P-256', kid: made.id, alg: 'ES256', use: 'sig' },
  })
  const waiting = await load(ref)
  const old = signToken(claims, waiting)
  expect(old).toBe(signJwt(claims, waiting.jwtSecret))

  expect((await setStatus(ref, made.id, 'in_use')).status).toBe(200)
  expect((await list(ref)).map(({ algorithm, status }) => [algorithm, status])).toEqual([
    ['HS256', 'previously_used'],
    ['ES256', 'in_use'],
  ])
  const signing = await load(ref)
  const token = signToken(claims, signing)
  expect(verifyJwt(token, signing).ok && verifyJwt(old, signing).ok).toBe(true)

  const next = await create(ref, { algorithm: 'RS256', status: 'in_use' })
  const legacy = (await list(ref))[0]
  await setStatus(ref, legacy?.id ?? '', 'revoked')
  await setStatus(ref, made.id, 'revoked')
  const after = await load(ref)
  expect(after.isJwtSecretRevoked).toBe(true)
  expect(after.signingKeys?.map(({ id }) => id)).toEqual([next.id])
  expect(verifyJwt(token, after).ok || verifyJwt(old, after).ok).toBe(false)
  expect(verifyJwt(signToken(claims, after), after).ok).toBe(true)

  expect((await control.request('DELETE', pathOf(ref, made.id))).status).toBe(200)
  expect((await list(ref)).map(({ id }) => id)).toEqual([legacy?.id, next.id])
})

test('of rotations at once one key is in use', async () => {
  const ref = await newRef()
  await Promise.all([1, 2, 3].map(() => create(ref, { algorithm: 'ES256', status: 'in_use' })))
  expect((await list(ref)).map(({ status }) => status).sort()).toEqual([
    'in_use',
    'previously_used',
    'previously_used',
    'previously_used',
  ])
})

test('the secret can be named as a key', async () => {
  const ref = await newRef()
  const made = await control.request<SigningKeyView>('POST', pathOf(ref, 'legacy'))
  expect(made).toMatchObject({
    status: 201,
    body: { algorithm: 'HS256', status: 'in_use', public_jwk: null },
  })
  expect((await control.request('GET', pathOf(ref, 'legacy'))).body).toEqual(made.body)
  expect((await control.request('GET', pathOf(ref, made.body.id))).body).toEqual(made.body)
})

test('a key from elsewhere signs as one of ours, and under its name: what it signed there is good here', async () => {
  const ref = await newRef()
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...privateKey.export({ format: 'jwk' }), alg: 'HS256', kid: 'mine', key_ops: ['sign'] }
  const made = await create(ref, { algorithm: 'ES256', private_jwk: jwk, status: 'in_use' })
  expect(made.public_jwk).toMatchObject({ x: jwk.x, kid: 'mine', alg: 'ES256' })
  const project = await load(ref)
  expect(verifyJwt(signToken(claims, project), project).ok).toBe(true)
  const elsewhere = { ...importSigningKey(jwk), status: 'in_use' as const }
  const token = signToken(claims, { jwtSecret: '', signingKeys: [elsewhere] })
  expect(peekHeader(token)).toMatchObject({ kid: 'mine', alg: 'ES256' })
  expect(verifyJwt(token, project).ok).toBe(true)

  // A name that is a UUID is the key's id too; another project may have brought the same key; one project has it once.
  const kid = randomUUID()
  const [one, two] = [await newRef(), await newRef()]
  for (const at of [one, two])
    expect((await create(at, { algorithm: 'ES256', private_jwk: { ...jwk, kid } })).id).toBe(kid)
  expect((await setStatus(one, kid, 'in_use')).body.status).toBe('in_use')
  expect((await list(two)).find(({ id }) => id === kid)?.status).toBe('standby')
  expect((await control.request('DELETE', pathOf(two, kid))).status).toBe(409)
  expect(
    await control.request('POST', pathOf(two), { algorithm: 'ES256', private_jwk: { ...jwk, kid } }),
  ).toMatchObject({ status: 409, body: { code: 'signing_key_exists' } })
})

const peekHeader = (token: string): unknown =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())

test('private parts are shown to nobody, and are sealed for their project and key', async () => {
  const ref = await newRef()
  await create(ref, { algorithm: 'HS256' })
  await create(ref, { algorithm: 'ES256' })
  const shown = JSON.stringify(await list(ref))
  const stored = JSON.stringify(await platform.db.many(sql`select * from control.signing_keys`))
  for (const { privateJwk } of (await load(ref)).signingKeys ?? [])
    for (const secret of [privateJwk.d, privateJwk.k])
      if (secret !== undefined) {
        expect(shown).not.toContain(secret)
        expect(stored).not.toContain(secret)
        expect(JSON.stringify(control.logLines)).not.toContain(secret)
      }
  const [one, two] = (await list(ref)).slice(1)
  await platform.db.run(sql`
    update control.signing_keys set sealed = (select sealed from control.signing_keys where id = ${one?.id ?? ''}::uuid)
    where id = ${two?.id ?? ''}::uuid`)
  await expect(load(ref)).rejects.toThrow('unreadable secret')
})

test.each([
  [{ algorithm: 'none' }, 422],
  [{ algorithm: 'EdDSA' }, 422],
  [{ algorithm: 'ES256', status: 'revoked' }, 422],
  [{ algorithm: 'ES256', private_jwk: { kty: 'EC', crv: 'P-256', d: 'x' } }, 422],
  [{ algorithm: 'RS256', private_jwk: { kty: 'oct', k: 'a'.repeat(64) } }, 422],
  [{ algorithm: 'HS256', private_jwk: { kty: 'oct', k: 'Zm9v' } }, 422],
  [{ algorithm: 'HS256', private_jwk: { kty: 'oct', k: 'a'.repeat(64), kid: 'two words' } }, 422],
  [{ algorithm: 'HS256', private_jwk: { kty: 'oct', k: 'a'.repeat(64), kid: 7 } }, 422],
  [{ algorithm: 'HS256', private_jwk: { kty: 'oct', k: 'a'.repeat(64), kid: 'x'.repeat(256) } }, 422],
])('a key of %j is refused', async (body, status) => {
  const ref = await newRef()
  expect((await control.request('POST', pathOf(ref), body)).status).toBe(status)
  expect(await list(ref)).toEqual([])
})

test.each([
  ['in_use', 'revoked'],
  ['in_use', 'standby'],
  ['standby', 'previously_used'],
  ['revoked', 'in_use'],
  ['revoked', 'previously_used'],
])('a key that is %s does not become %s', async (from, to) => {
  const ref = await newRef()
  const made = await create(ref, { algorithm: 'ES256', status: from === 'in_use' ? 'in_use' : 'standby' })
  if (from === 'revoked') await setStatus(ref, made.id, 'revoked')
  expect(await setStatus(ref, made.id, to)).toMatchObject({
    status: 409,
    body: { code: 'signing_key_status' },
  })
})

test('keys of another project, unknown and undeletable ones', async () => {
  const [ref, other] = [await newRef(), await newRef()]
  const made = await create(ref, { algorithm: 'ES256' })
  for (const id of [made.id, 'x'])
    expect(await setStatus(other, id, 'in_use')).toMatchObject({
      status: 404,
      body: { code: 'signing_key_not_found' },
    })
  expect((await control.request('DELETE', pathOf(other, made.id))).status).toBe(404)
  expect((await control.request('DELETE', pathOf(ref, made.id))).status).toBe(409)
  expect((await control.request('GET', '/projects/nobody/config/auth/signing-keys')).status).toBe(404)
})
