import { randomUUID } from 'node:crypto'
import { sql } from '@favo/postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { challenge, codeOf, enroll, withTotp, type FactorBody } from '../../test/factors.ts'
import { claimsOf, sessionIdOf, startAuth, type Ann, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth()
})
afterAll(() => auth.close())

const totp = { factor_type: 'totp', friendly_name: 'phone' }
const factorsOf = async (token: string) =>
  (await auth.get('/user', { token })).body as unknown as { factors?: FactorBody[] }

describe('enrolling', () => {
  test('gives a secret, its address and a picture that auth-js can show', async () => {
    const ann = await auth.ann()
    const { body, status } = await auth.post('/factors', { ...totp, issuer: 'Acme' }, { token: ann.token })
    expect(status).toBe(200)
    const { totp: key } = body as FactorBody
    expect(body).toMatchObject({ type: 'totp', friendly_name: 'phone' })
    expect(key.secret).toMatch(/^[A-Z2-7]{32}$/)
    const uri = new URL(key.uri)
    expect(uri.protocol + uri.host).toBe('otpauth:totp')
    expect(decodeURIComponent(uri.pathname)).toBe(`/Acme:${ann.email}`)
    expect(Object.fromEntries(uri.searchParams)).toMatchObject({
      issuer: 'Acme',
      secret: key.secret,
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    })
    expect(key.qr_code).toMatch(/^<\?xml.*<svg/s)
    // It stands behind `data:image/svg+xml;utf-8,` as it is.
    expect(key.qr_code).not.toContain('#')
  })

  test('the site is the issuer unless somebody says otherwise', async () => {
    const ann = await auth.ann()
    const { totp: key } = await enroll(auth, ann.token, totp)
    expect(new URL(key.uri).searchParams.get('issuer')).toBe('localhost:3000')
  })

  test('shows the factor in the user, never its secret', async () => {
    const ann = await auth.ann()
    const { id, totp: key } = await enroll(auth, ann.token, totp)
    const user = await factorsOf(ann.token)
    expect(user.factors).toEqual([
      expect.objectContaining({ id, status: 'unverified', factor_type: 'totp', friendly_name: 'phone' }),
    ])
    expect(JSON.stringify(user)).not.toContain(key.secret)
  })

  test('two at once cannot both be the last that is allowed', async () => {
    const strict = await auth.with({ mfaMaxEnrolledFactors: 1 })
    const ann = await auth.ann()
    const replies = await Promise.all(
      ['a', 'b', 'c'].map((friendly_name) =>
        strict.post('/factors', { ...totp, friendly_name }, { token: ann.token }),
      ),
    )
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 422, 422])
    expect(replies.find(({ status }) => status === 422)?.body).toMatchObject({
      error_code: 'too_many_enrolled_mfa_factors',
      msg: 'Maximum number of verified factors reached, unenroll to continue',
    })
  })

  test('an enrollment that nobody went on with makes room after five minutes', async () => {
    const ann = await auth.ann()
    const { id } = await enroll(auth, ann.token, totp)
    await auth.admin.run(
      sql`update auth.mfa_factors set created_at = now() - interval '6 minutes' where id = ${id}`,
    )
    await enroll(auth, ann.token, totp)
    expect((await factorsOf(ann.token)).factors).toHaveLength(1)
  })
})

