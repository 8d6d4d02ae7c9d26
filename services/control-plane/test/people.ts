import { randomUUID } from 'node:crypto'
import { sql } from '@favo/postgres'
import type { OrganizationRole } from '@favo/contracts'
import { createAccessToken, sha256Hex, signToken } from '@favo/tokens'
import { expect } from 'vitest'
import type { Reply, TestControlPlane, TestPlatformDatabase } from './start-control-plane.ts'

export interface Person {
  readonly id: string
  readonly email: string
  /** Access token of a session at the platform project. */
  readonly session: string
  readonly sessionId: string
  request<Body = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<Reply<Body>>
}

/** Somebody with an account and a session, as the platform project's Auth would have made them. */
export async function createPerson(
  platform: TestPlatformDatabase,
  control: TestControlPlane,
  name = `p${randomUUID().slice(0, 8)}`,
): Promise<Person> {
  const [id, sessionId] = [randomUUID(), randomUUID()]
  const email = `${name}@example.com`
  await platform.admin(async (admin) => {
    await admin.run(sql`
      insert into auth.users (id, aud, role, email, email_confirmed_at, created_at, updated_at)
      values (${id}::uuid, 'authenticated', 'authenticated', ${email}, now(), now(), now())`)
    await admin.run(sql`
      insert into auth.sessions (id, user_id, aal, created_at)
      values (${sessionId}::uuid, ${id}::uuid, 'aal1', now())`)
  })
  const session = await signSession(control, { sub: id, session_id: sessionId, email })
  return {
    id,
    email,
    session,
    sessionId,
    request: (method, path, body) =>
      control.request(method, path, body, { authorization: `Bearer ${session}` }),
  }
}

/** An access token by the platform project's own key. */
export async function signSession(
  control: TestControlPlane,
  claims: Record<string, unknown>,
): Promise<string> {
  const project = await control.controlPlane.directorySource.loadBySubdomain('platform')
  if (project === null) throw new Error('there is no platform project')
  const now = Math.floor(Date.now() / 1000)
  return signToken(
    { aud: 'authenticated', role: 'authenticated', iat: now, exp: now + 3_600, ...claims },
    project,
  )
}

/** A personal access token with the given scopes, straight into the table. */
export async function createToken(
  platform: TestPlatformDatabase,
  userId: string | null,
  { scopes = null, isExpired = false }: { scopes?: readonly string[] | null; isExpired?: boolean } = {},
): Promise<string> {
  const token = createAccessToken()
  await platform.db.run(sql`
    insert into control.access_tokens (name, prefix, hash, user_id, scopes, expires_at)
    values (
      'test', ${token.slice(0, 8)}, ${sha256Hex(token)}, ${userId}::uuid,
      (select array_agg(value) from jsonb_array_elements_text(${scopes === null ? null : JSON.stringify(scopes)}::jsonb)),
      ${isExpired ? '2020-01-01' : null}::timestamptz
    )`)
  return token
}

/** An organization with one member for each role, made by who is the owner. */
export async function createTeam(
  platform: TestPlatformDatabase,
  control: TestControlPlane,
): Promise<{ readonly slug: string; readonly people: Readonly<Record<OrganizationRole, Person>> }> {
  const [owner, administrator, developer, reader] = await Promise.all([
    createPerson(platform, control),
    createPerson(platform, control),
    createPerson(platform, control),
    createPerson(platform, control),
  ])
  const made = await owner.request<{ slug: string }>('POST', '/organizations', { name: 'Team' })
  expect(made.status).toBe(201)
  const { slug } = made.body
  for (const [person, role] of [
    [administrator, 'administrator'],
    [developer, 'developer'],
    [reader, 'read_only'],
  ] as const)
    await platform.db.run(sql`
      insert into control.organization_members (organization_id, user_id, role)
      values (${slug}, ${person.id}::uuid, ${role})`)
  return { slug, people: { owner, administrator, developer, read_only: reader } }
}
