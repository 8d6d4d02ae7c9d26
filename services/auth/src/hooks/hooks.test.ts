import { createHmac } from 'node:crypto'
import { sql } from '@favo/postgres'
import type { HookName } from '@favo/projects'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { challenge, codeOf, withTotp } from '../../test/factors.ts'
import { startHookServer, type HookServer } from '../../test/hook-server.ts'
import { claimsOf, startAuth, type TestAuth } from '../../test/start-auth.ts'

const key = Buffer.from('a key that nobody else has')
const secrets = `v1,whsec_${key.toString('base64')}`
let base: TestAuth
let server: HookServer
beforeAll(async () => {
  server = await startHookServer()
  base = await startAuth({
    outbound: { allowPrivate: true, hookTimeoutMs: 2_000, hookBackoffMs: 20 },
    auth: { mailMaxFrequencySeconds: 0, anonymousUsersEnabled: true },
  })
})
afterAll(async () => {
  await base.close()
  await server.close()
})
beforeEach(() => {
  server.calls.length = 0
  server.answer(() => ({ status: 204 }))
})

const overHttp = (name: HookName, uri = server.url) =>
  base.with({ hooks: { [name]: { isEnabled: true, uri, secrets } } })
const lastInput = () => JSON.parse(server.calls.at(-1)?.body ?? '') as Record<string, never>

let count = 0
/** A function of the project that answers with the body's result, and what it was called with. */
async function asFunction(name: HookName, body: string, language = 'plpgsql'): Promise<TestAuth> {
  const called = `hook_${(count += 1)}`
  await base.owner(`
    create function public.${called}(event jsonb) returns jsonb language ${language} as $hook$ ${body} $hook$;
    grant execute on function public.${called} to supabase_auth_admin;
    revoke execute on function public.${called} from authenticated, anon, public;
  `)
  return base.with({
    hooks: { [name]: { isEnabled: true, uri: `pg-functions://postgres/public/${called}`, secrets: '' } },
  })
}
const newEmail = () => `new-${(count += 1)}@example.com`
const usersOf = async (email: string) =>
  (await base.admin.many(sql`select from auth.users where email = ${email}`)).length

describe('custom access token', () => {
  test('a function changes the claims of every token of a session', async () => {
    const auth = await asFunction(
      'customAccessToken',
      `begin return jsonb_build_object('claims', (event -> 'claims')
         || jsonb_build_object('tier', 'gold', 'how', event ->> 'authentication_method')); end`,
    )
    const ann = await auth.ann()
    expect(claimsOf(ann.token)).toMatchObject({ tier: 'gold', how: 'password', email: ann.email })
    const { body } = await auth.refresh(ann.refreshToken)
    expect(claimsOf(body.access_token)).toMatchObject({ tier: 'gold', how: 'token_refresh' })
    expect((await auth.get('/user', { token: body.access_token })).status).toBe(200)
  })

  test('an address does too, and what it is sent is signed as Standard Webhooks want it', async () => {
    server.answer(({ body }) => {
      const { claims } = JSON.parse(body) as { claims: object }
      return { body: { claims: { ...claims, tier: 'gold' } } }
    })
    const auth = await overHttp('customAccessToken')
    const ann = await auth.ann()
    expect(claimsOf(ann.token)).toMatchObject({ tier: 'gold' })
    const [call] = server.calls.slice(-1)
    expect(JSON.parse(call?.body ?? '')).toMatchObject({
      metadata: {
        name: 'customize-access-token',
        uuid: expect.any(String) as string,
        ip_address: '127.0.0.1',
      },
      user_id: ann.id,
      claims: { sub: ann.id, aal: 'aal1' },
      authentication_method: 'password',
    })
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = call?.headers ?? {}
    const expected = createHmac('sha256', key).update(`${String(id)}.${String(at)}.${call?.body ?? ''}`)
    expect(signature).toBe(`v1,${expected.digest('base64')}`)
    expect(Math.abs(Date.now() / 1000 - Number(at))).toBeLessThan(60)
  })

  test('a refusal leaves no session behind', async () => {
    const ann = await base.ann()
    const before = await base.admin.many(sql`select from auth.sessions where user_id = ${ann.id}`)
    const auth = await asFunction(
      'customAccessToken',
      `begin return '{"error": {"http_code": 403, "message": "not today"}}'; end`,
    )
    const reply = await auth.signIn(ann.email, ann.password)
    expect(reply).toMatchObject({ status: 403, body: { error_code: 'unknown', msg: 'not today' } })
    expect(await auth.refresh(ann.refreshToken)).toMatchObject({ status: 403, body: { msg: 'not today' } })
    const after = await base.admin.many(sql`select from auth.sessions where user_id = ${ann.id}`)
    expect(after).toHaveLength(before.length)
    // The token was not spent either.
    expect((await base.refresh(ann.refreshToken)).status).toBe(200)
  })

  test.each([
    [`'{}'`, 'output claims field is missing'],
    [
      `'{"claims": {}}'`,
      /^output claims do not conform to the expected schema: \n- \(root\): aud is required\n/,
    ],
    [`jsonb_build_object('claims', (event -> 'claims') - 'role')`, /- \(root\): role is required\n/],
    [`jsonb_build_object('claims', (event -> 'claims') || '{"exp": "soon"}')`, /- exp: /],
    [`'[]'`, 'Error unmarshaling JSON output.'],
  ])('the answer %s makes no token', async (answer, msg) => {
    const ann = await base.ann()
    const auth = await asFunction('customAccessToken', `begin return ${answer}; end`)
    const { status, body } = await auth.signIn(ann.email, ann.password)
    expect(status).toBe(500)
    expect(body).toMatchObject({ error_code: 'unexpected_failure' })
    if (typeof msg === 'string') expect(body.msg).toBe(msg)
    else expect(body.msg).toMatch(msg)
  })
})

