import { sql } from '@favo/postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withTotp } from '../../test/factors.ts'
import {
  SoftwareAuthenticator,
  type CreationOptions,
  type RequestOptions,
} from '../../test/software-authenticator.ts'
import { claimsOf, startAuth, type Ann, type Body, type Reply, type TestAuth } from '../../test/start-auth.ts'

const origin = 'http://localhost:5173'
const settings = { passkeyEnabled: true, webAuthnRpId: 'localhost', webAuthnRpOrigins: [origin] }
let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth({ auth: settings })
})
afterAll(() => auth.close())

interface Offer<Options> extends Body {
  readonly challenge_id: string
  readonly expires_at: number
  readonly options: Options
}

const newKey = () => new SoftwareAuthenticator(origin)
const ask = async <Options>(path: string, token?: string): Promise<Offer<Options>> => {
  const { status, body } = await auth.post(path, {}, { token })
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body as Offer<Options>
}
const askRegistration = (token: string) => ask<CreationOptions>('/passkeys/registration/options', token)
const askSignIn = () => ask<RequestOptions>('/passkeys/authentication/options')
const register = async (token: string, key: SoftwareAuthenticator): Promise<Reply> => {
  const offer = await askRegistration(token)
  return auth.post(
    '/passkeys/registration/verify',
    { challenge_id: offer.challenge_id, credential: key.create(offer.options) },
    { token },
  )
}
const answer = (challengeId: string, credential: unknown) =>
  auth.post('/passkeys/authentication/verify', { challenge_id: challengeId, credential })
const signIn = async (key: SoftwareAuthenticator): Promise<Reply> => {
  const offer = await askSignIn()
  return answer(offer.challenge_id, key.get(offer.options))
}
async function holder(): Promise<{ ann: Ann; key: SoftwareAuthenticator; id: string }> {
  const [ann, key] = [await auth.ann(), newKey()]
  const { status, body } = await register(ann.token, key)
  if (status !== 200) throw new Error(JSON.stringify(body))
  return { ann, key, id: body.id }
}

test('who registered a passkey signs in with nothing else', async () => {
  const [ann, key] = [await auth.ann({ name: 'Ann' }), newKey()]
  const offer = await askRegistration(ann.token)
  expect(offer.options).toMatchObject({
    rp: { id: 'localhost' },
    user: { id: Buffer.from(ann.id).toString('base64url'), name: ann.email, displayName: 'Ann' },
    authenticatorSelection: { residentKey: 'required', userVerification: 'preferred' },
    attestation: 'none',
  })
  expect(offer.expires_at).toBeGreaterThan(Date.now() / 1000 + 290)
  const made = await auth.post(
    '/passkeys/registration/verify',
    { challenge_id: offer.challenge_id, credential: key.create(offer.options) },
    { token: ann.token },
  )
  expect(made).toMatchObject({ status: 200, body: { friendly_name: 'Passkey' } })

  const reply = await signIn(key)
  expect(reply).toMatchObject({ status: 200, body: { user: { id: ann.id } } })
  expect(claimsOf(reply.body.access_token)).toMatchObject({
    sub: ann.id,
    aal: 'aal1',
    amr: [{ method: 'passkey' }],
  })
  expect((await auth.refresh(reply.body.refresh_token)).status).toBe(200)
})

test('the offer to sign in says nothing of anybody', async () => {
  await holder()
  const offer = await askSignIn()
  expect(offer.options).toMatchObject({ rpId: 'localhost', userVerification: 'preferred' })
  expect(offer.options).not.toHaveProperty('allowCredentials')
})

test('passkeys are listed, renamed and removed by their owner', async () => {
  const { ann, key, id } = await holder()
  await signIn(key)
  const ask = { token: ann.token }
  const renamed = await auth.send('PATCH', `/passkeys/${id}`, { friendly_name: 'laptop' }, ask)
  expect(renamed).toMatchObject({ status: 200, body: { id, friendly_name: 'laptop' } })
  expect((await auth.get('/passkeys', ask)).body).toEqual([
    {
      id,
      friendly_name: 'laptop',
      created_at: expect.any(String) as string,
      last_used_at: expect.any(String) as string,
    },
  ])
  expect((await auth.delete(`/passkeys/${id}`, undefined, ask)).status).toBe(204)
  expect((await auth.get('/passkeys', ask)).body).toEqual([])
  expect(await signIn(key)).toMatchObject({
    status: 400,
    body: { error_code: 'webauthn_verification_failed', msg: 'Credential verification failed' },
  })
})

test('the service key lists and removes passkeys of a user, his own token does not', async () => {
  const { ann, id } = await holder()
  const path = `/admin/users/${ann.id}/passkeys`
  expect((await auth.get(path, { token: ann.token })).status).toBe(403)
  const ask = { token: auth.keys.service }
  expect((await auth.get(path, ask)).body).toMatchObject([{ id }])
  expect((await auth.delete(`${path}/${id}`, undefined, ask)).status).toBe(204)
  expect(await auth.delete(`${path}/${id}`, undefined, ask)).toMatchObject({
    status: 404,
    body: { msg: 'Passkey not found' },
  })
})

