import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { sql } from '@favo/postgres'
import { createSamlProvider, type SamlProvider } from '@favo/testkit'
import { expect, test } from 'vitest'
import { createPkce, fragmentOf, site } from '../../test/social.ts'
import { claimsOf, startAuth, type TestAuth } from '../../test/start-auth.ts'

const samlPrivateKey = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()

async function start() {
  const auth = await startAuth({
    auth: { samlEnabled: true, samlPrivateKey, siteUrl: site, uriAllowList: ['https://app.example.com/**'] },
  })
  const idp = createSamlProvider()
  const token = auth.keys.service
  const { status, body } = await auth.post(
    '/admin/sso/providers',
    {
      type: 'saml',
      metadata_xml: idp.metadata,
      domains: ['example.com'],
      attribute_mapping: {
        keys: {
          name: { name: 'friendly-displayName' },
          team: { names: ['none', 'dept'], array: true },
          tier: { default: 'gold' },
        },
      },
    },
    { token },
  )
  if (status !== 201) throw new Error(JSON.stringify(body))
  return { auth, idp, providerId: body.id }
}

async function begin(auth: TestAuth, idp: SamlProvider, more: object = {}) {
  const { status, body } = await auth.post('/sso', {
    domain: 'example.com',
    skip_http_redirect: true,
    ...more,
  })
  if (status !== 200) throw new Error(JSON.stringify(body))
  const request = idp.readRequest((body as unknown as { url: string }).url)
  return { ...request, to: { acsUrl: request.acsUrl, audience: request.issuer, requestId: request.id } }
}

async function answer(auth: TestAuth, xml: string, relayState: string) {
  const reply = await fetch(`${auth.url}/sso/saml/acs`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ SAMLResponse: Buffer.from(xml).toString('base64'), RelayState: relayState }),
  })
  return { status: reply.status, location: new URL(reply.headers.get('location') ?? 'http://nowhere') }
}

const attributes = { mail: 'Ann@Example.com', displayName: 'Ann', dept: ['a', 'b'] }
const refused = (description: string, error_code: string) => ({ error_code, error_description: description })
const told = (end: { location: URL }) => Object.fromEntries(end.location.searchParams)
const invalid = refused('SAML Assertion is not valid', 'validation_failed')

test('who the identity provider vouches for has a session, an account of its own and mapped attributes', async () => {
  const { auth, idp, providerId } = await start()
  const own = await auth.post('/signup', { email: 'ann@example.com', password: 'secret-secret' })
  const { to, relayState } = await begin(auth, idp, { redirect_to: 'https://app.example.com/in' })
  const end = await answer(
    auth,
    idp.respond(to, { nameId: 'ann-1', attributes, sessionNotOnOrAfter: 3_600 }),
    relayState,
  )
  expect(end.status).toBe(302)
  expect(end.location.origin + end.location.pathname).toBe('https://app.example.com/in')
  const token = fragmentOf(end.location).get('access_token') ?? ''
  expect(claimsOf(token).amr).toMatchObject([{ method: 'sso/saml', provider: providerId }])
  const { body } = await auth.get('/user', { token })
  expect(body.id).not.toBe(own.body.user.id)
  expect(body).toMatchObject({
    email: 'ann@example.com',
    app_metadata: { provider: `sso:${providerId}` },
    identities: [{ provider: `sso:${providerId}`, id: 'ann-1' }],
    user_metadata: {
      name: 'Ann',
      email: 'ann@example.com',
      iss: idp.entityId,
      custom_claims: { team: ['a', 'b'], tier: 'gold' },
    },
  })
  const [session] = await auth.admin.many<{ ends: boolean }>(
    sql`select not_after > now() + interval '50 minutes' as ends from auth.sessions where not_after is not null`,
  )
  expect(session?.ends).toBe(true)

  const again = await begin(auth, idp)
  const next = await answer(
    auth,
    idp.respond(again.to, { nameId: 'ann-1', attributes }, 'response'),
    again.relayState,
  )
  expect(claimsOf(fragmentOf(next.location).get('access_token') ?? '').sub).toBe(body.id)
})

