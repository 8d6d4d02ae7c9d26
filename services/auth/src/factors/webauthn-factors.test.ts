import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { challenge, enroll, type FactorBody } from '../../test/factors.ts'
import { SoftwareAuthenticator } from '../../test/software-authenticator.ts'
import { claimsOf, startAuth, type Ann, type Reply, type TestAuth } from '../../test/start-auth.ts'

const origin = 'https://app.example.com'
let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth({
    auth: {
      mfaWebAuthnEnrollEnabled: true,
      mfaWebAuthnVerifyEnabled: true,
      webAuthnRpId: 'example.com',
      webAuthnRpDisplayName: 'Example',
      webAuthnRpOrigins: [origin],
    },
  })
})
afterAll(() => auth.close())

interface Holder {
  readonly ann: Ann
  readonly id: string
  readonly key: SoftwareAuthenticator
}

async function start(key = new SoftwareAuthenticator(origin)): Promise<Holder> {
  const ann = await auth.ann()
  const { id } = await enroll(auth, ann.token, { factor_type: 'webauthn', friendly_name: 'key' })
  return { ann, id, key }
}

const verify = (token: string, id: string, challengeId: string, type: string, credential: unknown) =>
  auth.post(
    `/factors/${id}/verify`,
    { challenge_id: challengeId, webauthn: { type, rpId: 'evil.example', credential_response: credential } },
    { token },
  )

async function register({ ann, id, key }: Holder): Promise<Reply> {
  const asked = await challenge(auth, ann.token, id)
  return verify(ann.token, id, asked.id, 'create', key.create(asked.webauthn.credential_options.publicKey))
}

async function registered(): Promise<Holder & { token: string }> {
  const holder = await start()
  const { status, body } = await register(holder)
  expect(status).toBe(200)
  return { ...holder, token: body.access_token }
}

test('a key is made, kept and shown again, each time for the second level', async () => {
  const { ann, id, key } = await start()
  const asked = await challenge(auth, ann.token, id)
  expect(asked).toMatchObject({
    type: 'webauthn',
    webauthn: {
      type: 'create',
      credential_options: {
        publicKey: { rp: { id: 'example.com', name: 'Example' }, user: { name: ann.email } },
      },
    },
  })
  const credential = key.create(asked.webauthn.credential_options.publicKey)
  const made = await verify(ann.token, id, asked.id, 'create', credential)
  expect(made.status).toBe(200)
  expect(claimsOf(made.body.access_token)).toMatchObject({
    aal: 'aal2',
    amr: [{ method: 'mfa/webauthn' }, {}],
  })

  const again = await auth.signIn(ann.email, ann.password)
  const { access_token: token } = again.body
  const second = await challenge(auth, token, id)
  expect(second).toMatchObject({
    webauthn: {
      type: 'request',
      credential_options: { publicKey: { rpId: 'example.com', allowCredentials: [{ id: credential.id }] } },
    },
  })
  const shown = await verify(
    token,
    id,
    second.id,
    'request',
    key.get(second.webauthn.credential_options.publicKey),
  )
  expect(claimsOf(shown.body.access_token)).toMatchObject({ aal: 'aal2' })
})

test('what an authenticator signed once is worth nothing a second time', async () => {
  const { token, id, key } = await registered()
  const asked = await challenge(auth, token, id)
  const credential = key.get(asked.webauthn.credential_options.publicKey)
  expect((await verify(token, id, asked.id, 'request', credential)).status).toBe(200)
  expect(await verify(token, id, asked.id, 'request', credential)).toMatchObject({
    status: 422,
    body: { error_code: 'mfa_factor_not_found' },
  })
  const other = await challenge(auth, token, id)
  expect(await verify(token, id, other.id, 'request', credential)).toMatchObject({
    status: 500,
    body: { msg: 'Failed to validate WebAuthn MFA response' },
  })
})

