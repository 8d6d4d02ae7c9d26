import { createHash, randomBytes } from 'node:crypto'
import { sql } from '@favo/postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { claimsOf, startAuth, type Ann, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth({
    auth: { mailMaxFrequencySeconds: 0, uriAllowList: ['https://app.example/**', 'myapp://callback'] },
  })
})
afterAll(() => auth.close())

const recover = (email: string, query = '') => auth.post(`/recover${query}`, { email })
const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url')

describe('recovery', () => {
  test('mails a link that signs in, to set a new password', async () => {
    const ann = await auth.ann()
    expect(await recover(ann.email.toUpperCase())).toMatchObject({ status: 200, body: {} })
    const mail = await auth.lastMail(ann.email)
    expect(mail.subject).toBe('Reset Your Password')
    const led = await auth.follow(mail.link)
    const token = new URLSearchParams(led.hash.slice(1)).get('access_token') ?? ''
    await auth.put('/user', { password: 'new-password' }, { token })
    expect((await auth.signIn(ann.email, 'new-password')).status).toBe(200)
    expect(new URLSearchParams((await auth.follow(mail.link)).hash.slice(1)).get('error_code')).toBe(
      'otp_expired',
    )
  })

  test('answers an unknown address alike, with the same statements and no mail', async () => {
    const ann = await auth.ann()
    const workOf = async (email: string) => {
      const before = auth.statements()
      const { status, body } = await recover(email)
      return { status, body, statements: auth.statements() - before }
    }
    const known = await workOf(ann.email)
    expect(await workOf('nobody@example.com')).toEqual(known)
    expect(await auth.mails('nobody@example.com')).toEqual([])
    expect(await auth.mails(ann.email)).toHaveLength(1)
  })

  test('of an account that changes its password in between is void', async () => {
    const ann = await auth.ann()
    await recover(ann.email)
    const { otp } = await auth.lastMail(ann.email)
    await auth.put('/user', { password: 'new-password' }, { token: ann.token })
    const reply = await auth.post('/verify', { type: 'recovery', email: ann.email, token: otp })
    expect(reply.body.error_code).toBe('otp_expired')
  })
})

describe('codes', () => {
  test('cannot be found by trying: after ten misses the right one is wrong too', async () => {
    const ann = await auth.ann()
    await recover(ann.email)
    const { otp } = await auth.lastMail(ann.email)
    const attempt = (token: string) => auth.post('/verify', { type: 'recovery', email: ann.email, token })
    const wrong = otp === '000000' ? '111111' : '000000'
    for (let i = 0; i < 10; i++) expect((await attempt(wrong)).status).toBe(403)
    expect((await attempt(otp)).body.error_code).toBe('otp_expired')

    await recover(ann.email)
    expect((await attempt((await auth.lastMail(ann.email)).otp)).status).toBe(200)
  })

  test('are good for one address and one purpose', async () => {
    const [ann, bob] = [await auth.ann(), await auth.ann()]
    await recover(ann.email)
    const { otp, link } = await auth.lastMail(ann.email)
    const attempt = (body: object) => auth.post('/verify', body)
    expect((await attempt({ type: 'recovery', email: bob.email, token: otp })).status).toBe(403)
    expect((await attempt({ type: 'signup', email: ann.email, token: otp })).status).toBe(403)
    const hash = new URL(link).searchParams.get('token')
    expect((await attempt({ type: 'email_change', token_hash: hash })).body.msg).toBe(
      'Email link is invalid or has expired',
    )
    expect((await attempt({ type: 'recovery', token_hash: hash })).status).toBe(200)
  })

  test('of a banned user sign nobody in', async () => {
    const ann = await auth.ann()
    await recover(ann.email)
    const { otp } = await auth.lastMail(ann.email)
    await auth.admin.run(sql`update auth.users set banned_until = 'infinity' where id = ${ann.id}`)
    const reply = await auth.post('/verify', { type: 'recovery', email: ann.email, token: otp })
    expect(reply.body.error_code).toBe('user_banned')
  })

  test.each([
    [{}, 'Verify requires a verification type'],
    [{ type: 'signup' }, 'Verify requires either a token or a token hash'],
    [{ type: 'signup', token: '1', token_hash: '2' }, 'Verify requires either a token or a token hash'],
    [{ type: 'signup', token: '1' }, 'Only an email address or phone number should be provided on verify'],
    [{ type: 'signup', token_hash: '2', email: 'a@b.co' }, 'Only the token_hash and type should be provided'],
    [{ type: 'x', token_hash: '2' }, 'Invalid email verification type'],
    [{ type: 'sms', token: '1', phone: 'x' }, 'Invalid phone number format (E.164 required)'],
  ])('%j is refused: %s', async (body, msg) => {
    expect((await auth.post('/verify', body)).body).toMatchObject({
      code: 400,
      error_code: 'validation_failed',
      msg,
    })
  })
})

