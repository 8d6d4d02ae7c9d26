import type { CreatedProject, ErrorBody } from '@favo/contracts'
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
  ref = (await control.request<CreatedProject>('POST', '/projects', { name: 'sign-in' })).body.ref
})
afterAll(() => platform.close())

type Config = Record<string, unknown> & ErrorBody
const path = () => `/projects/${ref}/config/auth`
const get = async () => (await control.request<Config>('GET', path())).body
const patch = (body: object) => control.request<Config>('PATCH', path(), body)
const load = async () => (await control.controlPlane.directorySource.loadByRef(ref))?.auth
const stored = async () =>
  (
    await platform.db.one<{ auth: string }>(sql`
    select auth::text as auth from control.project_settings where ref = ${ref}`)
  ).auth

test('a provider is off until it is set up, and each setting is kept by itself', async () => {
  expect(await get()).toMatchObject({
    external_google_enabled: false,
    external_google_client_id: null,
    external_google_secret: null,
    saml_enabled: false,
    oauth_server_enabled: false,
    security_manual_linking_enabled: false,
  })
  await patch({ external_google_enabled: true, external_google_client_id: 'g' })
  await patch({
    external_google_skip_nonce_check: true,
    external_keycloak_url: 'https://sso.example.com/realms/r',
  })
  expect(await load()).toMatchObject({
    external: {
      google: { enabled: true, clientId: 'g', skipNonceCheck: true },
      keycloak: { url: 'https://sso.example.com/realms/r' },
    },
  })
  await patch({ external_google_client_id: null })
  expect((await load())?.external?.google).toEqual({ enabled: true, skipNonceCheck: true })
})

test('two changes at once lose nothing', async () => {
  await Promise.all([
    patch({ external_github_client_id: 'h' }),
    patch({ external_gitlab_client_id: 'l' }),
    patch({ external_github_enabled: true }),
  ])
  expect((await load())?.external).toMatchObject({
    github: { clientId: 'h', enabled: true },
    gitlab: { clientId: 'l' },
  })
})

test('secrets are stored sealed, handed to the service opened, and shown by their hash', async () => {
  const secret = 'a-very-secret-secret'
  const { body } = await patch({ external_github_secret: secret })
  expect(body.external_github_secret).toBe(sha256Hex(secret))
  expect(await stored()).not.toContain(secret)
  expect((await load())?.external?.github?.secret).toBe(secret)
  expect(control.logLines.some((line) => JSON.stringify(line).includes(secret))).toBe(false)
})

test('SAML gets a key when it is first turned on, and keeps it', async () => {
  await patch({ saml_enabled: true })
  const key = (await load())?.samlPrivateKey
  expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----/)
  expect(await stored()).not.toContain('PRIVATE KEY')
  await patch({ saml_enabled: false })
  await patch({ saml_enabled: true })
  expect((await load())?.samlPrivateKey).toBe(key)
  expect(JSON.stringify(await get())).not.toContain('PRIVATE KEY')
})

test('other settings of the same request are kept too, and what does not fit is refused', async () => {
  await patch({
    site_url: 'https://app.example.com',
    oauth_server_enabled: true,
    external_web3_solana_enabled: true,
  })
  expect(await load()).toMatchObject({
    siteUrl: 'https://app.example.com',
    oauthServerEnabled: true,
    web3SolanaEnabled: true,
  })
  for (const body of [
    { external_google_enabled: 'yes' },
    { external_keycloak_url: 'javascript:alert(1)' },
    { saml_enabled: 1 },
    { external_google_client_id: 'x\0' },
  ])
    expect((await patch(body)).status).toBe(422)
})