test('a copied key shows itself by its count', async () => {
  const { token, id, key } = await registered()
  const use = async () => {
    const asked = await challenge(auth, token, id)
    return verify(token, id, asked.id, 'request', key.get(asked.webauthn.credential_options.publicKey))
  }
  expect((await use()).status).toBe(200)
  key.signCount = 0
  expect((await use()).status).toBe(500)
})

test('a verified factor’s key cannot be replaced by another one', async () => {
  const { ann, id } = await registered()
  const { body } = await auth.signIn(ann.email, ann.password)
  const asked = (await challenge(auth, body.access_token, id)) as FactorBody & {
    webauthn: { credential_options: { publicKey: { challenge: string } } }
  }
  const { challenge: text } = asked.webauthn.credential_options.publicKey
  const mine = new SoftwareAuthenticator(origin).create({
    challenge: text,
    rp: { id: 'example.com' },
    user: { id: Buffer.from(ann.id).toString('base64url'), name: ann.email },
  })
  expect(await verify(body.access_token, id, asked.id, 'create', mine)).toMatchObject({
    status: 400,
    body: { error_code: 'validation_failed', msg: 'Invalid credential_response' },
  })
})

test('somebody else’s key does not open', async () => {
  const [ann, bob] = [await registered(), await registered()]
  const asked = await challenge(auth, ann.token, ann.id)
  const credential = bob.key.get(asked.webauthn.credential_options.publicKey)
  expect((await verify(ann.token, ann.id, asked.id, 'request', credential)).status).toBe(500)
})

test.each([
  ['another site', (key: SoftwareAuthenticator) => void (key.origin = 'https://evil.example'), {}],
  ['another relying party', () => undefined, { rp: { id: 'evil.example' } }],
  ['another challenge', () => undefined, { challenge: Buffer.from('mine').toString('base64url') }],
  ['nobody present', (key: SoftwareAuthenticator) => void (key.isUserPresent = false), {}],
])('%s is refused', async (_name, prepare, changes) => {
  const { ann, id, key } = await start()
  prepare(key)
  const asked = await challenge(auth, ann.token, id)
  const options = { ...(asked.webauthn.credential_options.publicKey as object), ...changes } as never
  expect(await verify(ann.token, id, asked.id, 'create', key.create(options))).toMatchObject({
    status: 400,
    body: { error_code: 'validation_failed', msg: 'Invalid credential_response' },
  })
  const status = await auth.admin.one(sql`select status::text from auth.mfa_factors where id = ${id}`)
  expect(status).toEqual({ status: 'unverified' })
})

test.each([
  [{}, 'WebAuthn config required'],
  [{ webauthn: { type: 'steal' } }, 'WebAuthn type must be create or request'],
  [{ webauthn: { type: 'create' } }, 'credential_response required'],
  [{ webauthn: { type: 'create', credential_response: 'x' } }, 'Invalid credential_response'],
])('an answer of %j is refused', async (answer, msg) => {
  const { ann, id } = await start()
  const asked = await challenge(auth, ann.token, id)
  const reply = await auth.post(
    `/factors/${id}/verify`,
    { challenge_id: asked.id, ...answer },
    { token: ann.token },
  )
  expect(reply).toMatchObject({ status: 400, body: { error_code: 'validation_failed', msg } })
})

test('where it is off, nothing is asked and nothing is answered', async () => {
  const { ann, id } = await start()
  const strict = await auth.with({ mfaWebAuthnVerifyEnabled: false })
  const ask = (path: string) => strict.post(`/factors/${id}/${path}`, {}, { token: ann.token })
  expect((await ask('challenge')).body).toMatchObject({ error_code: 'mfa_webauthn_verify_not_enabled' })
  expect((await ask('verify')).body).toMatchObject({
    error_code: 'mfa_webauthn_enroll_not_enabled',
    msg: 'MFA verification is disabled for WebAuthn',
  })
})