test('with PKCE the browser gets a code for the client that asked', async () => {
  const { auth, idp } = await start()
  const { verifier, params } = createPkce()
  const { to, relayState } = await begin(auth, idp, params)
  const end = await answer(auth, idp.respond(to, { attributes }), relayState)
  const auth_code = end.location.searchParams.get('code')
  const { status, body } = await auth.post('/token?grant_type=pkce', { auth_code, code_verifier: verifier })
  expect(status).toBe(200)
  expect(claimsOf(body.access_token).amr).toMatchObject([{ method: 'sso/saml' }])
})

test('the identity provider may begin, and leads to allowed pages only', async () => {
  const { auth, idp } = await start()
  const { to } = await begin(auth, idp)
  const own = { ...to, requestId: null }
  const allowed = await answer(auth, idp.respond(own, { attributes }), 'https://app.example.com/x')
  expect(allowed.location.origin).toBe('https://app.example.com')
  const evil = await answer(auth, idp.respond(own, { attributes }), 'https://evil.test/')
  expect(evil.location.origin).toBe(site)
  expect(await answer(auth, idp.respond(own), 'nonsense')).toMatchObject({ status: 303 })
})

test('an assertion is good once', async () => {
  const { auth, idp } = await start()
  const { to, relayState } = await begin(auth, idp)
  const xml = idp.respond(to, { attributes })
  expect((await answer(auth, xml, relayState)).location.hash).toContain('access_token')
  expect(told(await answer(auth, xml, relayState))).toMatchObject(
    refused('SAML RelayState does not exist, try logging in again?', 'saml_relay_state_not_found'),
  )
  const unasked = idp.respond({ ...to, requestId: null }, { attributes })
  const ends = await Promise.all([answer(auth, unasked, ''), answer(auth, unasked, '')])
  expect(ends.filter(({ location }) => location.hash.includes('access_token'))).toHaveLength(1)
  expect(told(await answer(auth, unasked, ''))).toMatchObject(invalid)
  // One that answers a request cannot be shown as if nobody had asked.
  const other = await begin(auth, idp)
  expect(told(await answer(auth, idp.respond(other.to, { attributes }), ''))).toMatchObject(invalid)
})

test('assertions for others, of other times, or answers to other requests are refused', async () => {
  const { auth, idp } = await start()
  const bad = {
    audience: { audience: 'https://other.example.com' },
    recipient: { recipient: 'https://other.example.com/acs' },
    destination: { destination: 'https://other.example.com/acs' },
    request: { inResponseTo: 'id-another' },
    'no request': { inResponseTo: null },
    expired: { notOnOrAfter: -400, notBefore: -800 },
    'not yet': { notBefore: 400 },
    issuer: { issuer: 'https://evil.test' },
  }
  for (const [name, input] of Object.entries(bad)) {
    const { to, relayState } = await begin(auth, idp)
    expect(
      told(await answer(auth, idp.respond(to, { attributes, ...input }), relayState)),
      name,
    ).toMatchObject(invalid)
  }
})

test('what is not signed by the provider’s key is refused', async () => {
  const { auth, idp } = await start()
  const forger = createSamlProvider({ entityId: idp.entityId })
  const variants = {
    unsigned: (to: Parameters<SamlProvider['respond']>[0]) => idp.respond(to, { attributes }, null),
    forged: (to: Parameters<SamlProvider['respond']>[0]) => forger.respond(to, { attributes }),
    changed: (to: Parameters<SamlProvider['respond']>[0]) =>
      idp.respond(to, { attributes }).replace('Ann@Example.com', 'boss@example.com'),
  }
  for (const [name, make] of Object.entries(variants)) {
    const { to, relayState } = await begin(auth, idp)
    expect(told(await answer(auth, make(to), relayState)), name).toMatchObject(invalid)
  }
})