describe('functions', () => {
  test('run as supabase_auth_admin, and are cancelled after two seconds', async () => {
    const ann = await base.ann()
    const named = await asFunction(
      'passwordVerificationAttempt',
      `begin return jsonb_build_object('decision', 'reject', 'message', current_user); end`,
    )
    expect((await named.signIn(ann.email, ann.password)).body.msg).toBe('supabase_auth_admin')
    const slow = await asFunction(
      'passwordVerificationAttempt',
      `begin perform pg_sleep(30); return '{}'; end`,
    )
    const startedAt = Date.now()
    expect(await slow.signIn(ann.email, ann.password)).toMatchObject({
      status: 500,
      body: {
        error_code: 'unexpected_failure',
        msg: expect.stringMatching(/^Error running hook URI: pg-/) as string,
      },
    })
    expect(Date.now() - startedAt).toBeLessThan(15_000)
    // And the limit does not stay on the connection.
    expect((await base.signIn(ann.email, ann.password)).status).toBe(200)
  })

  test('an exception is told as the project wrote it', async () => {
    const ann = await base.ann()
    const auth = await asFunction(
      'passwordVerificationAttempt',
      `begin raise exception 'closed' using hint = 'x'; end`,
    )
    expect(await auth.signIn(ann.email, ann.password)).toMatchObject({
      status: 500,
      body: { code: 'P0001', message: 'closed', hint: 'x' },
    })
  })

  test.each([
    'pg-functions://postgres/public/missing',
    'pg-functions://postgres/public/x(null); drop table auth.users; --',
    'pg-functions://postgres/public',
    'ftp://example.com/',
    '',
  ])('the address "%s" calls nothing', async (uri) => {
    const ann = await base.ann()
    const auth = await base.with({
      hooks: { passwordVerificationAttempt: { isEnabled: true, uri, secrets } },
    })
    expect(await auth.signIn(ann.email, ann.password)).toMatchObject({
      status: 500,
      body: { msg: `Error running hook URI: ${uri}` },
    })
    expect((await base.signIn(ann.email, ann.password)).status).toBe(200)
  })

  test('one that is not enabled is not asked', async () => {
    const ann = await base.ann()
    const auth = await base.with({
      hooks: { passwordVerificationAttempt: { isEnabled: false, uri: server.url, secrets } },
    })
    expect((await auth.signIn(ann.email, ann.password)).status).toBe(200)
    expect(server.calls).toEqual([])
  })
})

