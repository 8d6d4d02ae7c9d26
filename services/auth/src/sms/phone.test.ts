import { sql } from '@favo/postgres'
import type { AuthSettings } from '@favo/projects'
import { startSmsGateways, type SmsGatewayName, type SmsGateways } from '@favo/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startHookServer } from '../../test/hook-server.ts'
import { claimsOf, startAuth, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
let gateways: SmsGateways
const setTo = (gateway: SmsGatewayName, more: Partial<AuthSettings> = {}): Partial<AuthSettings> => ({
  phoneProviderEnabled: true,
  smsMaxFrequencySeconds: 0,
  smsProvider: gateway,
  smsCredentials: gateways.credentials(gateway),
  rateLimitSmsSent: 1_000,
  ...more,
})
beforeAll(async () => {
  gateways = await startSmsGateways()
  auth = await startAuth({
    auth: setTo('twilio'),
    outbound: { allowPrivate: true, hookBackoffMs: 1, origins: gateways.origins },
  })
})
afterAll(async () => {
  await auth.close()
  await gateways.close()
})

let count = 1
const newPhone = () => `1555123${String((count += 1)).padStart(4, '0')}`
const password = 'a-good-password'
const verify = (phone: string, token: string, type = 'sms', at = auth) =>
  at.post('/verify', { type, phone: `+${phone}`, token })
const usersOf = (phone: string) =>
  auth.admin.many(sql`select id, phone, confirmation_token from auth.users where phone = ${phone}`)

/** Somebody who signed up by phone and confirmed it. */
async function somebody() {
  const phone = newPhone()
  await auth.post('/signup', { phone: `+${phone}`, password, data: { name: 'Ann' } })
  const { body } = await verify(phone, gateways.codeOf(phone))
  return { phone, id: body.user.id, token: body.access_token }
}

describe('signing up', () => {
  test('the code in the message confirms the phone and signs in', async () => {
    const phone = newPhone()
    const reply = await auth.post('/signup', { phone: `+${phone}`, password, data: { name: 'Ann' } })
    expect(reply.status).toBe(200)
    expect(reply.body).toMatchObject({
      phone,
      email: '',
      role: 'authenticated',
      app_metadata: { provider: 'phone', providers: ['phone'] },
      user_metadata: { name: 'Ann' },
      identities: [{ provider: 'phone' }],
    })
    expect(gateways.sent.at(-1)).toMatchObject({
      phone,
      text: expect.stringMatching(/^Your code is \d{6}$/) as string,
    })
    const early = await auth.post('/token?grant_type=password', { phone: `+${phone}`, password })
    expect(early).toMatchObject({
      status: 400,
      body: { error_code: 'phone_not_confirmed', msg: 'Phone not confirmed' },
    })

    const verified = await verify(phone, gateways.codeOf(phone))
    expect(verified.status).toBe(200)
    expect(verified.body.user).toMatchObject({ phone, phone_confirmed_at: expect.any(String) as string })
    expect(claimsOf(verified.body.access_token)).toMatchObject({ phone, amr: [{ method: 'otp' }] })
    expect((await verify(phone, gateways.codeOf(phone))).body).toMatchObject({ error_code: 'otp_expired' })

    const signedIn = await auth.post('/token?grant_type=password', { phone: `+${phone}`, password })
    expect(signedIn.status).toBe(200)
    const wrong = await auth.post('/token?grant_type=password', { phone, password: 'x' })
    expect(wrong.body).toMatchObject({ error_code: 'invalid_credentials' })
  })

  test('a taken phone gets a look-alike reply and no message', async () => {
    const { phone, id } = await somebody()
    const before = gateways.sent.length
    const reply = await auth.post('/signup', { phone, password: 'another-password' })
    expect(reply.status).toBe(200)
    expect(reply.body).toMatchObject({ phone, identities: [], app_metadata: { provider: 'phone' } })
    expect(reply.body.id).not.toBe(id)
    expect(gateways.sent).toHaveLength(before)
  })

  test('without confirmation a user is signed in at once, and a taken phone is told', async () => {
    const at = await auth.with({ smsAutoconfirm: true })
    const phone = newPhone()
    const reply = await at.post('/signup', { phone, password })
    expect(reply.body.user).toMatchObject({ phone })
    expect(reply.body.access_token).toBeTypeOf('string')
    expect(await at.post('/signup', { phone, password: 'another-password' })).toMatchObject({
      status: 422,
      body: { error_code: 'user_already_exists' },
    })
    // Who registered it before, while confirmations were asked for, must know the password.
    const unconfirmed = newPhone()
    await auth.post('/signup', { phone: unconfirmed, password })
    expect((await at.post('/signup', { phone: unconfirmed, password: 'another-one' })).status).toBe(422)
    expect((await at.post('/signup', { phone: unconfirmed, password })).status).toBe(200)
  })

  test.each([
    [{}, 400, 'phone_provider_disabled', 'Phone signups are disabled', false],
    [{ phone: 'x' }, 400, 'validation_failed', 'Invalid phone number format (E.164 required)', true],
    [{ channel: 'pigeon' }, 400, 'validation_failed', /^Invalid channel/, true],
    [
      { code_challenge: 'x'.repeat(43), code_challenge_method: 's256' },
      400,
      'validation_failed',
      'PKCE not supported for phone signups',
      true,
    ],
  ])('%j is refused with %i %s', async (input, status, code, msg, phoneProviderEnabled) => {
    const at = await auth.with({ phoneProviderEnabled })
    const reply = await at.post('/signup', { phone: newPhone(), password, ...input })
    expect(reply).toMatchObject({ status, body: { error_code: code } })
    expect(reply.body.msg).toMatch(msg)
  })

  test('whose message does not leave was never registered, and may ask again at once', async () => {
    const phone = `1555999${'0000'}`
    const at = await auth.with({ smsMaxFrequencySeconds: 60 })
    const ask = () => at.post('/signup', { phone, password })
    expect(await ask()).toMatchObject({
      status: 422,
      body: {
        error_code: 'sms_send_failed',
        msg: `Error sending confirmation OTP to provider: The 'To' number +${phone} is not a valid phone number. More information: https://www.twilio.com/docs/errors/21211`,
      },
    })
    expect(await usersOf(phone)).toEqual([])
    expect((await ask()).status).toBe(422)
  })
})

describe('codes', () => {
  const otp = (phone: string, more: object = {}, at = auth) =>
    at.post('/otp', { phone: `+${phone}`, ...more })

  test('a code signs in, and signs up who is new unless told not to', async () => {
    const phone = newPhone()
    expect(await otp(phone, { create_user: false })).toMatchObject({
      status: 422,
      body: { error_code: 'otp_disabled' },
    })
    expect(await otp(phone, { data: { name: 'Bea' } })).toMatchObject({ status: 200 })
    const first = await verify(phone, gateways.codeOf(phone))
    expect(first.body.user).toMatchObject({ phone, user_metadata: { name: 'Bea' } })
    expect(await otp(phone, { create_user: false })).toMatchObject({
      status: 200,
      body: { message_id: 'SM1' },
    })
    expect((await verify(phone, gateways.codeOf(phone))).body.user.id).toBe(first.body.user.id)
  })

  test('new phones get a code too where phones need no confirmation', async () => {
    const at = await auth.with({ smsAutoconfirm: true })
    const phone = newPhone()
    expect((await otp(phone, {}, at)).status).toBe(200)
    expect((await verify(phone, gateways.codeOf(phone), 'sms', at)).status).toBe(200)
  })

  test('a code is good for its own phone, for its time, and for ten guesses', async () => {
    const [a, b] = [newPhone(), newPhone()]
    await otp(a)
    await otp(b)
    expect((await verify(a, gateways.codeOf(b))).status).toBe(403)
    await auth.admin.run(
      sql`update auth.users set confirmation_sent_at = now() - interval '61 seconds' where phone = ${b}`,
    )
    expect((await verify(b, gateways.codeOf(b))).body).toMatchObject({
      error_code: 'otp_expired',
      msg: 'Token has expired or is invalid',
    })
    for (let guess = 0; guess < 10; guess += 1) await verify(a, '000000')
    expect((await verify(a, gateways.codeOf(a))).status).toBe(403)
    await otp(a)
    expect((await verify(a, gateways.codeOf(a))).status).toBe(200)
  })

  test('of many who use a code at once one gets in', async () => {
    const phone = newPhone()
    await otp(phone)
    const code = gateways.codeOf(phone)
    const replies = await Promise.all(Array.from({ length: 6 }, () => verify(phone, code)))
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('another code waits, and the wait says how long', async () => {
    const at = await auth.with({ smsMaxFrequencySeconds: 60 })
    const phone = newPhone()
    expect((await otp(phone, {}, at)).status).toBe(200)
    const again = await otp(phone, {}, at)
    expect(again).toMatchObject({ status: 429, body: { error_code: 'over_sms_send_rate_limit' } })
    expect(again.body.msg).toMatch(/^For security purposes, you can only request this after \d+ seconds\.$/)
    expect(Number(again.headers.get('retry-after'))).toBeGreaterThan(50)
  })

  test('length and text are the project’s', async () => {
    const at = await auth.with({ smsOtpLength: 8, smsTemplate: 'Acme: {{ .Code }} is it' })
    const phone = newPhone()
    await otp(phone, {}, at)
    expect(gateways.sent.at(-1)?.text).toMatch(/^Acme: \d{8} is it$/)
  })

  test('a test code is always right, nothing is sent, and it ends', async () => {
    const phone = newPhone()
    const at = await auth.with({
      smsTestOtp: `+${phone}=123456`,
      smsTestOtpValidUntil: '2999-01-01T00:00:00Z',
    })
    const before = gateways.sent.length
    await otp(phone, {}, at)
    expect(gateways.sent).toHaveLength(before)
    expect((await verify(phone, '123456', 'sms', at)).status).toBe(200)
    expect((await otp(phone, {}, at)).body).toMatchObject({ message_id: 'test-otp' })
    const over = await auth.with({
      smsTestOtp: `${phone}=123456`,
      smsTestOtpValidUntil: '2020-01-01T00:00:00Z',
    })
    await otp(phone, {}, over)
    expect((await verify(phone, '123456', 'sms', over)).status).toBe(403)
    expect((await verify(phone, gateways.codeOf(phone), 'sms', over)).status).toBe(200)
  })

  test('resending answers alike whether anybody waits for a code', async () => {
    const [waiting, nobody] = [newPhone(), newPhone()]
    await otp(waiting)
    const first = gateways.codeOf(waiting)
    await auth.admin.run(sql`update auth.users set confirmation_sent_at = null where phone = ${waiting}`)
    expect((await auth.post('/resend', { type: 'sms', phone: waiting })).status).toBe(200)
    expect(gateways.codeOf(waiting)).not.toBe(first)
    expect((await verify(waiting, first)).status).toBe(403)
    expect((await verify(waiting, gateways.codeOf(waiting))).status).toBe(200)
    const before = gateways.sent.length
    expect(await auth.post('/resend', { type: 'sms', phone: nobody })).toMatchObject({
      status: 200,
      body: {},
    })
    expect((await auth.post('/resend', { type: 'sms', phone: waiting })).status).toBe(200)
    expect(gateways.sent).toHaveLength(before)
  })

  test('banned users and other kinds of tokens get nowhere', async () => {
    const { phone, id } = await somebody()
    await otp(phone)
    expect((await verify(phone, gateways.codeOf(phone), 'phone_change')).status).toBe(403)
    expect((await verify(phone, gateways.codeOf(phone), 'signup')).status).toBe(403)
    await auth.admin.run(sql`update auth.users set banned_until = now() + interval '1 day' where id = ${id}`)
    expect((await verify(phone, gateways.codeOf(phone))).body).toMatchObject({ error_code: 'user_banned' })
  })

  test.each(["1555'; drop table auth.users --", '1555\u0000', '+', '0'])(
    'the phone %j is refused',
    async (phone) => {
      for (const [path, body] of [
        ['/otp', { phone }],
        ['/verify', { type: 'sms', phone, token: "1' or '1'='1" }],
        ['/resend', { type: 'sms', phone }],
      ] as const)
        expect((await auth.post(path, body)).status).toBe(400)
    },
  )
})

describe('changing the phone', () => {
  test('the new phone must prove itself, and no other', async () => {
    const { phone, id, token } = await somebody()
    const next = newPhone()
    const asked = await auth.put('/user', { phone: `+${next}`, data: { name: 'Cleo' } }, { token })
    expect(asked).toMatchObject({
      status: 200,
      body: { phone, new_phone: next, user_metadata: { name: 'Cleo' } },
    })
    expect((await verify(next, gateways.codeOf(next))).status).toBe(403)
    const changed = await verify(next, gateways.codeOf(next), 'phone_change')
    expect(changed.body.user).toMatchObject({ id, phone: next })
    expect(changed.body.user.identities[0]).toMatchObject({
      identity_data: { phone: next, phone_verified: true },
    })
  })

  test('of two who ask for one phone the code tells which has it', async () => {
    const [a, b] = [await somebody(), await somebody()]
    const phone = newPhone()
    await auth.put('/user', { phone }, { token: a.token })
    const code = gateways.codeOf(phone)
    await auth.put('/user', { phone }, { token: b.token })
    expect((await verify(phone, code, 'phone_change')).body.user).toMatchObject({ id: a.id, phone })
    expect((await verify(phone, gateways.codeOf(phone), 'phone_change')).body).toMatchObject({
      error_code: 'phone_exists',
    })
    expect(await auth.put('/user', { phone }, { token: b.token })).toMatchObject({
      status: 422,
      body: { error_code: 'phone_exists' },
    })
  })

  test('an anonymous user with a proved phone is a lasting one', async () => {
    const at = await auth.with({ anonymousUsersEnabled: true })
    const { body } = await at.post('/signup', {})
    const phone = newPhone()
    await at.put('/user', { phone }, { token: body.access_token })
    const proved = await verify(phone, gateways.codeOf(phone), 'phone_change', at)
    expect(proved.body.user).toMatchObject({ id: body.user.id, phone, is_anonymous: false })

    const sure = await auth.with({ anonymousUsersEnabled: true, smsAutoconfirm: true })
    const other = await sure.post('/signup', {})
    const phone2 = newPhone()
    const reply = await sure.put('/user', { phone: phone2 }, { token: other.body.access_token })
    expect(reply.body).toMatchObject({ phone: phone2, is_anonymous: false })
  })

  test('a change is sent again to the phone that it is about', async () => {
    const { phone, token } = await somebody()
    const next = newPhone()
    await auth.put('/user', { phone: next }, { token })
    const first = gateways.codeOf(next)
    await auth.post('/resend', { type: 'phone_change', phone })
    expect((await verify(next, first, 'phone_change')).status).toBe(403)
    expect((await verify(next, gateways.codeOf(next), 'phone_change')).status).toBe(200)
  })

  test('a new password in an old session needs a code from the phone', async () => {
    const at = await auth.with({ updatePasswordRequiresReauthentication: true })
    const { phone, token } = await somebody()
    await auth.admin.run(sql`
      update auth.sessions set created_at = now() - interval '2 days'
      where user_id = (select id from auth.users where phone = ${phone})`)
    const change = (nonce: string) => at.put('/user', { password: 'another-password', nonce }, { token })
    expect((await change('')).body).toMatchObject({ error_code: 'reauthentication_needed' })
    expect((await at.get('/reauthenticate', { token })).status).toBe(200)
    expect((await change('000000')).body).toMatchObject({ error_code: 'reauthentication_not_valid' })
    expect((await change(gateways.codeOf(phone))).status).toBe(200)
  })
})

describe('gateways', () => {
  const names = ['twilio', 'twilio_verify', 'messagebird', 'vonage', 'textlocal'] as const
  test.each(names)('%s carries a code that signs in', async (name) => {
    const at = await auth.with(setTo(name))
    const phone = newPhone()
    expect((await at.post('/otp', { phone })).status).toBe(200)
    expect(gateways.sent.at(-1)).toMatchObject({ gateway: name, phone })
    expect((await verify(phone, '000000', 'sms', at)).status).toBe(403)
    expect((await verify(phone, gateways.codeOf(phone), 'sms', at)).status).toBe(200)
    const again = await at.post('/otp', { phone })
    expect(again.body).toMatchObject({ message_id: expect.stringMatching(/^\w+1$/) as string })
  })

  test.each([
    ['twilio', 'Authenticate More information: https://www.twilio.com/docs/errors/20003'],
    ['twilio_verify', 'Authenticate More information: https://www.twilio.com/docs/errors/20003'],
    ['messagebird', 'Request not allowed (incorrect access_key)'],
    ['vonage', 'vonage error: Bad Credentials (status: 4) for message '],
    ['textlocal', 'textlocal error: Invalid login details (code: 3) message '],
  ] as const)('what %s says of wrong credentials is told', async (name, problem) => {
    const credentials = Object.fromEntries(
      Object.entries(gateways.credentials(name)).map(([key, value]) => [
        key,
        /auth_token|access_key|api_secret|textlocal_api_key/.test(key) ? 'wrong' : value,
      ]),
    )
    const at = await auth.with(setTo(name, { smsCredentials: credentials }))
    expect(await at.post('/otp', { phone: newPhone() })).toMatchObject({
      status: 422,
      body: { error_code: 'sms_send_failed', msg: `Error sending confirmation OTP to provider: ${problem}` },
    })
    const bare = await auth.with(setTo(name, { smsCredentials: {} }))
    expect(await bare.post('/otp', { phone: newPhone() })).toMatchObject({
      status: 500,
      body: { msg: 'Unable to get SMS provider' },
    })
  })

  test('WhatsApp goes where it is known', async () => {
    const phone = newPhone()
    expect((await auth.post('/otp', { phone, channel: 'whatsapp' })).status).toBe(200)
    expect(gateways.sent.at(-1)).toMatchObject({ phone, channel: 'whatsapp' })
    const at = await auth.with(setTo('vonage'))
    expect((await at.post('/otp', { phone: newPhone(), channel: 'whatsapp' })).status).toBe(400)
  })

  test('Twilio Verify checks the codes of second factors and of reauthentication too', async () => {
    const at = await auth.with(
      setTo('twilio_verify', {
        mfaPhoneEnrollEnabled: true,
        mfaPhoneVerifyEnabled: true,
        updatePasswordRequiresReauthentication: true,
      }),
    )
    const { phone, token } = await somebody()
    await at.get('/reauthenticate', { token })
    await auth.admin.run(sql`update auth.sessions set created_at = now() - interval '2 days'`)
    const change = (nonce: string) => at.put('/user', { password: 'another-password', nonce }, { token })
    expect((await change('000000')).status).toBe(422)
    expect((await change(gateways.codeOf(phone))).status).toBe(200)

    const { body: factor } = await at.post('/factors', { factor_type: 'phone', phone }, { token })
    const { body: challenge } = await at.post(`/factors/${factor.id}/challenge`, {}, { token })
    const answer = (code: string) =>
      at.post(`/factors/${factor.id}/verify`, { challenge_id: challenge.id, code }, { token })
    expect((await answer('000000')).status).toBe(422)
    expect((await answer(gateways.codeOf(phone))).status).toBe(200)
  })

  test('without a gateway, messages are in the project’s inbox', async () => {
    const at = await auth.with({ smsProvider: 'local' })
    const phone = newPhone()
    await at.post('/otp', { phone })
    const [message] = await at.mails(phone)
    expect(message).toMatchObject({ kind: 'sms', recipient: phone })
  })

  test('the hook sends in the gateway’s place, and what it refuses registers nobody', async () => {
    const server = await startHookServer()
    const hooks = { sendSms: { isEnabled: true, uri: server.url, secrets: 'v1,whsec_c2VjcmV0' } }
    const at = await auth.with({ hooks })
    const phone = newPhone()
    expect((await at.post('/otp', { phone, channel: 'carrier' })).status).toBe(200)
    const payload = JSON.parse(server.calls[0]?.body ?? '') as { sms: { otp: string; phone: string } }
    expect(payload.sms).toEqual({ otp: expect.stringMatching(/^\d{6}$/) as string, phone })
    expect((await verify(phone, payload.sms.otp, 'sms', at)).status).toBe(200)
    server.answer(() => ({ body: { error: { http_code: 403, message: 'not there' } } }))
    const refused = newPhone()
    expect(await at.post('/otp', { phone: refused })).toMatchObject({
      status: 403,
      body: { msg: 'not there' },
    })
    expect(await usersOf(refused)).toEqual([])
    await server.close()
  })
})

test('messages of a project are counted by the hour, those to test phones are not', async () => {
  const at = await auth.with({ rateLimitSmsSent: 2, smsTestOtp: '15550009999=123456' })
  for (const expected of [200, 200, 429])
    expect((await at.post('/otp', { phone: newPhone() })).status).toBe(expected)
  const over = await at.post('/otp', { phone: newPhone() })
  expect(over).toMatchObject({
    status: 429,
    body: { error_code: 'over_sms_send_rate_limit', msg: 'SMS rate limit exceeded' },
  })
  expect(Number(over.headers.get('retry-after'))).toBeGreaterThan(3_000)
  expect((await at.post('/otp', { phone: '15550009999' })).status).toBe(200)
})

test('settings tell of phones', async () => {
  expect((await auth.get('/settings')).body).toMatchObject({
    external: { phone: true },
    phone_autoconfirm: false,
    sms_provider: 'twilio',
  })
})