test('signature wrapping: a signed assertion beside, around or inside a forged one gives nothing', async () => {
  const { auth, idp } = await start()
  const find = (xml: string) => /<saml:Assertion [\s\S]*<\/saml:Assertion>/.exec(xml)?.[0] ?? ''
  const forge = (signed: string) =>
    signed
      .replace(/<Signature[\s\S]*<\/Signature>/, '')
      .replace(/<ds:Signature[\s\S]*<\/ds:Signature>/, '')
      .replace(/ ID="a-[^"]+"/, ' ID="a-forged"')
      .replace('Ann@Example.com', 'boss@example.com')
  const wraps: Record<string, (xml: string) => string> = {
    'forged first': (xml) => xml.replace(find(xml), forge(find(xml)) + find(xml)),
    'forged last': (xml) => xml.replace(find(xml), find(xml) + forge(find(xml))),
    'signed in extensions': (xml) =>
      xml
        .replace(find(xml), forge(find(xml)))
        .replace('<samlp:Status>', `<samlp:Extensions>${find(xml)}</samlp:Extensions><samlp:Status>`),
    'signed inside the forged': (xml) =>
      xml.replace(
        find(xml),
        forge(find(xml)).replace(
          '</saml:Assertion>',
          `<saml:Advice>${find(xml)}</saml:Advice></saml:Assertion>`,
        ),
      ),
    'same id': (xml) =>
      xml.replace(
        find(xml),
        find(xml)
          .replace(/<Signature[\s\S]*<\/Signature>/, '')
          .replace('Ann@Example.com', 'boss@example.com') + find(xml),
      ),
    'comment in the name': (xml) => xml.replace('ann-1', 'ann-1<!-- -->.evil'),
    entity: (xml) => `<!DOCTYPE x [<!ENTITY e "boss@example.com">]>${xml.replace('Ann@Example.com', '&e;')}`,
  }
  for (const [name, wrap] of Object.entries(wraps)) {
    const { to, relayState } = await begin(auth, idp)
    const signed = idp.respond(to, { nameId: 'ann-1', attributes })
    const end = await answer(auth, wrap(signed), relayState)
    expect(end.location.hash, name).toBe('')
    expect(told(end), name).toMatchObject(invalid)
  }
  const { rows } = await auth.admin.one<{ rows: number }>(sql`select count(*)::int as rows from auth.users`)
  expect(rows).toBe(0)
})

test('a provider’s assertion is worth nothing in another project', async () => {
  const [ours, theirs] = await Promise.all([start(), start()])
  const { to } = await begin(theirs.auth, theirs.idp)
  const xml = theirs.idp.respond({ ...to, requestId: null }, { attributes })
  expect(told(await answer(ours.auth, xml, ''))).toMatchObject(
    refused('A SAML connection has not been established with this Identity Provider', 'saml_idp_not_found'),
  )
})

test('without a lasting id or an address nobody comes in', async () => {
  const { auth, idp } = await start()
  const format = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'
  const first = await begin(auth, idp)
  expect(
    told(await answer(auth, idp.respond(first.to, { nameIdFormat: format, attributes }), first.relayState))
      .error_code,
  ).toBe('saml_assertion_no_user_id')
  const second = await begin(auth, idp)
  expect(told(await answer(auth, idp.respond(second.to), second.relayState)).error_code).toBe(
    'saml_assertion_no_email',
  )
})

test('requests are signed, and the metadata tells where and with which key', async () => {
  const { auth, idp } = await start()
  const { query, xml, acsUrl, issuer } = await begin(auth, idp)
  expect(query.get('SigAlg')).toBe('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256')
  expect(query.get('Signature')).toBeTruthy()
  expect(xml).toContain('nameid-format:persistent')
  const reply = await fetch(`${auth.url}/sso/saml/metadata?download=true`)
  const metadata = await reply.text()
  expect(reply.headers.get('content-type')).toContain('application/xml')
  expect(metadata).toContain(`entityID="${issuer}"`)
  expect(metadata).toContain(`Location="${acsUrl}"`)
  expect(metadata).toMatch(/validUntil=/)
  expect(acsUrl).toMatch(/^http:\/\/[a-z]{20}\.favo\.localhost:8000\/auth\/v1\/sso\/saml\/acs$/)
})

