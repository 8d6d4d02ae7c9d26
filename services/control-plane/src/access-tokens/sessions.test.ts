import type { AccessToken, CreatedAccessToken, ErrorBody, PlatformInfo, Profile } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { signJwt } from '@favo/tokens'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPerson, createTeam, createToken, signSession } from '../../test/people.ts'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
})
afterAll(() => platform.close())

const profile = (token: string) =>
  control.request<Profile & ErrorBody>('GET', '/profile', undefined, { authorization: `Bearer ${token}` })
const person = () => createPerson(platform, control)
const admin = (statement: ReturnType<typeof sql>) => platform.admin((db) => db.run(statement))

test('a session at the platform project is good at the control plane', async () => {
  const ann = await person()
  expect(await profile(ann.session)).toMatchObject({
    status: 200,
    body: { gotrue_id: ann.id, primary_email: ann.email },
  })
})

describe('a session stops being good at once when', () => {
  test.each([
    ['it was signed out', (id: string) => sql`delete from auth.sessions where user_id = ${id}::uuid`],
    [
      'its time is over',
      (id: string) => sql`update auth.sessions set not_after = now() where user_id = ${id}::uuid`,
    ],
    [
      'the person was banned',
      (id: string) => sql`update auth.users set banned_until = now() + '1 hour' where id = ${id}::uuid`,
    ],
    [
      'the person was deleted softly',
      (id: string) => sql`update auth.users set deleted_at = now() where id = ${id}::uuid`,
    ],
    ['the person was deleted', (id: string) => sql`delete from auth.users where id = ${id}::uuid`],
    [
      'the address is not confirmed',
      (id: string) => sql`update auth.users set email_confirmed_at = null where id = ${id}::uuid`,
    ],
    [
      'a second factor is there and was not used',
      (id: string) => sql`
        insert into auth.mfa_factors (id, user_id, factor_type, status, created_at, updated_at)
        values (gen_random_uuid(), ${id}::uuid, 'totp', 'verified', now(), now())`,
    ],
  ])('%s', async (_name, change) => {
    const ann = await person()
    expect((await profile(ann.session)).status).toBe(200)
    await admin(change(ann.id))
    expect((await profile(ann.session)).status).toBe(401)
  })
})

test('tokens of people who may not sign in any more are refused', async () => {
  const ann = await person()
  const token = await createToken(platform, ann.id)
  expect((await profile(token)).status).toBe(200)
  await admin(sql`update auth.users set banned_until = now() + '1 hour' where id = ${ann.id}::uuid`)
  expect((await profile(token)).status).toBe(401)
})

test('what is no session of a person is refused', async () => {
  const [ann, ben] = await Promise.all([person(), person()])
  const { sessionId, id } = ann
  const project = await control.request<{ connection: { keys: Record<string, string>; jwt_secret: string } }>(
    'POST',
    '/projects',
    { name: 'x' },
  )
  const claims = { sub: id, session_id: sessionId }
  const exp = Math.floor(Date.now() / 1000) + 60
  const platformProject = await control.controlPlane.directorySource.loadBySubdomain('platform')
  const { anon_key: anon } = (await control.request<PlatformInfo>('GET', '/platform')).body
  for (const token of [
    anon,
    signJwt({ role: 'service_role', ref: platformProject?.ref, exp }, platformProject?.jwtSecret ?? ''),
    // Of another tenant, who knows his own secret and its ids.
    signJwt({ ...claims, role: 'authenticated', exp }, project.body.connection.jwt_secret),
    await signSession(control, { ...claims, session_id: ben.sessionId }),
    await signSession(control, { sub: id }),
    await signSession(control, { ...claims, role: 'service_role' }),
    await signSession(control, { ...claims, exp: undefined }),
    await signSession(control, { ...claims, sub: "' or true --" }),
    `${ann.session}x`,
    'a.b.c',
  ])
    expect((await profile(token)).status, token).toBe(401)
})

test('a session that an application was given is not the person’s own', async () => {
  const ann = await person()
  await admin(sql`
    with client as (
      insert into auth.oauth_clients (id, registration_type, redirect_uris, grant_types, token_endpoint_auth_method)
      values (gen_random_uuid(), 'manual', 'https://x.example', 'authorization_code', 'none') returning id
    )
    update auth.sessions set oauth_client_id = client.id from client where user_id = ${ann.id}::uuid`)
  expect((await profile(ann.session)).status).toBe(401)
})