describe('verifying', () => {
  test('the right code puts the session on its second level and verifies the factor', async () => {
    const ann = await withTotp(auth)
    expect(claimsOf(ann.first.token)).toMatchObject({ aal: 'aal1', amr: [{ method: 'password' }] })
    expect(claimsOf(ann.token)).toMatchObject({
      aal: 'aal2',
      session_id: sessionIdOf(ann.first.token),
      amr: [{ method: 'totp' }, { method: 'password' }],
    })
    expect((await factorsOf(ann.token)).factors).toEqual([
      expect.objectContaining({ id: ann.factorId, status: 'verified' }),
    ])
    const refreshed = await auth.refresh(ann.refreshToken)
    expect(claimsOf(refreshed.body.access_token)).toMatchObject({ aal: 'aal2' })
  })

  test('refresh tokens of before the second level are worth nothing', async () => {
    const ann = await withTotp(auth)
    expect(await auth.refresh(ann.first.refreshToken)).toMatchObject({
      status: 400,
      body: { error_code: 'refresh_token_not_found' },
    })
    // And whoever tried it has not signed her out.
    expect((await auth.refresh(ann.refreshToken)).status).toBe(200)
  })

  test('the user’s other sessions end, nobody else’s do', async () => {
    const [ann, bob] = [await auth.ann(), await auth.ann()]
    const other = await auth.signIn(ann.email, ann.password)
    const { id, totp: key } = await enroll(auth, ann.token, totp)
    const asked = await challenge(auth, ann.token, id)
    const answer = { challenge_id: asked.id, code: codeOf(key.secret) }
    expect((await auth.post(`/factors/${id}/verify`, answer, { token: ann.token })).status).toBe(200)
    expect(await auth.get('/user', { token: other.body.access_token })).toMatchObject({
      status: 403,
      body: { error_code: 'session_not_found' },
    })
    expect((await auth.get('/user', { token: bob.token })).status).toBe(200)
  })

  test('half a minute early or late is on time, more is not', async () => {
    const ann = await withTotp(auth)
    const statuses = []
    for (const shift of [-1, 1, -3, 3]) {
      const asked = await challenge(auth, ann.token, ann.factorId)
      const answer = { challenge_id: asked.id, code: codeOf(ann.secret, shift) }
      statuses.push((await auth.post(`/factors/${ann.factorId}/verify`, answer, { token: ann.token })).status)
    }
    expect(statuses).toEqual([200, 200, 422, 422])
  })

  test('one challenge is met once, however many answer it at once', async () => {
    const ann = await withTotp(auth)
    const asked = await challenge(auth, ann.token, ann.factorId)
    const answer = { challenge_id: asked.id, code: codeOf(ann.secret) }
    const verify = () => auth.post(`/factors/${ann.factorId}/verify`, answer, { token: ann.token })
    const replies = [...(await Promise.all([verify(), verify(), verify()])), await verify()]
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 422, 422, 422])
    expect(replies.find(({ status }) => status === 422)?.body).toMatchObject({
      error_code: 'mfa_ip_address_mismatch',
      msg: 'Challenge and verify IP addresses mismatch.',
    })
  })

  test('after ten wrong codes the right one is none either', async () => {
    const ann = await withTotp(auth)
    const asked = await challenge(auth, ann.token, ann.factorId)
    const verify = (code: string) =>
      auth.post(`/factors/${ann.factorId}/verify`, { challenge_id: asked.id, code }, { token: ann.token })
    const wrong = codeOf(ann.secret, 100)
    for (let tried = 0; tried < 10; tried += 1) await verify(wrong)
    expect(await verify(codeOf(ann.secret))).toMatchObject({
      status: 429,
      body: { error_code: 'over_request_rate_limit' },
    })
  })

  test('enrollments of the same kind that were not verified go', async () => {
    const ann = await auth.ann()
    await enroll(auth, ann.token, { ...totp, friendly_name: 'lost' })
    const { id, totp: key } = await enroll(auth, ann.token, totp)
    const asked = await challenge(auth, ann.token, id)
    const answer = { challenge_id: asked.id, code: codeOf(key.secret) }
    const { body } = await auth.post(`/factors/${id}/verify`, answer, { token: ann.token })
    expect((body.user as unknown as { factors: FactorBody[] }).factors.map((factor) => factor.id)).toEqual([
      id,
    ])
  })
})

describe('unenrolling', () => {
  test('a verified factor takes the second level along, of every session that owes it', async () => {
    const ann = await withTotp(auth)
    const reply = await auth.delete(`/factors/${ann.factorId}`, undefined, { token: ann.token })
    expect(reply).toMatchObject({ status: 200, body: { id: ann.factorId } })
    const refreshed = await auth.refresh(ann.refreshToken)
    expect(claimsOf(refreshed.body.access_token)).toMatchObject({
      aal: 'aal1',
      amr: [{ method: 'password' }],
    })
  })

  test('an unverified one needs no second level', async () => {
    const ann = await auth.ann()
    const { id } = await enroll(auth, ann.token, totp)
    expect((await auth.delete(`/factors/${id}`, undefined, { token: ann.token })).status).toBe(200)
    expect(await factorsOf(ann.token)).not.toHaveProperty('factors')
  })
})

describe('the service key', () => {
  test('lists, renames and removes factors of a user', async () => {
    const ann = await withTotp(auth)
    const token = auth.keys.service
    const path = `/admin/users/${ann.id}/factors`
    expect((await auth.get(path, { token })).body).toEqual([expect.objectContaining({ id: ann.factorId })])
    const renamed = await auth.put(`${path}/${ann.factorId}`, { friendly_name: 'new' }, { token })
    expect(renamed).toMatchObject({ status: 200, body: { friendly_name: 'new', status: 'verified' } })
    const removed = await auth.delete(`${path}/${ann.factorId}`, undefined, { token })
    expect(removed).toMatchObject({ status: 200, body: { id: ann.factorId } })
    expect((await auth.get(path, { token })).body).toEqual([])
    const refreshed = await auth.refresh(ann.refreshToken)
    expect(claimsOf(refreshed.body.access_token)).toMatchObject({ aal: 'aal1' })
  })

  test('a user’s token does not reach these routes', async () => {
    const ann = await withTotp(auth)
    const reply = await auth.delete(`/admin/users/${ann.id}/factors/${ann.factorId}`, undefined, {
      token: ann.token,
    })
    expect(reply).toMatchObject({ status: 403, body: { error_code: 'not_admin' } })
  })
})