describe('where links lead', () => {
  test.each([
    ['https://app.example/welcome?x=1', 'https://app.example'],
    ['https://evil.example/', 'http://localhost:3000'],
    ['https://app.example@evil.example/', 'http://localhost:3000'],
    ['javascript:alert(1)', 'http://localhost:3000'],
  ])('redirect_to=%s ends at %s, in the mail and in the link', async (redirectTo, origin) => {
    const ann = await auth.ann()
    await recover(ann.email, `?redirect_to=${encodeURIComponent(redirectTo)}`)
    const { link } = await auth.lastMail(ann.email)
    const forged = new URL(link)
    forged.searchParams.set('redirect_to', redirectTo)
    expect((await auth.follow(forged.toString())).origin).toBe(origin)
    expect(new URL(new URL(link).searchParams.get('redirect_to') ?? '').origin).toBe(origin)
  })

  test('a forged Host does not get into a mail', async () => {
    const ann = await auth.ann()
    const headers = {
      'x-forwarded-host': 'evil.example',
      host: 'evil.example',
      referer: 'https://evil.example/',
    }
    await auth.post('/recover', { email: ann.email }, { headers })
    expect((await auth.lastMail(ann.email)).link).not.toContain('evil')
  })

  test('looking at a link without following it (HEAD) spends nothing', async () => {
    const ann = await auth.ann()
    await recover(ann.email)
    const { link } = await auth.lastMail(ann.email)
    const { search } = new URL(link)
    await fetch(`${auth.url}/verify${search}`, { method: 'HEAD', redirect: 'manual' })
    const led = await auth.follow(link)
    expect(led.hash).toContain('access_token=')
  })
})

describe('magic links', () => {
  test('sign in who is known and sign up who is new', async () => {
    const ann = await auth.ann()
    await auth.post('/otp', { email: ann.email })
    const known = await auth.lastMail(ann.email)
    expect(known.subject).toBe('Your Magic Link')
    const signedIn = await auth.post('/verify', { type: 'email', email: ann.email, token: known.otp })
    expect(signedIn.body.user.id).toBe(ann.id)

    await auth.post('/otp', { email: 'new-by-link@example.com', data: { name: 'New' } })
    const led = await auth.follow((await auth.lastMail('new-by-link@example.com')).link)
    const token = new URLSearchParams(led.hash.slice(1)).get('access_token') ?? ''
    expect(claimsOf(token)).toMatchObject({
      email: 'new-by-link@example.com',
      user_metadata: { name: 'New' },
      app_metadata: { providers: ['email'] },
    })
  })

  test('are refused for strangers where that is asked, or sign-ups are off', async () => {
    const reply = await auth.post('/otp', { email: 'stranger@example.com', create_user: false })
    expect(reply.body).toMatchObject({
      code: 422,
      error_code: 'otp_disabled',
      msg: 'Signups not allowed for otp',
    })
    const closed = await auth.with({ disableSignup: true })
    expect((await closed.post('/otp', { email: 'stranger@example.com' })).body.error_code).toBe(
      'signup_disabled',
    )
  })
})

describe('PKCE', () => {
  const start = async (ann: Ann, verifier: string) => {
    const challenge = { code_challenge: challengeOf(verifier), code_challenge_method: 's256' }
    await auth.post('/recover?redirect_to=myapp%3A%2F%2Fcallback', { email: ann.email, ...challenge })
    const led = await auth.follow((await auth.lastMail(ann.email)).link)
    expect(led.protocol).toBe('myapp:')
    expect(led.hash).toBe('')
    return led.searchParams.get('code') ?? ''
  }
  const exchange = (auth_code: string, code_verifier: string) =>
    auth.post('/token?grant_type=pkce', { auth_code, code_verifier })

  test('gives the session only to the client that asked, once', async () => {
    const ann = await auth.ann()
    const verifier = randomBytes(40).toString('hex')
    const code = await start(ann, verifier)
    expect((await exchange(code, randomBytes(40).toString('hex'))).body).toMatchObject({
      code: 400,
      error_code: 'bad_code_verifier',
      msg: 'code challenge does not match previously saved code verifier',
    })
    const replies = await Promise.all([exchange(code, verifier), exchange(code, verifier)])
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 404])
    const won = replies.find(({ status }) => status === 200)
    expect(claimsOf(won?.body.access_token ?? '')).toMatchObject({
      sub: ann.id,
      amr: [{ method: 'recovery' }],
    })
  })

  test('a code is worth nothing before its link was followed, or too late', async () => {
    const ann = await auth.ann()
    const verifier = randomBytes(40).toString('hex')
    const challenge = { code_challenge: challengeOf(verifier), code_challenge_method: 's256' }
    await auth.post('/recover', { email: ann.email, ...challenge })
    const { auth_code } = await auth.admin.one<{ auth_code: string }>(sql`
      select auth_code from auth.flow_state where user_id = ${ann.id}
    `)
    expect((await exchange(auth_code, verifier)).body.error_code).toBe('flow_state_not_found')
    const code = await start(ann, verifier)
    await auth.admin.run(sql`
      update auth.flow_state set auth_code_issued_at = now() - interval '301 s' where auth_code = ${code}
    `)
    expect((await exchange(code, verifier)).body).toMatchObject({
      code: 422,
      error_code: 'flow_state_expired',
    })
  })

  test.each([
    [{ code_challenge: 'x'.repeat(43) }, 'PKCE flow requires code_challenge_method and code_challenge'],
    [
      { code_challenge: 'short', code_challenge_method: 's256' },
      'code challenge has to be between 43 and 128 characters',
    ],
    [
      { code_challenge: '!'.repeat(43), code_challenge_method: 's256' },
      'code challenge can only contain alphanumeric characters, hyphens, periods, underscores and tildes',
    ],
  ])('%j is refused', async (challenge, msg) => {
    const reply = await auth.post('/recover', { email: 'ann@example.com', ...challenge })
    expect(reply.body).toMatchObject({ code: 400, error_code: 'validation_failed', msg })
  })
})