test('everybody sees and revokes his own tokens', async () => {
  const [ann, ben] = await Promise.all([person(), person()])
  const made = await ann.request<CreatedAccessToken>('POST', '/access-tokens', { name: 'laptop' })
  expect(made).toMatchObject({ status: 201, body: { user_id: ann.id, scopes: null } })
  const names = async (someone: typeof ann) =>
    (await someone.request<AccessToken[]>('GET', '/access-tokens')).body.map(({ name }) => name)
  expect([await names(ann), await names(ben)]).toEqual([['laptop'], []])
  expect((await ben.request('DELETE', `/access-tokens/${made.body.id}`)).status).toBe(404)
  expect((await profile(made.body.token)).body.gotrue_id).toBe(ann.id)
  expect((await ann.request('DELETE', `/access-tokens/${made.body.id}`)).status).toBe(200)
  expect((await profile(made.body.token)).status).toBe(401)
})

test('a limited token makes none that is good for more', async () => {
  const ann = await person()
  const token = await createToken(platform, ann.id, { scopes: ['account:write', 'database:read'] })
  const create = (scopes?: string[]) =>
    control.request<CreatedAccessToken>(
      'POST',
      '/access-tokens',
      { name: 'more', ...(scopes && { scopes }) },
      { authorization: `Bearer ${token}` },
    )
  expect((await create()).body.scopes).toEqual(['account:write', 'database:read'])
  expect((await create(['database:read', 'account:read'])).status).toBe(201)
  for (const scopes of [['database:write'], ['projects:read']])
    expect(await create(scopes)).toMatchObject({ status: 403, body: { code: 'insufficient_scope' } })
  expect((await create(['everything'])).status).toBe(422)
})

test('only platform administrators make tokens for others', async () => {
  const { people } = await createTeam(platform, control)
  const body = { name: 'for ann', user: people.developer.email.toUpperCase() }
  expect((await people.owner.request('POST', '/access-tokens', body)).status).toBe(403)
  const made = await control.request<CreatedAccessToken>('POST', '/access-tokens', body)
  expect(made.body.user_id).toBe(people.developer.id)
  expect((await profile(made.body.token)).body.primary_email).toBe(people.developer.email)
  const unknown = await control.request('POST', '/access-tokens', { name: 'x', user: 'no@example.com' })
  expect(unknown.status).toBe(404)
})

test('platform administrators see and do everything, as long as they are', async () => {
  const { slug } = await createTeam(platform, control)
  const ann = await person()
  const users = () => ann.request('GET', '/users')
  expect((await users()).status).toBe(403)
  expect((await ann.request('PATCH', `/users/${ann.id}`, { is_platform_administrator: true })).status).toBe(
    403,
  )
  const set = (is: boolean) => control.request('PATCH', `/users/${ann.id}`, { is_platform_administrator: is })
  expect((await set(true)).status).toBe(200)
  expect((await users()).status).toBe(200)
  expect((await ann.request('PATCH', `/organizations/${slug}`, { name: 'x' })).status).toBe(200)
  await set(false)
  expect((await users()).status).toBe(403)
  expect((await ann.request('GET', `/organizations/${slug}`)).status).toBe(404)
})

test('the platform project stays, and is told apart from customers’', async () => {
  const { ref } = (await control.request<PlatformInfo>('GET', '/platform', undefined, { authorization: '' }))
    .body
  expect((await control.request('GET', `/projects/${ref}`)).status).toBe(200)
  for (const [method, path] of [
    ['POST', 'pause'],
    ['DELETE', ''],
    ['POST', 'transfer'],
  ] as const)
    expect(
      await control.request(method, `/projects/${ref}${path && `/${path}`}`, {
        target_organization_slug: 'default',
      }),
    ).toMatchObject({ status: 409, body: { code: 'platform_project' } })
  const listed = await control.request<{ ref: string }[]>('GET', '/projects')
  expect(listed.body.map((project) => project.ref)).not.toContain(ref)
  expect((await control.request('GET', '/organizations/platform')).status).toBe(404)
  const ann = await person()
  expect((await ann.request('GET', `/projects/${ref}`)).status).toBe(404)
  for (const statement of [
    sql`delete from control.projects where is_platform`,
    sql`update control.projects set status = 'INACTIVE' where is_platform`,
  ])
    await expect(platform.db.run(statement)).rejects.toMatchObject({ constraint: 'projects_platform_stays' })
})