describe('refusals', () => {
  const nowhere = '00000000-0000-4000-8000-000000000000'
  type Case = [name: string, ask: (ann: Ann) => Promise<unknown>, status: number, code: string, msg: string]
  const send = (path: string, body: unknown) => (ann: Ann) => auth.post(path, body, { token: ann.token })
  const cases: Case[] = [
    [
      'no type',
      send('/factors', {}),
      400,
      'validation_failed',
      'factor_type needs to be totp, phone, or webauthn',
    ],
    [
      'phones, where off',
      send('/factors', { factor_type: 'phone' }),
      422,
      'mfa_phone_enroll_not_enabled',
      'MFA enroll is disabled for Phone',
    ],
    [
      'keys, where off',
      send('/factors', { factor_type: 'webauthn' }),
      422,
      'mfa_webauthn_enroll_not_enabled',
      'MFA enroll is disabled for WebAuthn',
    ],
    [
      'an id that is none',
      send('/factors/x/challenge', {}),
      404,
      'validation_failed',
      'factor_id must be an UUID',
    ],
    [
      'an unknown factor',
      send(`/factors/${nowhere}/challenge`, {}),
      404,
      'mfa_factor_not_found',
      'Factor not found',
    ],
    [
      'an unknown factor to verify',
      send(`/factors/${nowhere}/verify`, {}),
      404,
      'mfa_factor_not_found',
      'Factor not found',
    ],
    [
      'a name that is taken',
      async (ann) => {
        await enroll(auth, ann.token, totp)
        return auth.post('/factors', totp, { token: ann.token })
      },
      422,
      'mfa_factor_name_conflict',
      'A factor with the friendly name "phone" for this user already exists',
    ],
    [
      'a factor of somebody else',
      async (ann) => {
        const bob = await withTotp(auth)
        return auth.post(`/factors/${bob.factorId}/challenge`, {}, { token: ann.token })
      },
      404,
      'mfa_factor_not_found',
      'Factor not found',
    ],
    [
      'another factor from the first level',
      async () => {
        const bob = await withTotp(auth)
        const { body } = await auth.signIn(bob.email, bob.password)
        return auth.post('/factors', { ...totp, friendly_name: 'more' }, { token: body.access_token })
      },
      403,
      'insufficient_aal',
      'AAL2 required to enroll a new factor',
    ],
    [
      'unenrolling from the first level',
      async () => {
        const bob = await withTotp(auth)
        const { body } = await auth.signIn(bob.email, bob.password)
        return auth.delete(`/factors/${bob.factorId}`, undefined, { token: body.access_token })
      },
      422,
      'insufficient_aal',
      'AAL2 required to unenroll verified factor',
    ],
    ['no code', (ann) => verify(ann, () => ''), 400, 'validation_failed', 'Code needs to be non-empty'],
    [
      'a wrong code',
      (ann) => verify(ann, () => '000000x'),
      422,
      'mfa_verification_failed',
      'Invalid TOTP code entered',
    ],
    [
      'no challenge',
      (ann) => verify(ann, codeOf, undefined),
      422,
      'mfa_factor_not_found',
      'MFA factor with the provided challenge ID not found',
    ],
    [
      'an unknown challenge',
      (ann) => verify(ann, codeOf, nowhere),
      422,
      'mfa_factor_not_found',
      'MFA factor with the provided challenge ID not found',
    ],
    [
      'a challenge that is no id',
      (ann) => verify(ann, codeOf, 'abc'),
      400,
      'bad_json',
      'Could not parse request body as JSON: uuid: incorrect UUID length 3 in string "abc"',
    ],
    [
      'a challenge of another factor',
      async (ann) => {
        const bob = await withTotp(auth)
        const asked = await challenge(auth, bob.token, bob.factorId)
        return verify(ann, codeOf, asked.id)
      },
      422,
      'mfa_factor_not_found',
      'MFA factor with the provided challenge ID not found',
    ],
    [
      'an answer from another address',
      async (ann) =>
        verify(ann, codeOf, async (id) => {
          await auth.admin.run(sql`update auth.mfa_challenges set ip_address = '192.0.2.1' where id = ${id}`)
        }),
      422,
      'mfa_ip_address_mismatch',
      'Challenge and verify IP addresses mismatch.',
    ],
    [
      'a secret that cannot be read',
      async (ann) =>
        verify(ann, codeOf, async (id) => {
          await auth.admin.run(sql`
            update auth.mfa_factors set secret = '{"key_id":"k"}'
            where id = (select factor_id from auth.mfa_challenges where id = ${id})
          `)
        }),
      500,
      'unexpected_failure',
      'Database error verifying MFA TOTP secret',
    ],
  ]

  /** Enrolls, asks, and answers; `meddle` is another challenge or what happens between. */
  async function verify(
    ann: Ann,
    code: (secret: string) => string,
    ...[meddle]: (string | undefined | ((challengeId: string) => Promise<void>))[]
  ) {
    const factor = await enroll(auth, ann.token, { ...totp, friendly_name: randomUUID() })
    const asked = await challenge(auth, ann.token, factor.id)
    if (typeof meddle === 'function') await meddle(asked.id)
    const challengeId = typeof meddle === 'string' ? meddle : asked.id
    return auth.post(
      `/factors/${factor.id}/verify`,
      {
        challenge_id: meddle === undefined && code === codeOf ? undefined : challengeId,
        code: code(factor.totp.secret),
      },
      { token: ann.token },
    )
  }

  test.each(cases)('%s', async (_name, ask, status, error_code, msg) => {
    expect(await ask(await auth.ann())).toMatchObject({ status, body: { error_code, msg } })
  })

  test('a challenge of more than five minutes ago is none', async () => {
    const ann = await auth.ann()
    const { id, totp: key } = await enroll(auth, ann.token, totp)
    const asked = await challenge(auth, ann.token, id)
    await auth.admin.run(
      sql`update auth.mfa_challenges set created_at = now() - interval '301 seconds' where id = ${asked.id}`,
    )
    const answer = { challenge_id: asked.id, code: codeOf(key.secret) }
    const verifyIt = () => auth.post(`/factors/${id}/verify`, answer, { token: ann.token })
    expect(await verifyIt()).toMatchObject({
      status: 422,
      body: {
        error_code: 'mfa_challenge_expired',
        msg: `MFA challenge ${asked.id} has expired, verify against another challenge or create a new challenge.`,
      },
    })
    expect(await verifyIt()).toMatchObject({ status: 422, body: { error_code: 'mfa_factor_not_found' } })
  })

  test('without a session nothing can be enrolled', async () => {
    const ann = await auth.ann()
    const claims = { ...claimsOf(ann.token), session_id: undefined }
    expect(await auth.post('/factors', totp, { token: auth.token(claims) })).toMatchObject({
      status: 500,
      body: { msg: 'A valid session and a registered user are required to enroll a factor' },
    })
    expect(await auth.post('/factors', totp)).toMatchObject({
      status: 401,
      body: { error_code: 'no_authorization' },
    })
  })

  test('anonymous users have no factors', async () => {
    const open = await auth.with({ anonymousUsersEnabled: true })
    const { body } = await open.post('/signup', {})
    expect(await open.post('/factors', totp, { token: body.access_token })).toMatchObject({
      status: 403,
      body: {
        error_code: 'no_authorization',
        msg: 'Anonymous user not allowed to perform these actions',
      },
    })
  })

  test('a project may turn applications off', async () => {
    const ann = await withTotp(auth)
    const strict = await auth.with({ mfaTotpEnrollEnabled: false, mfaTotpVerifyEnabled: false })
    const ask = (path: string, body: object) => strict.post(path, body, { token: ann.token })
    expect((await ask('/factors', totp)).body).toMatchObject({
      error_code: 'mfa_totp_enroll_not_enabled',
      msg: 'MFA enroll is disabled for TOTP',
    })
    for (const path of ['challenge', 'verify'])
      expect((await ask(`/factors/${ann.factorId}/${path}`, { code: '123456' })).body).toMatchObject({
        error_code: 'mfa_totp_verify_not_enabled',
        msg: 'MFA verification is disabled for TOTP',
      })
  })
})

test('members that no client may set change nothing', async () => {
  const ann = await auth.ann()
  const bob = await auth.ann()
  const { id } = await enroll(auth, ann.token, {
    ...totp,
    status: 'verified',
    user_id: bob.id,
    secret: 'AAAAAAAAAAAAAAAA',
    aal: 'aal2',
  })
  const row = await auth.admin.one(
    sql`select user_id, status::text as status, secret from auth.mfa_factors where id = ${id}`,
  )
  expect(row).toMatchObject({ user_id: ann.id, status: 'unverified' })
  expect(row).not.toMatchObject({ secret: 'AAAAAAAAAAAAAAAA' })
})