test('refusals of /sso', async () => {
  const { auth, idp, providerId } = await start()
  const table: [object, number, string, string][] = [
    [{}, 400, 'validation_failed', 'A provider_id or domain needs to be provided'],
    [
      { provider_id: providerId, domain: 'x' },
      400,
      'validation_failed',
      'Only one of provider_id or domain supported',
    ],
    [{ provider_id: randomUUID() }, 404, 'sso_provider_not_found', 'No such SSO provider'],
    [{ domain: 'other.com' }, 404, 'sso_provider_not_found', 'No SSO provider assigned for this domain'],
    [
      { domain: 'example.com', code_challenge: 'x' },
      400,
      'validation_failed',
      'PKCE flow requires code_challenge_method and code_challenge',
    ],
  ]
  for (const [input, status, error_code, msg] of table)
    expect(await auth.post('/sso', input)).toMatchObject({ status, body: { error_code, msg } })
  const token = auth.keys.service
  await auth.put(`/admin/sso/providers/${providerId}`, { disabled: true }, { token })
  expect((await auth.post('/sso', { domain: 'example.com' })).body.error_code).toBe('sso_provider_disabled')
  const off = await auth.with({ samlEnabled: false })
  expect(await off.post('/sso', {})).toMatchObject({
    status: 404,
    body: { error_code: 'saml_provider_disabled' },
  })
  expect(idp.entityId).toBeTruthy()
})

test('administrators make, list, change and delete providers', async () => {
  const { auth, idp, providerId } = await start()
  const token = auth.keys.service
  const path = `/admin/sso/providers/${providerId}`
  const post = (more: object) => auth.post('/admin/sso/providers', { type: 'saml', ...more }, { token })
  const msgOf = async (more: object) => (await post(more)).body.msg
  expect(await msgOf({ type: 'x' })).toBe("Only 'saml' supported for SSO provider type")
  expect(await msgOf({})).toBe('Either metadata_xml or metadata_url must be set')
  expect(await msgOf({ metadata_url: 'http://x.test' })).toBe('metadata_url is not a HTTPS URL')
  expect(await msgOf({ metadata_xml: '<x/>' })).toBe('SAML Metadata does not contain an EntityID')
  expect(await post({ metadata_xml: idp.metadata })).toMatchObject({
    status: 422,
    body: { error_code: 'saml_idp_already_exists' },
  })
  const second = createSamlProvider()
  expect(await post({ metadata_xml: second.metadata, domains: ['example.com'] })).toMatchObject({
    status: 400,
    body: { error_code: 'sso_domain_already_exists' },
  })
  const { body: list } = await auth.get('/admin/sso/providers', { token })
  expect(list).toMatchObject({
    items: [{ id: providerId, domains: [{ domain: 'example.com' }], saml: { entity_id: idp.entityId } }],
  })
  expect(JSON.stringify(list)).not.toContain('metadata_xml')
  const changed = await auth.put(path, { domains: ['new.example.com'], resource_id: 'mine' }, { token })
  expect(changed).toMatchObject({
    status: 200,
    body: { resource_id: 'mine', domains: [{ domain: 'new.example.com' }] },
  })
  expect((await auth.get('/admin/sso/providers/resource_mine', { token })).body.id).toBe(providerId)
  expect(await auth.put(path, { metadata_xml: second.metadata }, { token })).toMatchObject({
    status: 400,
    body: { error_code: 'saml_entity_id_mismatch' },
  })
  expect((await auth.delete(path, undefined, { token })).status).toBe(200)
  expect(await auth.get(path, { token })).toMatchObject({
    status: 404,
    body: { error_code: 'sso_provider_not_found' },
  })
  const ann = await auth.ann()
  expect((await auth.get('/admin/sso/providers', { token: ann.token })).status).toBe(403)
})