describe('over HTTP', () => {
  const ask = async () => {
    const ann = await base.ann()
    const auth = await overHttp('passwordVerificationAttempt')
    return auth.signIn(ann.email, ann.password)
  }
  const json = { 'content-type': 'application/json' }
  test.each([
    ['401', { status: 401 }, 500, 'unexpected_failure', 'Hook requires authorization token'],
    ['400', { status: 400 }, 500, 'unexpected_failure', 'Invalid payload sent to hook'],
    ['404', { status: 404 }, 500, 'unexpected_failure', 'Unexpected status code returned from hook: 404'],
    [
      'a redirect',
      { status: 302, headers: { location: '/' } },
      500,
      'unexpected_failure',
      'Unexpected status code returned from hook: 302',
    ],
    ['503', { status: 503 }, 500, 'unexpected_failure', 'Service currently unavailable due to hook'],
    [
      'no type',
      { headers: {}, body: '{}' },
      400,
      'hook_payload_invalid_content_type',
      'Invalid Content-Type: Missing Content-Type header',
    ],
    [
      'another type',
      { headers: { 'content-type': 'text/html' }, body: '{}' },
      400,
      'hook_payload_invalid_content_type',
      'Invalid JSON response. Received content-type: text/html',
    ],
    ['not JSON', { headers: json, body: '{' }, 500, 'unexpected_failure', 'Error unmarshaling JSON output.'],
    [
      'too much',
      { headers: json, body: `"${'x'.repeat(200 * 1024)}"` },
      422,
      'hook_payload_over_size_limit',
      'Payload size exceeded size limit of 204800 bytes',
    ],
    ['its own refusal', { body: { error: { http_code: 418, message: 'tea' } } }, 418, 'unknown', 'tea'],
    ['a refusal without a status', { body: { error: { message: 'no' } } }, 500, 'unexpected_failure', 'no'],
    [
      'a broken connection',
      { isBroken: true },
      422,
      'hook_timeout_after_retry',
      'Failed to reach hook after maximum retries',
    ],
    [
      'silence',
      { isSilent: true },
      422,
      'hook_timeout',
      'Failed to reach hook within maximum time of 2.000000 seconds',
    ],
  ])('%s', async (_name, answer, status, error_code, msg) => {
    server.answer(() => answer)
    expect(await ask()).toMatchObject({ status, body: { error_code, msg } })
  })

  test('a hook that asks for patience, or breaks off, is asked three times, each time under another id', async () => {
    for (const answer of [{ status: 503, headers: { 'retry-after': 'true' } }, { isBroken: true }]) {
      server.calls.length = 0
      let tried = 0
      server.answer(() => ((tried += 1) < 3 ? answer : { status: 204 }))
      expect((await ask()).status).toBe(200)
      expect(new Set(server.calls.map(({ headers }) => headers['webhook-id'])).size).toBe(3)
    }
  })

  test('while a secret is changed there are two signatures, and without one nothing is sent', async () => {
    const ann = await base.ann()
    const with2 = await base.with({
      hooks: {
        passwordVerificationAttempt: { isEnabled: true, uri: server.url, secrets: `${secrets}|${secrets}` },
      },
    })
    await with2.signIn(ann.email, ann.password)
    expect(String(server.calls[0]?.headers['webhook-signature'])).toMatch(/^v1,[^,]+, v1,[^,]+$/)
    server.calls.length = 0
    const bare = await base.with({
      hooks: { passwordVerificationAttempt: { isEnabled: true, uri: server.url, secrets: 'plain' } },
    })
    expect(await bare.signIn(ann.email, ann.password)).toMatchObject({
      status: 500,
      body: { msg: 'Error generating signatures: invalid signature format' },
    })
    expect(server.calls).toEqual([])
  })
})

