import { createServer } from 'node:http'
import { sql } from '@favo/postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { challenge, enroll } from '../../test/factors.ts'
import { startHookServer, type HookServer } from '../../test/hook-server.ts'
import { claimsOf, startAuth, type Ann, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
let provider: HookServer
beforeAll(async () => {
  provider = await startHookServer()
  auth = await startAuth({
    auth: { mfaPhoneEnrollEnabled: true, mfaPhoneVerifyEnabled: true, mfaPhoneMaxFrequencySeconds: 30 },
    outbound: {
      allowPrivate: true,
      origins: {
        'https://api.twilio.com': provider.url,
        'https://rest.messagebird.com': provider.url,
        'https://rest.nexmo.com': provider.url,
        'https://api.textlocal.in': provider.url,
      },
    },
  })
})
afterAll(async () => {
  await auth.close()
  await provider.close()
})

let count = 0
const newPhone = () => `1555000${String((count += 1)).padStart(4, '0')}`
const messageTo = async (phone: string) => {
  const { body } = await auth.get(`/admin/inbox?recipient=${phone}`, { token: auth.keys.service })
  return body.mails
}
const forget = (id: string) =>
  auth.admin.run(sql`update auth.mfa_factors set last_challenged_at = null where id = ${id}`)

async function start(): Promise<{ ann: Ann; phone: string; id: string }> {
  const [ann, phone] = [await auth.ann(), newPhone()]
  const { id } = await enroll(auth, ann.token, {
    factor_type: 'phone',
    friendly_name: 'mobile',
    phone: `+${phone}`,
  })
  return { ann, phone, id }
}

test('the code in the message puts the session on its second level', async () => {
  const { ann, phone, id } = await start()
  const asked = await challenge(auth, ann.token, id)
  expect(asked).toMatchObject({ type: 'phone' })
  const [message] = await messageTo(phone)
  expect(message).toMatchObject({
    kind: 'sms',
    html: expect.stringMatching(/^Your code is \d{6}$/) as string,
  })
  const code = message?.html.slice(-6)
  const reply = await auth.post(
    `/factors/${id}/verify`,
    { challenge_id: asked.id, code },
    { token: ann.token },
  )
  expect(reply.status).toBe(200)
  expect(claimsOf(reply.body.access_token)).toMatchObject({
    aal: 'aal2',
    amr: [{ method: 'mfa/phone' }, { method: 'password' }],
  })
})

test('a code is good for its own challenge only', async () => {
  const [a, b] = [await start(), await start()]
  const [askedA] = [await challenge(auth, a.ann.token, a.id), await challenge(auth, b.ann.token, b.id)]
  const code = (await messageTo(b.phone))[0]?.html.slice(-6)
  const reply = await auth.post(
    `/factors/${a.id}/verify`,
    { challenge_id: askedA.id, code },
    { token: a.ann.token },
  )
  expect(reply).toMatchObject({
    status: 422,
    body: { error_code: 'mfa_verification_failed', msg: 'Invalid MFA Phone code entered' },
  })
})

test('another message waits, also when both were asked for at once', async () => {
  const { ann, phone, id } = await start()
  const ask = () => auth.post(`/factors/${id}/challenge`, {}, { token: ann.token })
  const replies = await Promise.all([ask(), ask()])
  expect(replies.map(({ status }) => status).sort()).toEqual([200, 429])
  expect(await ask()).toMatchObject({ status: 429, body: { error_code: 'over_sms_send_rate_limit' } })
  expect(await messageTo(phone)).toHaveLength(1)
})

test('enrolling the same phone again replaces what was not verified', async () => {
  const { ann, phone, id } = await start()
  const again = await enroll(auth, ann.token, { factor_type: 'phone', friendly_name: 'other', phone })
  expect(again.id).not.toBe(id)
  await auth.admin.run(sql`update auth.mfa_factors set status = 'verified' where id = ${again.id}`)
  expect(
    await auth.post('/factors', { factor_type: 'phone', friendly_name: 'x', phone }, { token: ann.token }),
  ).toMatchObject({
    status: 422,
    body: {
      error_code: 'mfa_verified_factor_exists',
      msg: 'A verified phone factor already exists, unenroll the existing factor to continue',
    },
  })
})

test.each([
  [{ factor_type: 'phone' }, 'Phone number required to enroll Phone factor'],
  [{ factor_type: 'phone', phone: '0x' }, 'Invalid phone number format (E.164 required)'],
])('%j is refused', async (input, msg) => {
  const ann = await auth.ann()
  expect(await auth.post('/factors', input, { token: ann.token })).toMatchObject({
    status: 400,
    body: { error_code: 'validation_failed', msg },
  })
})

test.each(['whatsapp', 'pigeon'])('the channel %s needs a provider that knows it', async (channel) => {
  const { ann, id } = await start()
  const reply = await auth.post(`/factors/${id}/challenge`, { channel }, { token: ann.token })
  expect(reply).toMatchObject({ status: 400, body: { error_code: 'validation_failed' } })
  expect(reply.body.msg).toMatch(/^Invalid channel/)
})

interface Facts {
  readonly name: 'twilio' | 'messagebird' | 'vonage' | 'textlocal'
  readonly credentials: Readonly<Record<string, string>>
  readonly path: string
  readonly authorization: string | undefined
  readonly form: (phone: string) => Record<string, string>
  readonly text: string
  readonly good: object
  readonly bad: object
}

const prefixed = (provider: string, credentials: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(credentials).map(([name, value]) => [`${provider}_${name}`, value]))

describe('providers', () => {
  const providers: Facts[] = [
    {
      name: 'twilio',
      credentials: { account_sid: 'AC1', auth_token: 'secret', message_service_sid: 'MG1' },
      path: '/2010-04-01/Accounts/AC1/Messages.json',
      authorization: `Basic ${Buffer.from('AC1:secret').toString('base64')}`,
      form: (phone: string) => ({ To: `+${phone}`, From: 'MG1', Channel: 'sms' }),
      text: 'Body',
      good: { sid: 'SM1', status: 'queued' },
      bad: { sid: 'SM1', status: 'failed', error_message: 'no' },
    },
    {
      name: 'messagebird',
      credentials: { access_key: 'key', originator: 'Acme' },
      path: '/messages',
      authorization: 'AccessKey key',
      form: (phone: string) => ({
        originator: 'Acme',
        recipients: phone,
        type: 'sms',
        datacoding: 'unicode',
      }),
      text: 'body',
      good: { id: '1', recipients: { totalSentCount: 1 } },
      bad: { errors: [{ code: 2, description: 'no' }] },
    },
    {
      name: 'vonage',
      credentials: { api_key: 'key', api_secret: 'secret', from: 'Acme' },
      path: '/sms/json',
      authorization: undefined,
      form: (phone: string) => ({ from: 'Acme', to: phone, api_key: 'key', api_secret: 'secret' }),
      text: 'text',
      good: { messages: [{ status: '0' }] },
      bad: { messages: [{ status: '4', 'error-text': 'no' }] },
    },
    {
      name: 'textlocal',
      credentials: { api_key: 'key', sender: 'Acme' },
      path: '/send',
      authorization: undefined,
      form: (phone: string) => ({ sender: 'Acme', apikey: 'key', numbers: phone }),
      text: 'message',
      good: { status: 'success' },
      bad: { status: 'failure', errors: [{ code: 3, message: 'no' }] },
    },
  ]
  test.each(providers)('$name gets what it asks for', async ({ name, credentials, ...facts }) => {
    const { ann, phone, id } = await start()
    const sending = await auth.with({ smsProvider: name, smsCredentials: prefixed(name, credentials) })
    const ask = () => sending.post(`/factors/${id}/challenge`, {}, { token: ann.token })

    provider.answer(() => ({ body: facts.bad }))
    expect(await ask()).toMatchObject({ status: 500, body: { msg: 'error sending message' } })
    provider.answer(() => ({ body: facts.good }))
    await forget(id)
    const fresh = await auth.with({ smsProvider: name, smsCredentials: prefixed(name, credentials) })
    expect((await fresh.post(`/factors/${id}/challenge`, {}, { token: ann.token })).status).toBe(200)
    const [call] = provider.calls.slice(-1)
    expect(call).toMatchObject({ path: facts.path })
    expect(call?.headers.authorization).toBe(facts.authorization)
    const form = Object.fromEntries(new URLSearchParams(call?.body))
    expect(form).toMatchObject(facts.form(phone))
    expect(form[facts.text]).toMatch(/^Your code is \d{6}$/)
    expect(await messageTo(phone)).toEqual([])

    const bare = await auth.with({ smsProvider: name })
    await forget(id)
    expect(await bare.post(`/factors/${id}/challenge`, {}, { token: ann.token })).toMatchObject({
      status: 500,
      body: { msg: 'Failed to get SMS provider' },
    })
  })

  test('WhatsApp goes through Twilio', async () => {
    const { ann, phone, id } = await start()
    const sending = await auth.with({
      smsProvider: 'twilio',
      smsCredentials: prefixed('twilio', {
        account_sid: 'AC1',
        auth_token: 's',
        message_service_sid: '15550001',
        content_sid: 'HX1',
      }),
    })
    provider.answer(() => ({ body: { sid: 'SM1', status: 'queued' } }))
    const reply = await sending.post(
      `/factors/${id}/challenge`,
      { channel: 'whatsapp' },
      { token: ann.token },
    )
    expect(reply.status).toBe(200)
    const form = Object.fromEntries(new URLSearchParams(provider.calls.at(-1)?.body))
    expect(form).toMatchObject({ To: `whatsapp:+${phone}`, From: 'whatsapp:15550001', ContentSid: 'HX1' })
    expect(form.ContentVariables).toMatch(/^\{"1":"\d{6}"\}$/)
  })
})

test('the hook takes messages in the provider’s place', async () => {
  const { ann, phone, id } = await start()
  const hooked = await auth.with({
    hooks: { sendSms: { isEnabled: true, uri: provider.url, secrets: 'v1,whsec_c2VjcmV0' } },
  })
  provider.answer(() => ({ status: 204 }))
  const reply = await hooked.post(`/factors/${id}/challenge`, {}, { token: ann.token })
  expect(reply.status).toBe(200)
  expect(JSON.parse(provider.calls.at(-1)?.body ?? '')).toMatchObject({
    metadata: { name: 'send-sms' },
    user: { id: ann.id },
    sms: { otp: expect.stringMatching(/^\d{6}$/) as string, sms_type: 'mfa', phone },
  })
  expect(await messageTo(phone)).toEqual([])

  provider.answer(() => ({ body: { error: { http_code: 403, message: 'not there' } } }))
  const refused = await start()
  expect(
    await hooked.post(`/factors/${refused.id}/challenge`, {}, { token: refused.ann.token }),
  ).toMatchObject({
    status: 500,
    body: { msg: 'error invoking hook' },
  })
})

test('addresses of private networks are not called unless the operator allows it', async () => {
  const { ann, id } = await start()
  let isCalled = false
  const secret = createServer((_request, reply) => {
    isCalled = true
    reply.end()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => secret.once('listening', resolve))
  const address = secret.address()
  const port = typeof address === 'object' ? address?.port : 0
  for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0.0.0.0']) {
    const strict = await startAuth({
      given: auth,
      outbound: { hookBackoffMs: 1 },
      auth: {
        mfaPhoneVerifyEnabled: true,
        hooks: { sendSms: { isEnabled: true, uri: `http://${host}:${port}`, secrets: 'v1,whsec_c2VjcmV0' } },
      },
    })
    expect((await strict.post(`/factors/${id}/challenge`, {}, { token: ann.token })).status).toBe(500)
    await forget(id)
  }
  expect(isCalled).toBe(false)
  secret.close()
})
