import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { sql } from '@favo/postgres'
import type { AuthSettings } from '@favo/projects'
import { createSamlProvider } from '@favo/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startSocial } from '../test/social.ts'
import { gotrueCodes, ownCodes, unusedCodes } from '../test/gotrue-codes.ts'
import { startAuth, type Ask, type Reply, type TestAuth } from '../test/start-auth.ts'

// Refusals are GoTrue's, letter for letter: clients go by them. Most are asserted where what they refuse is; here is that none
// is forgotten, and the ones that no other test comes upon.

const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
)
const read = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8')
const code = sources
  .filter((name) => !name.endsWith('.test.ts'))
  .map(read)
  .join('\n')
const tests = sources
  .filter((name) => name.endsWith('.test.ts'))
  .map(read)
  .join('\n')
const declared = [...code.matchAll(/^ {2}\| '([a-z_0-9]+)'$/gm)].map(([, name = '']) => name)
const codes = declared.filter((name) => name in gotrueCodes || ownCodes.includes(name))

test('every code of GoTrue is answered, or it is known why not', () => {
  const missing = Object.keys(gotrueCodes).filter((name) => !codes.includes(name) && !(name in unusedCodes))
  expect(missing).toEqual([])
  for (const name of Object.keys(unusedCodes)) expect(codes, name).not.toContain(name)
})