describe('password verification attempt', () => {
  test('is told whether the password was right, and of nobody who is not there', async () => {
    const ann = await base.ann()
    const auth = await overHttp('passwordVerificationAttempt')
    await auth.signIn(ann.email, ann.password)
    expect(lastInput()).toMatchObject({
      metadata: { name: 'password-verification' },
      user_id: ann.id,
      valid: true,
    })
    expect(await auth.signIn(ann.email, 'wrong')).toMatchObject({ status: 400 })
    expect(lastInput()).toMatchObject({ user_id: ann.id, valid: false })
    await auth.signIn('nobody@example.com', 'wrong')
    expect(server.calls).toHaveLength(2)
  })

  test.each([
    [{ decision: 'reject' }, 'Further password verification attempts will be rejected.', 200],
    [{ decision: 'reject', message: 'too often', should_logout_user: true }, 'too often', 403],
  ])('%j refuses even the right password', async (answer, msg, status) => {
    const ann = await base.ann()
    server.answer(() => ({ body: answer }))
    const auth = await overHttp('passwordVerificationAttempt')
    expect(await auth.signIn(ann.email, ann.password)).toMatchObject({
      status: 400,
      body: { error_code: 'invalid_credentials', msg },
    })
    expect((await auth.get('/user', { token: ann.token })).status).toBe(status)
  })

  test('a wrong password stays wrong when the hook does not mind', async () => {
    const ann = await base.ann()
    server.answer(() => ({ body: { decision: 'continue' } }))
    const auth = await overHttp('passwordVerificationAttempt')
    expect((await auth.signIn(ann.email, 'wrong')).body).toMatchObject({ msg: 'Invalid login credentials' })
  })
})

test('MFA verification attempt: is told of right and wrong codes, and a refusal signs out everywhere', async () => {
  const ann = await withTotp(base)
  const auth = await overHttp('mfaVerificationAttempt')
  const verify = async (code: string) => {
    const asked = await challenge(auth, ann.token, ann.factorId)
    return auth.post(
      `/factors/${ann.factorId}/verify`,
      { challenge_id: asked.id, code },
      { token: ann.token },
    )
  }
  expect((await verify('000000x')).status).toBe(422)
  expect(lastInput()).toMatchObject({
    metadata: { name: 'mfa-verification' },
    user_id: ann.id,
    factor_id: ann.factorId,
    factor_type: 'totp',
    valid: false,
  })
  server.answer(() => ({ body: { decision: 'reject' } }))
  expect(await verify(codeOf(ann.secret))).toMatchObject({
    status: 403,
    body: {
      error_code: 'mfa_verification_rejected',
      msg: 'Further MFA verification attempts will be rejected.',
    },
  })
  expect(lastInput()).toMatchObject({ valid: true })
  expect((await auth.get('/user', { token: ann.token })).status).toBe(403)
})

describe('before a user is created', () => {
  test('the hook sees whom, and a refusal makes nobody', async () => {
    const auth = await overHttp('beforeUserCreated')
    server.answer(() => ({ body: { error: { http_code: 403, message: 'by invitation only' } } }))
    const email = newEmail()
    const ways: [string, object][] = [
      ['/signup', { email, password: 'secret-123', data: { name: 'Ann' } }],
      ['/otp', { email, create_user: true }],
      ['/invite', { email }],
    ]
    for (const [path, body] of ways) {
      const token = path === '/invite' ? auth.keys.service : undefined
      expect(await auth.post(path, body, { token })).toMatchObject({
        status: 403,
        body: { msg: 'by invitation only' },
      })
      expect(lastInput()).toMatchObject({
        metadata: { name: 'before-user-created' },
        user: { email, aud: 'authenticated', app_metadata: { provider: 'email' }, identities: [] },
      })
    }
    expect(await auth.post('/signup', { data: { a: 1 } })).toMatchObject({ status: 403 })
    expect(lastInput()).toMatchObject({ user: { is_anonymous: true, user_metadata: { a: 1 } } })
    expect(await usersOf(email)).toBe(0)
    expect(JSON.stringify(server.calls)).not.toContain('secret-123')
  })

  test('it is not asked about an address that is taken', async () => {
    const ann = await base.ann()
    const auth = await overHttp('beforeUserCreated')
    expect(await auth.post('/signup', { email: ann.email, password: 'secret-123' })).toMatchObject({
      status: 422,
      body: { error_code: 'user_already_exists' },
    })
    expect(server.calls).toEqual([])
  })

  test('a function that agrees lets in, one that does not keeps out', async () => {
    const auth = await asFunction(
      'beforeUserCreated',
      `begin
         if event -> 'user' ->> 'email' like 'new-%' then return '{}'; end if;
         return '{"error": {"http_code": 400, "message": "no"}}';
       end`,
    )
    expect((await auth.post('/signup', { email: newEmail(), password: 'secret-123' })).status).toBe(200)
    expect(await auth.post('/signup', { email: 'x@example.com', password: 'secret-123' })).toMatchObject({
      status: 400,
      body: { error_code: 'unknown', msg: 'no' },
    })
    expect(await usersOf('x@example.com')).toBe(0)
  })
})

