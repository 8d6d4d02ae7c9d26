import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startHookServer, type HookServer } from '../../test/hook-server.ts'
import { startAuth, type TestAuth } from '../../test/start-auth.ts'

let base: TestAuth
let auth: TestAuth
let judge: HookServer
beforeAll(async () => {
  judge = await startHookServer()
  base = await startAuth({
    outbound: {
      origins: { 'https://hcaptcha.com': judge.url, 'https://challenges.cloudflare.com': judge.url },
    },
    auth: { passkeyEnabled: true },
  })
  auth = await base.with({ captchaEnabled: true, captchaSecret: 'shh' })
})
afterAll(async () => {
  await base.close()
  await judge.close()
})
beforeEach(() => {
  judge.calls.length = 0
  judge.answer(() => ({ body: { success: true } }))
})

const solved = { gotrue_meta_security: { captcha_token: 'solved' } }
const missing = {
  status: 400,
  body: {
    error_code: 'captcha_failed',
    msg: 'captcha protection: request disallowed (no captcha_token found)',
  },
}

test.each([
  '/signup',
  '/recover',
  '/resend',
  '/otp',
  '/magiclink',
  '/token?grant_type=password',
  '/token?grant_type=web3',
  '/passkeys/authentication/options',
])('%s wants a captcha', async (path) => {
  for (const body of [{}, { gotrue_meta_security: {} }, { gotrue_meta_security: { captcha_token: ' ' } }])
    expect(await auth.post(path, body)).toMatchObject(missing)
  expect(judge.calls).toEqual([])
})

test.each(['pkce', 'refresh_token', 'id_token'])('the grant %s wants none', async (grant) => {
  expect((await auth.post(`/token?grant_type=${grant}`, {})).body.error_code).not.toBe('captcha_failed')
})

test.each([
  ['hcaptcha', '/siteverify'],
  ['turnstile', '/turnstile/v0/siteverify'],
] as const)('%s is asked, and its word counts', async (captchaProvider, path) => {
  const asking = await auth.with({ captchaEnabled: true, captchaSecret: ' shh ', captchaProvider })
  const ann = await base.ann()
  const signIn = () =>
    asking.post('/token?grant_type=password', { email: ann.email, password: ann.password, ...solved })
  expect((await signIn()).status).toBe(200)
  expect(judge.calls[0]?.path).toBe(path)
  expect(Object.fromEntries(new URLSearchParams(judge.calls[0]?.body))).toEqual({
    secret: 'shh',
    response: 'solved',
    remoteip: '127.0.0.1',
  })
  judge.answer(() => ({ body: { success: false, 'error-codes': ['timeout-or-duplicate', 'bad'] } }))
  expect(await signIn()).toMatchObject({
    status: 400,
    body: {
      error_code: 'captcha_failed',
      msg: 'captcha protection: request disallowed (timeout-or-duplicate, bad)',
    },
  })
})

test.each([
  { isBroken: true },
  { body: 'oops', headers: { 'content-type': 'text/html' } },
  { body: { success: 'yes' } },
])('an answer of %j lets nobody in', async (answer) => {
  judge.answer(() => answer)
  expect(await auth.post('/otp', { email: 'ann@example.com', ...solved })).toMatchObject({
    status: 500,
    body: { error_code: 'unexpected_failure', msg: 'captcha verification process failed' },
  })
})

test('the service key needs none, a user’s token and the anonymous key do', async () => {
  const ann = await base.ann()
  const body = { email: 'made@example.com', password: 'secret-123' }
  expect(await auth.post('/signup', body, { token: ann.token })).toMatchObject(missing)
  expect(await auth.post('/signup', body, { token: auth.keys.anon })).toMatchObject(missing)
  const forged = `${auth.keys.service.slice(0, -4)}AAAA`
  expect(await auth.post('/signup', body, { token: forged })).toMatchObject(missing)
  expect((await auth.post('/signup', body, { token: auth.keys.service })).status).toBe(200)
})