describe('attacks', () => {
  test('an answer is good once, however many bring it at once', async () => {
    const { key } = await holder()
    const offer = await askSignIn()
    const credential = key.get(offer.options)
    const bring = () => answer(offer.challenge_id, credential)
    const replies = [...(await Promise.all([bring(), bring(), bring()])), await bring()]
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400])
  })

  test('a wrong answer uses the challenge up', async () => {
    const { key } = await holder()
    const offer = await askSignIn()
    expect((await answer(offer.challenge_id, newAssertion(offer.options))).status).toBe(400)
    expect(await answer(offer.challenge_id, key.get(offer.options))).toMatchObject({
      body: { error_code: 'webauthn_challenge_not_found' },
    })
  })

  test('an answer to another challenge is none', async () => {
    const { key } = await holder()
    const [one, two] = [await askSignIn(), await askSignIn()]
    expect(await answer(one.challenge_id, key.get(two.options))).toMatchObject({
      status: 400,
      body: { error_code: 'webauthn_verification_failed' },
    })
  })

  test('my key under your name opens neither account', async () => {
    const [ann, bob] = [await holder(), await holder()]
    const offer = await askSignIn()
    const credential = bob.key.get(offer.options) as { response: object }
    const forged = {
      ...credential,
      response: { ...credential.response, userHandle: Buffer.from(ann.ann.id).toString('base64url') },
    }
    expect((await answer(offer.challenge_id, forged)).status).toBe(400)
  })

  test('an offer to register is good for whom it was made', async () => {
    const [ann, bob] = [await auth.ann(), await auth.ann()]
    const offer = await askRegistration(ann.token)
    const body = { challenge_id: offer.challenge_id, credential: newKey().create(offer.options) }
    expect(await auth.post('/passkeys/registration/verify', body, { token: bob.token })).toMatchObject({
      status: 400,
      body: { error_code: 'webauthn_challenge_not_found' },
    })
    expect((await answer(offer.challenge_id, body.credential)).body).toMatchObject({
      error_code: 'webauthn_challenge_not_found',
    })
  })

  test.each([
    ['another site', (key: SoftwareAuthenticator) => void (key.origin = 'https://evil.example')],
    ['nobody present', (key: SoftwareAuthenticator) => void (key.isUserPresent = false)],
    ['a count that went back', (key: SoftwareAuthenticator) => void (key.signCount = -1)],
  ])('%s is refused', async (_name, meddle) => {
    const { key } = await holder()
    await signIn(key)
    await signIn(key)
    meddle(key)
    expect((await signIn(key)).body).toMatchObject({ error_code: 'webauthn_verification_failed' })
  })

  test('a credential of somebody else cannot be registered again', async () => {
    const { key } = await holder()
    const bob = await auth.ann()
    const offer = await askRegistration(bob.token)
    const fresh = key.create(offer.options)
    const body = { challenge_id: offer.challenge_id, credential: fresh }
    await auth.post('/passkeys/registration/verify', body, { token: bob.token })
    const eve = await auth.ann()
    await auth.admin.run(sql`
      create function public.same() returns trigger language plpgsql as
      $$ begin new.credential_id := (select credential_id from auth.webauthn_credentials limit 1); return new; end $$
    `)
    await auth.admin.run(sql`
      create trigger same before insert on auth.webauthn_credentials for each row execute function public.same()
    `)
    const reply = await register(eve.token, newKey())
    await auth.admin.run(sql`drop trigger same on auth.webauthn_credentials`)
    expect(reply).toMatchObject({
      status: 422,
      body: { error_code: 'webauthn_credential_exists', msg: 'This credential is already registered' },
    })
  })

  function newAssertion(options: RequestOptions) {
    const key = newKey()
    key.create({ challenge: '', rp: { id: 'localhost' }, user: { id: '', name: '' } })
    return key.get(options)
  }
})