describe('send e-mail', () => {
  test('the hook gets the code and the mail does not go out twice', async () => {
    const ann = await base.ann()
    const auth = await overHttp('sendEmail')
    expect((await auth.post('/recover', { email: ann.email })).status).toBe(200)
    const { user, email_data: data } = lastInput() as unknown as {
      user: object
      email_data: Record<string, string>
    }
    expect(user).toMatchObject({ id: ann.id, email: ann.email })
    expect(data).toMatchObject({
      email_action_type: 'recovery',
      token: expect.stringMatching(/^\d{6}$/) as string,
      redirect_to: 'http://localhost:3000',
      token_new: '',
    })
    expect(await auth.mails(ann.email)).toEqual([])
    const reply = await auth.post('/verify', { type: 'recovery', token_hash: data.token_hash })
    expect(reply).toMatchObject({ status: 200, body: { user: { id: ann.id } } })
  })

  test('it hears nothing of addresses without an account', async () => {
    const auth = await overHttp('sendEmail')
    expect((await auth.post('/recover', { email: newEmail() })).status).toBe(200)
    expect(server.calls).toEqual([])
  })

  test('of a change both codes, in GoTrue’s places', async () => {
    const ann = await base.ann()
    const auth = await base.with({
      mailerAutoconfirm: false,
      hooks: { sendEmail: { isEnabled: true, uri: server.url, secrets } },
    })
    const email = newEmail()
    expect((await auth.put('/user', { email }, { token: ann.token })).status).toBe(200)
    const { email_data: data } = lastInput() as unknown as { email_data: Record<string, string> }
    expect(data.email_action_type).toBe('email_change')
    for (const [address, token] of [
      [ann.email, data.token],
      [email, data.token_new],
    ])
      expect((await auth.post('/verify', { type: 'email_change', email: address, token })).status).toBe(200)
    expect((await auth.get('/user', { token: ann.token })).body.email).toBe(email)
  })

  test('when it refuses, nothing was asked for', async () => {
    const ann = await base.ann()
    server.answer(() => ({ body: { error: { http_code: 429, message: 'later' } } }))
    const auth = await overHttp('sendEmail')
    expect(await auth.post('/recover', { email: ann.email })).toMatchObject({
      status: 429,
      body: { msg: 'later' },
    })
    const { sent } = await base.admin.one<{ sent: boolean }>(
      sql`select recovery_sent_at is not null as sent from auth.users where id = ${ann.id}`,
    )
    expect(sent).toBe(false)
  })
})

describe('after a user is created', () => {
  test('the hook is told of users that are stored, and of nobody else', async () => {
    const auth = await overHttp('afterUserCreated')
    const ann = await auth.ann({ name: 'Ann' })
    expect(server.calls).toHaveLength(1)
    expect(lastInput()).toMatchObject({
      metadata: { name: 'after-user-created' },
      user: { id: ann.id, email: ann.email, user_metadata: { name: 'Ann' } },
    })
    const anonymous = await auth.post('/signup', {})
    expect(lastInput()).toMatchObject({ user: { id: anonymous.body.user.id, is_anonymous: true } })
    await auth.signIn(ann.email, ann.password)
    await auth.post('/signup', { email: ann.email, password: 'another-password' })
    await auth.post('/signup', { email: newEmail(), password: 'x' })
    expect(server.calls).toHaveLength(2)
  })

  test('what it refuses is told, and the user stays', async () => {
    const auth = await overHttp('afterUserCreated')
    server.answer(() => ({ body: { error: { http_code: 418, message: 'no tea' } } }))
    const email = newEmail()
    expect(await auth.post('/signup', { email, password: 'a-password' })).toMatchObject({
      status: 418,
      body: { msg: 'no tea' },
    })
    expect(await usersOf(email)).toBe(1)
  })
})
