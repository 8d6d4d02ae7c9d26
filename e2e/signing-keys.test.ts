import type { ProjectConnection, SigningKeyList, SigningKeyView } from '@favo/contracts'
import { startPlatform, type TestPlatform } from '@favo/testkit'
import { createSigningKey, signToken } from '@favo/tokens'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hostFetch } from './support/host-fetch.ts'
import { addressOf, connect, runSql, signUp } from './support/projects.ts'

let platform: TestPlatform
let project: ProjectConnection
let url: string
beforeAll(async () => {
  platform = await startPlatform()
  project = await platform.createProject()
  url = addressOf(platform, project, 'ref')
  await runSql(
    project,
    `create function whoami() returns json language sql as
       $$ select json_build_object('sub', auth.uid(), 'role', auth.role(), 'aal', auth.jwt() ->> 'aal') $$;`,
  )
})
afterAll(() => platform.close())

const path = () => `/v1/projects/${project.ref}/config/auth/signing-keys`
const headerOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as Record<string, string>
const whoami = async (token: string, key = project.keys.publishable) => {
  const reply = await hostFetch(`${url}/rest/v1/rpc/whoami`, {
    method: 'POST',
    headers: { apikey: key, authorization: `Bearer ${token}` },
  })
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown> }
}

test('users of a project with its own key are known to every service, and to who verifies for himself', async () => {
  const made = await platform.api<SigningKeyView>('POST', path(), { algorithm: 'ES256', status: 'in_use' })
  const ann = await signUp(url, project.keys.publishable, 'ann@example.com', 'secret of ann')
  const { data: session } = await ann.client.auth.getSession()
  const token = session.session?.access_token ?? ''
  expect(headerOf(token)).toMatchObject({ alg: 'ES256', kid: made.id })

  const { data, error } = await ann.client.auth.getClaims()
  expect(error).toBeNull()
  expect(data).toMatchObject({ header: { kid: made.id }, claims: { email: 'ann@example.com', aal: 'aal1' } })
  expect(await whoami(token)).toMatchObject({
    status: 200,
    body: { sub: data?.claims.sub, role: 'authenticated', aal: 'aal1' },
  })

  const stranger = { ...(await createSigningKey('ES256')), id: made.id, status: 'in_use' as const }
  const forged = signToken(
    { ...data?.claims, role: 'service_role' },
    { jwtSecret: '', signingKeys: [stranger] },
  )
  expect(await whoami(forged)).toMatchObject({ status: 401, body: { code: 'PGRST301' } })
})

test('a revoked key, and the revoked secret, stop working at once', async () => {
  const bob = await signUp(url, project.keys.publishable, 'bob@example.com', 'secret of bob')
  const token = (await bob.client.auth.getSession()).data.session?.access_token ?? ''
  expect((await whoami(token)).status).toBe(200)
  const { keys } = await platform.api<SigningKeyList>('GET', path())
  const [legacy, old] = keys
  await platform.api('POST', path(), { algorithm: 'RS256', status: 'in_use' })
  expect((await whoami(token)).status).toBe(200)

  await platform.api('PATCH', `${path()}/${old?.id ?? ''}`, { status: 'revoked' })
  await expect.poll(async () => (await whoami(token)).status, { timeout: 10_000 }).toBe(401)
  const { data } = await bob.client.auth.refreshSession()
  expect(headerOf(data.session?.access_token ?? '')).toMatchObject({ alg: 'RS256' })
  expect((await whoami(data.session?.access_token ?? '')).status).toBe(200)

  await platform.api('PATCH', `${path()}/${legacy?.id ?? ''}`, { status: 'revoked' })
  await expect
    .poll(async () => (await connect(url, project.keys.anon).rpc('whoami')).status, { timeout: 10_000 })
    .toBe(401)
  expect((await connect(url, project.keys.publishable).rpc('whoami')).data).toMatchObject({ role: 'anon' })
  expect((await connect(url, project.keys.secret).rpc('whoami')).data).toMatchObject({ role: 'service_role' })
})