describe('refusals', () => {
  const nowhere = '00000000-0000-4000-8000-000000000000'
  const challengeOf = async (type: 'registration' | 'authentication', token?: string) =>
    (await ask<never>(`/passkeys/${type}/options`, token)).challenge_id
  const cases: [string, unknown, string, string][] = [
    ['no challenge', { credential: {} }, 'validation_failed', 'challenge_id is required'],
    ['no credential', { challenge_id: nowhere }, 'validation_failed', 'credential is required'],
    [
      'a challenge that is no id',
      { challenge_id: 'x', credential: {} },
      'validation_failed',
      'challenge_id must be a valid UUID',
    ],
    [
      'an unknown challenge',
      { challenge_id: nowhere, credential: {} },
      'webauthn_challenge_not_found',
      'Challenge not found or already used',
    ],
  ]
  test.each(cases)('%s', async (_name, body, error_code, msg) => {
    const ann = await auth.ann()
    for (const type of ['registration', 'authentication'])
      expect(await auth.post(`/passkeys/${type}/verify`, body, { token: ann.token })).toMatchObject({
        status: 400,
        body: { error_code, msg },
      })
  })

  test.each(['registration', 'authentication'] as const)(
    '%s: not a credential, and too late',
    async (type) => {
      const ann = await auth.ann()
      const verify = (challenge_id: string, credential: object) =>
        auth.post(`/passkeys/${type}/verify`, { challenge_id, credential }, { token: ann.token })
      expect(await verify(await challengeOf(type, ann.token), { id: 'x' })).toMatchObject({
        status: 400,
        body: { error_code: 'webauthn_verification_failed', msg: 'Invalid credential response' },
      })
      const late = await challengeOf(type, ann.token)
      await auth.admin.run(
        sql`update auth.webauthn_challenges set expires_at = now() - interval '1 second' where id = ${late}`,
      )
      expect(await verify(late, {})).toMatchObject({
        status: 400,
        body: { error_code: 'webauthn_challenge_expired', msg: 'Challenge has expired' },
      })
    },
  )

  test('where passkeys are off there are none', async () => {
    const off = await auth.with({ passkeyEnabled: false })
    const ann = await auth.ann()
    for (const path of ['authentication', 'registration'])
      expect(await off.post(`/passkeys/${path}/options`, {}, { token: ann.token })).toMatchObject({
        status: 404,
        body: { error_code: 'passkey_disabled', msg: 'Passkeys are disabled' },
      })
    expect((await off.get('/settings')).body).toMatchObject({ passkeys_enabled: false })
    expect((await auth.get('/settings')).body).toMatchObject({ passkeys_enabled: true })
  })

  test('who has a second factor shows it before passkeys are made or removed', async () => {
    const ann = await withTotp(auth)
    const { body } = await auth.signIn(ann.email, ann.password)
    const first = { token: body.access_token }
    const refusal = {
      status: 403,
      body: {
        error_code: 'insufficient_aal',
        msg: 'AAL2 session is required to manage passkeys when MFA is enabled',
      },
    }
    expect(await auth.post('/passkeys/registration/options', {}, first)).toMatchObject(refusal)
    expect(await auth.delete(`/passkeys/${nowhere}`, undefined, first)).toMatchObject(refusal)
    expect((await register(ann.token, newKey())).status).toBe(200)
  })

  test('ten are enough', async () => {
    const ann = await auth.ann()
    const late = await askRegistration(ann.token)
    for (let count = 0; count < 10; count += 1) expect((await register(ann.token, newKey())).status).toBe(200)
    const refusal = {
      status: 422,
      body: { error_code: 'too_many_passkeys', msg: 'Maximum number of passkeys reached' },
    }
    expect(await auth.post('/passkeys/registration/options', {}, { token: ann.token })).toMatchObject(refusal)
    const body = { challenge_id: late.challenge_id, credential: newKey().create(late.options) }
    expect(await auth.post('/passkeys/registration/verify', body, { token: ann.token })).toMatchObject(
      refusal,
    )
  })

  test.each([
    ['email_confirmed_at = null', 'email_not_confirmed', 'Email not confirmed'],
    [`phone = '15550009999'`, 'phone_not_confirmed', 'Phone not confirmed'],
    [`banned_until = now() + interval '1 hour'`, 'user_banned', 'User is banned'],
  ])('a user with %s does not come in', async (change, error_code, msg) => {
    const { ann, key } = await holder()
    await auth.admin.run(sql`update auth.users set ${sql.trusted(change)} where id = ${ann.id}`)
    expect(await signIn(key)).toMatchObject({ status: 403, body: { error_code, msg } })
  })

  test.each([
    ['', 400, 'friendly_name is required'],
    ['x'.repeat(121), 400, 'friendly_name must be 120 characters or less'],
    ['mine', 404, 'Passkey not found'],
  ])('renaming somebody else’s to "%s"', async (friendly_name, status, msg) => {
    const { id } = await holder()
    const bob = await auth.ann()
    const reply = await auth.send('PATCH', `/passkeys/${id}`, { friendly_name }, { token: bob.token })
    expect(reply).toMatchObject({ status, body: { error_code: 'validation_failed', msg } })
    expect((await auth.delete(`/passkeys/${id}`, undefined, { token: bob.token })).status).toBe(404)
  })

  test('users of single sign-on and anonymous ones have none', async () => {
    const ann = await auth.ann()
    await auth.admin.run(sql`update auth.users set is_sso_user = true where id = ${ann.id}`)
    expect(await auth.post('/passkeys/registration/options', {}, { token: ann.token })).toMatchObject({
      status: 422,
      body: { msg: 'SSO users cannot register passkeys' },
    })
    const open = await auth.with({ anonymousUsersEnabled: true })
    const { body } = await open.post('/signup', {})
    expect(await open.post('/passkeys/registration/options', {}, { token: body.access_token })).toMatchObject(
      {
        status: 403,
        body: { msg: 'Anonymous user not allowed to perform these actions' },
      },
    )
  })
})
