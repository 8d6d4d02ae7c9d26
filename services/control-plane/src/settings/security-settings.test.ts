import { securityFields, type CreatedProject, type ErrorBody } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { sha256Hex } from '@favo/tokens'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
let ref: string
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
  ref = (await control.request<CreatedProject>('POST', '/projects', { name: 'settings' })).body.ref
})
afterAll(() => platform.close())

type Config = Record<string, unknown> & ErrorBody
const get = async () => (await control.request<Config>('GET', `/projects/${ref}/config/auth`)).body
const patch = (body: object) => control.request<Config>('PATCH', `/projects/${ref}/config/auth`, body)
const load = async () => (await control.controlPlane.directorySource.loadByRef(ref))?.auth

test('every setting that can be set is shown, with Supabase’s defaults', async () => {
  const config = await get()
  for (const name of Object.keys(securityFields)) expect(config, name).toHaveProperty(name)
  expect(config).toMatchObject({
    mfa_max_enrolled_factors: 10,
    mfa_totp_enroll_enabled: true,
    mfa_phone_enroll_enabled: false,
    passkey_enabled: false,
    sessions_timebox: 0,
    password_required_characters: '',
    security_captcha_secret: null,
    hook_send_sms_enabled: false,
    hook_send_sms_uri: null,
    mailer_otp_exp: 3_600,
    smtp_max_frequency: 60,
  })
})

test('what is set is shown, reaches the service in its own units, and goes back by null', async () => {
  const asked = {
    mfa_phone_enroll_enabled: true,
    mfa_phone_otp_length: 8,
    sessions_timebox: 1.5,
    webauthn_rp_origins: 'https://a.example,https://b.example',
    uri_allow_list: 'https://*.example.com/**',
    passkey_enabled: true,
    security_captcha_provider: 'turnstile',
  }
  const reply = await patch(asked)
  expect(reply.status, JSON.stringify(reply.body)).toBe(200)
  expect(reply.body).toMatchObject(asked)
  expect(await load()).toMatchObject({
    mfaPhoneEnrollEnabled: true,
    mfaPhoneOtpLength: 8,
    sessionsTimeboxSeconds: 5_400,
    webAuthnRpOrigins: ['https://a.example', 'https://b.example'],
    uriAllowList: ['https://*.example.com/**'],
    captchaProvider: 'turnstile',
  })
  const back = await patch(Object.fromEntries(Object.keys(asked).map((name) => [name, null])))
  expect(back.body).toMatchObject({ mfa_phone_otp_length: 6, sessions_timebox: 0, webauthn_rp_origins: '' })
  expect(await load()).not.toHaveProperty('sessionsTimeboxSeconds')
})

test('secrets are stored sealed, shown by their hash, and known to the service', async () => {
  const secrets = 'v1,whsec_c2VjcmV0LXNlY3JldA=='
  const reply = await patch({
    hook_send_sms_enabled: true,
    hook_send_sms_uri: 'https://hooks.example.com/sms',
    hook_send_sms_secrets: secrets,
    security_captcha_secret: 'captcha-secret',
    sms_provider: 'twilio',
    sms_twilio_account_sid: 'AC1',
    sms_twilio_auth_token: 'twilio-secret',
  })
  expect(reply.body).toMatchObject({
    hook_send_sms_secrets: sha256Hex(secrets),
    security_captcha_secret: sha256Hex('captcha-secret'),
    sms_twilio_account_sid: 'AC1',
    sms_twilio_auth_token: sha256Hex('twilio-secret'),
  })
  expect(await load()).toMatchObject({
    hooks: { sendSms: { isEnabled: true, uri: 'https://hooks.example.com/sms', secrets } },
    captchaSecret: 'captcha-secret',
    smsCredentials: { twilio_account_sid: 'AC1', twilio_auth_token: 'twilio-secret' },
  })
  const { auth } = await platform.db.one<{ auth: string }>(
    sql`select auth::text as auth from control.project_settings where ref = ${ref}`,
  )
  for (const secret of [secrets, 'captcha-secret', 'twilio-secret']) expect(auth).not.toContain(secret)
  // A change of one part leaves the others.
  await patch({ hook_send_sms_enabled: false })
  expect((await load())?.hooks?.sendSms).toEqual({
    isEnabled: false,
    uri: 'https://hooks.example.com/sms',
    secrets,
  })
})

test.each([
  { mfa_phone_otp_length: 5 },
  { sessions_timebox: -1 },
  { security_captcha_provider: 'none' },
  { hook_send_email_uri: 'ftp://example.com' },
  { hook_send_email_uri: 'pg-functions://postgres/public/x; drop table y' },
  { hook_send_email_secrets: 'plain' },
  { hook_send_email_enabled: true },
  { hook_send_email_enabled: true, hook_send_email_uri: 'https://example.com/' },
])('%j is refused, and nothing of it stays', async (body) => {
  const before = await get()
  expect((await patch(body)).status).toBe(422)
  expect(await get()).toEqual(before)
})

test('phones and rate limits have Supabase’s defaults, and test codes are checked', async () => {
  expect(await get()).toMatchObject({
    external_phone_enabled: false,
    sms_otp_exp: 60,
    sms_template: 'Your code is {{ .Code }}',
    rate_limit_token_refresh: 150,
    rate_limit_sms_sent: 30,
  })
  const asked = {
    external_phone_enabled: true,
    sms_test_otp: '15550001=123456,+15550002=654321',
    sms_test_otp_valid_until: '2030-01-01T00:00:00Z',
    rate_limit_verify: 360,
  }
  expect((await patch(asked)).body).toMatchObject(asked)
  expect(await load()).toMatchObject({ phoneProviderEnabled: true, rateLimitVerify: 360 })
  for (const body of [{ sms_test_otp: 'ann=1' }, { rate_limit_verify: 0 }, { sms_test_otp_valid_until: 'x' }])
    expect((await patch(body)).status, JSON.stringify(body)).toBe(422)
})