test('each code comes with a status that it has in GoTrue', () => {
  const thrown = [...code.matchAll(/new AuthError\(\s*(\d{3}),\s*'([a-z_0-9]+)'/g)]
  expect(thrown.length).toBeGreaterThan(100)
  for (const [, status = '', name = ''] of thrown)
    if (!ownCodes.includes(name))
      expect(gotrueCodes[name], `${name} with ${status}`).toContain(Number(status))
})

test('each code is asserted by a test', () => {
  expect(codes.filter((name) => !new RegExp(`['"\`]${name}['"\`]`).test(tests))).toEqual([])
})

describe('refusals that no other test comes upon', () => {
  let auth: TestAuth
  let ann: Awaited<ReturnType<TestAuth['ann']>>
  const idp = createSamlProvider()
  beforeAll(async () => {
    auth = await startAuth({
      outbound: { allowPrivate: true },
      auth: {
        samlEnabled: true,
        samlPrivateKey: generateKeyPairSync('rsa', { modulusLength: 2_048 })
          .privateKey.export({ type: 'pkcs8', format: 'pem' })
          .toString(),
        manualLinkingEnabled: true,
        external: { twitter: { enabled: true, clientId: 'c', secret: 's' } },
      },
    })
    ann = await auth.ann()
  })
  afterAll(() => auth.close())

  interface Row {
    readonly settings?: Partial<AuthSettings>
    readonly ask: (at: TestAuth) => Promise<Reply>
    readonly status: number
    readonly code: string
    readonly msg: string | RegExp
  }
  const asService = (at: TestAuth): Ask => ({ token: at.keys.service })
  const asAnn = (): Ask => ({ token: ann.token })
  const email = 'nobody@example.com'
  const password = 'a-good-password'
  const offline = { emailProviderEnabled: false }
  const flow = async (id: string, more = sql``) => {
    await auth.admin.run(sql`
      insert into auth.flow_state (id, provider_type, authentication_method, created_at, auth_code, user_id)
      values (${id}, 'google', 'oauth', now(), ${randomUUID()}, ${ann.id})`)
    if (more.text !== '') await auth.admin.run(sql`update auth.flow_state set ${more} where id = ${id}`)
  }

  const rows: Readonly<Record<string, Row>> = {
    'signing up by address where that is off': {
      settings: offline,
      ask: (at) => at.post('/signup', { email, password }),
      status: 400,
      code: 'email_provider_disabled',
      msg: 'Email signups are disabled',
    },
    'a password where addresses are off': {
      settings: offline,
      ask: (at) => at.signIn(email, password),
      status: 422,
      code: 'email_provider_disabled',
      msg: 'Email logins are disabled',
    },
    'a link where addresses are off': {
      settings: offline,
      ask: (at) => at.post('/otp', { email }),
      status: 422,
      code: 'email_provider_disabled',
      msg: 'Email logins are disabled',
    },
    'a recovery where addresses are off': {
      settings: offline,
      ask: (at) => at.post('/recover', { email }),
      status: 400,
      code: 'email_provider_disabled',
      msg: 'Email logins are disabled',
    },
    'asking again where addresses are off': {
      settings: offline,
      ask: (at) => at.post('/resend', { type: 'signup', email }),
      status: 400,
      code: 'email_provider_disabled',
      msg: 'Email logins are disabled',
    },
    'challenging a phone factor where that is off': {
      ask: async (at) => {
        const id = randomUUID()
        await at.admin.run(sql`
          insert into auth.mfa_factors (id, user_id, factor_type, status, phone, created_at, updated_at)
          values (${id}, ${ann.id}, 'phone', 'verified', '15550001', now(), now())`)
        const reply = await at.post(`/factors/${id}/challenge`, {}, asAnn())
        await at.admin.run(sql`delete from auth.mfa_factors where id = ${id}`)
        return reply
      },
      status: 422,
      code: 'mfa_phone_verify_not_enabled',
      msg: 'MFA verification is disabled for Phone',
    },
    'a state that was used': {
      ask: async (at) => {
        const id = randomUUID()
        await flow(id)
        return followed(at, `/callback?state=${id}&code=x`)
      },
      status: 302,
      code: 'flow_state_already_used',
      msg: 'State has already been used',
    },
    'a state whose secret has gone': {
      ask: async (at) => {
        const id = randomUUID()
        await flow(
          id,
          sql`user_id = null, provider_type = 'twitter', oauth_client_state_id = ${randomUUID()}`,
        )
        return followed(at, `/callback?state=${id}&oauth_token=x&oauth_verifier=y`)
      },
      status: 302,
      code: 'oauth_client_state_not_found',
      msg: 'OAuth state not found',
    },
    'a state whose provider is off by now': {
      ask: async (at) => {
        const id = randomUUID()
        await flow(id, sql`user_id = null`)
        return followed(at, `/callback?state=${id}&code=x`)
      },
      status: 302,
      code: 'oauth_provider_not_supported',
      msg: /^Unsupported provider: /,
    },
    'a state without what only we should know': {
      settings: { external: { x: { enabled: true, clientId: 'c', secret: 's' } } },
      ask: async (at) => {
        const id = randomUUID()
        await flow(id, sql`user_id = null, provider_type = 'x'`)
        return followed(at, `/callback?state=${id}&code=x`)
      },
      status: 302,
      code: 'oauth_invalid_state',
      msg: 'OAuth PKCE code verifier missing',
    },
    'metadata that cannot be fetched': {
      ask: (at) =>
        at.post(
          '/admin/sso/providers',
          { type: 'saml', metadata_url: 'https://127.0.0.1:1/metadata' },
          asService(at),
        ),
      status: 400,
      code: 'saml_metadata_fetch_failed',
      msg: "HTTP connection error fetching SAML Metadata from URL 'https://127.0.0.1:1/metadata'",
    },
    'unlinking for another audience': {
      ask: (at) =>
        at.delete(`/user/identities/${randomUUID()}`, undefined, {
          ...asAnn(),
          headers: { 'x-jwt-aud': 'another' },
        }),
      status: 403,
      code: 'unexpected_audience',
      msg: "Token audience doesn't match request audience",
    },
    'unlinking what somebody else’s address hangs on': {
      ask: async (at) => {
        const [bea, taken] = [await at.ann(), await at.ann()]
        const { id } = await at.admin.one<{ id: string }>(
          sql`select id from auth.identities where user_id = ${bea.id}`,
        )
        await at.admin.run(sql`
          insert into auth.identities (id, provider_id, user_id, identity_data, provider, created_at, updated_at)
          values (gen_random_uuid(), 'gh1', ${bea.id},
            jsonb_build_object('sub', 'gh1', 'email', ${taken.email}::text, 'email_verified', true), 'github', now(), now())`)
        return at.delete(`/user/identities/${id}`, undefined, { token: bea.token })
      },
      status: 422,
      code: 'email_conflict_identity_not_deletable',
      msg: 'Unable to unlink identity due to email conflict',
    },
    'a relay state that is too old': {
      ask: async (at) => {
        const added = await at.post(
          '/admin/sso/providers',
          { type: 'saml', metadata_xml: idp.metadata, domains: ['late.example'] },
          asService(at),
        )
        expect(added.status).toBe(201)
        const { body } = await at.post('/sso', { domain: 'late.example', skip_http_redirect: true })
        const request = idp.readRequest((body as unknown as { url: string }).url)
        await at.admin.run(sql`update auth.saml_relay_states set created_at = now() - interval '1 hour'`)
        const response = idp.respond({
          acsUrl: request.acsUrl,
          audience: request.issuer,
          requestId: request.id,
        })
        const form = new URLSearchParams({
          SAMLResponse: Buffer.from(response).toString('base64'),
          RelayState: request.relayState,
        })
        return followed(at, '/sso/saml/acs', { method: 'POST', body: form })
      },
      status: 302,
      code: 'saml_relay_state_expired',
      msg: 'SAML RelayState has expired. Try logging in again?',
    },
  }

  /** What a browser is told: in the answer itself, or where it is sent. */
  async function followed(at: TestAuth, path: string, init: RequestInit = {}): Promise<Reply> {
    const reply = await fetch(at.url + path, { redirect: 'manual', ...init })
    const location = reply.headers.get('location')
    const { searchParams, hash } = new URL(location ?? 'http://nowhere')
    const told =
      location === null
        ? null
        : searchParams.has('error_code')
          ? searchParams
          : new URLSearchParams(hash.slice(1))
    const body =
      told === null
        ? ((await reply.json()) as object)
        : { error_code: told.get('error_code'), msg: told.get('error_description') }
    // Links answer with 303 and providers' callbacks with 302, as in GoTrue.
    const status = reply.status === 303 ? 302 : reply.status
    return { status, headers: reply.headers, body: body as Reply['body'] }
  }

  test.each(Object.keys(rows))('%s', async (name) => {
    const row = rows[name]
    if (row === undefined) throw new Error(name)
    const at = row.settings === undefined ? auth : await auth.with(row.settings)
    const { status, body } = await row.ask(at)
    expect({ status, code: body.error_code }, JSON.stringify(body)).toEqual({
      status: row.status,
      code: row.code,
    })
    if (typeof row.msg === 'string') expect(body.msg).toBe(row.msg)
    else expect(body.msg).toMatch(row.msg)
  })
})

test('an invitation that was taken back meanwhile is found no more', async () => {
  const social = await startSocial()
  const { auth } = social
  social.provider.user = { sub: 'ann', email: 'ann@example.com', email_verified: true }
  await auth.post('/invite', { email: 'ann@example.com' }, { token: auth.keys.service })
  const token = new URL((await auth.lastMail('ann@example.com')).link).searchParams.get('token') ?? ''
  const back = await social.comeBack({ invite_token: token })
  await auth.admin.run(sql`delete from auth.one_time_tokens`)
  const { location } = await social.visit(back)
  expect(Object.fromEntries(location?.searchParams ?? [])).toMatchObject({
    error_code: 'invite_not_found',
    error_description: 'Invite not found',
  })
  await auth.close()
  await social.provider.close()
})
