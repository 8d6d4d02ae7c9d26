import type { ErrorBody, Organization, OrganizationMember } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPerson, createTeam, type Person } from '../../test/people.ts'
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

const team = () => createTeam(platform, control)
const rolesOf = async (slug: string) =>
  Object.fromEntries(
    (
      await platform.db.many<{ user_id: string; role: string }>(
        sql`select user_id::text, role from control.organization_members where organization_id = ${slug}`,
      )
    ).map(({ user_id, role }) => [user_id, role]),
  )
const setRole = (actor: Person, slug: string, person: Person, role: string) =>
  actor.request<ErrorBody>('PATCH', `/organizations/${slug}/members/${person.id}`, { role })
const remove = (actor: Person, slug: string, person: Person) =>
  actor.request<ErrorBody>('DELETE', `/organizations/${slug}/members/${person.id}`)

test('who makes an organization owns it, and others do not see it', async () => {
  const [ann, ben] = await Promise.all([createPerson(platform, control), createPerson(platform, control)])
  const made = await ann.request<Organization>('POST', '/organizations', { name: 'Ann’s' })
  expect(made.status).toBe(201)
  const members = await ann.request<OrganizationMember[]>('GET', `/organizations/${made.body.slug}/members`)
  expect(members.body).toEqual([
    {
      user_id: ann.id,
      user_name: ann.email.split('@')[0],
      email: ann.email,
      role_name: 'Owner',
      role: 'owner',
      mfa_enabled: false,
      created_at: expect.any(String) as string,
    },
  ])
  expect((await ann.request<Organization[]>('GET', '/organizations')).body).toEqual([made.body])
  expect((await ben.request<Organization[]>('GET', '/organizations')).body).toEqual([])

  const hidden = await ben.request<ErrorBody>('GET', `/organizations/${made.body.slug}`)
  const missing = await ben.request<ErrorBody>('GET', '/organizations/nobody')
  expect(hidden.status).toBe(404)
  expect({ ...hidden.body, request_id: '' }).toEqual({ ...missing.body, request_id: '' })
})

test('administrators change roles, but make and unmake no owners', async () => {
  const { slug, people } = await team()
  const { owner, administrator, developer, read_only: reader } = people
  expect(await setRole(administrator, slug, developer, 'read_only')).toMatchObject({
    status: 200,
    body: { role: 'read_only', role_name: 'Read-only' },
  })
  for (const attempt of [
    setRole(administrator, slug, developer, 'owner'),
    setRole(administrator, slug, owner, 'developer'),
    setRole(administrator, slug, administrator, 'owner'),
    remove(administrator, slug, owner),
    setRole(developer, slug, reader, 'developer'),
    setRole(reader, slug, reader, 'owner'),
    remove(reader, slug, developer),
  ])
    expect(await attempt).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  expect((await setRole(owner, slug, administrator, 'owner')).status).toBe(200)
  expect((await setRole(owner, slug, developer, 'king')).status).toBe(422)
})

test('who was removed or has left is out at once', async () => {
  const { slug, people } = await team()
  const { owner, developer, read_only: reader } = people
  expect((await remove(owner, slug, developer)).status).toBe(200)
  expect((await developer.request('GET', `/organizations/${slug}`)).status).toBe(404)
  expect((await remove(reader, slug, reader)).status).toBe(200)
  expect((await reader.request('GET', `/organizations/${slug}/members`)).status).toBe(404)
  expect(await remove(owner, slug, developer)).toMatchObject({
    status: 404,
    body: { code: 'member_not_found' },
  })
  for (const id of ['nonsense', "' or true --", '00000000-0000-0000-0000-000000000000'])
    expect(
      (await owner.request('DELETE', `/organizations/${slug}/members/${encodeURIComponent(id)}`)).status,
    ).toBe(404)
})

test('the last owner neither leaves nor is demoted', async () => {
  const { slug, people } = await team()
  const { owner } = people
  for (const attempt of [remove(owner, slug, owner), setRole(owner, slug, owner, 'developer')])
    expect(await attempt).toMatchObject({ status: 409, body: { code: 'last_owner' } })
  const byOperator = await control.request('DELETE', `/organizations/${slug}/members/${owner.id}`)
  expect(byOperator).toMatchObject({ status: 409, body: { code: 'last_owner' } })
  expect((await rolesOf(slug))[owner.id]).toBe('owner')
})

test('of owners who leave or demote each other at once, one stays', async () => {
  for (const how of ['leave', 'demote'] as const) {
    const { slug, people } = await team()
    const { owner, administrator } = people
    await setRole(owner, slug, administrator, 'owner')
    const replies = await Promise.all(
      how === 'leave'
        ? [remove(owner, slug, owner), remove(administrator, slug, administrator)]
        : [
            setRole(owner, slug, administrator, 'developer'),
            setRole(administrator, slug, owner, 'developer'),
          ],
    )
    expect(replies.map(({ status }) => status).sort()).toEqual(how === 'leave' ? [200, 409] : [200, 403])
    expect(Object.values(await rolesOf(slug)).filter((role) => role === 'owner')).toHaveLength(1)
  }
})

test('an owner is kept against SQL in two transactions, too', async () => {
  const { slug, people } = await team()
  await setRole(people.owner, slug, people.developer, 'owner')
  const demote = (id: string) =>
    platform.db.run(
      sql`update control.organization_members set role = 'developer' where organization_id = ${slug} and user_id = ${id}::uuid`,
    )
  const ends = await Promise.allSettled([demote(people.owner.id), demote(people.developer.id)])
  expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
})

test('ownership is handed over in one step', async () => {
  const { slug, people } = await team()
  const { owner, developer, administrator } = people
  const path = `/organizations/${slug}/transfer-ownership`
  expect((await administrator.request('POST', path, { user_id: administrator.id })).status).toBe(403)
  expect((await owner.request('POST', path, { user_id: developer.id })).status).toBe(200)
  expect(await rolesOf(slug)).toMatchObject({ [developer.id]: 'owner', [owner.id]: 'administrator' })
  expect((await owner.request('POST', path, { user_id: owner.id })).status).toBe(403)
})

test('an organization is renamed by owners, and deleted when it is empty', async () => {
  const { slug, people } = await team()
  const { owner, administrator } = people
  expect((await administrator.request('PATCH', `/organizations/${slug}`, { name: 'x' })).status).toBe(403)
  expect((await owner.request('PATCH', `/organizations/${slug}`, { name: 'New' })).body).toMatchObject({
    name: 'New',
  })
  const project = await owner.request<{ ref: string }>('POST', '/projects', {
    name: 'p',
    organization_slug: slug,
  })
  expect(project.status).toBe(201)
  expect(await owner.request('DELETE', `/organizations/${slug}`)).toMatchObject({
    status: 409,
    body: { code: 'organization_not_empty' },
  })
  await platform.db.run(
    sql`update control.projects set organization_id = 'default' where ref = ${project.body.ref}`,
  )
  expect((await owner.request('DELETE', `/organizations/${slug}`)).status).toBe(200)
  expect((await owner.request('GET', `/organizations/${slug}`)).status).toBe(404)
})

test('who deletes his account takes his memberships and tokens along', async () => {
  const { slug, people } = await team()
  await platform.admin((admin) => admin.run(sql`delete from auth.users where id = ${people.owner.id}::uuid`))
  expect(await rolesOf(slug)).not.toHaveProperty(people.owner.id)
  expect((await people.owner.request('GET', '/organizations')).status).toBe(401)
})

test('projects go to another organization with who owns the one and administers the other', async () => {
  const [from, to] = await Promise.all([team(), team()])
  const { owner, administrator } = from.people
  const made = await owner.request<{ ref: string }>('POST', '/projects', {
    name: 'moving',
    organization_slug: from.slug,
  })
  const path = `/projects/${made.body.ref}/transfer`
  const body = { target_organization_slug: to.slug }
  expect((await administrator.request('POST', path, body)).status).toBe(403)
  expect(await owner.request('POST', path, body)).toMatchObject({
    status: 404,
    body: { code: 'organization_not_found' },
  })
  await platform.db.run(sql`
    insert into control.organization_members (organization_id, user_id, role)
    values (${to.slug}, ${owner.id}::uuid, 'developer')`)
  expect((await owner.request('POST', path, body)).status).toBe(403)
  await platform.db.run(
    sql`update control.organization_members set role = 'administrator' where organization_id = ${to.slug} and user_id = ${owner.id}::uuid`,
  )
  const branched = await owner.request<{ project_ref: string }>(
    'POST',
    `/projects/${made.body.ref}/branches`,
    {
      branch_name: 'trial',
    },
  )
  expect(branched.status).toBe(201)
  const branch = branched.body.project_ref
  expect(await owner.request('POST', `/projects/${branch}/transfer`, body)).toMatchObject({
    status: 409,
    body: { code: 'is_branch' },
  })
  expect(await owner.request('POST', path, body)).toMatchObject({
    status: 200,
    body: { organization_slug: to.slug },
  })
  expect((await to.people.read_only.request('GET', `/projects/${branch}`)).status).toBe(200)
  expect((await administrator.request('GET', `/projects/${made.body.ref}`)).status).toBe(404)
  expect((await to.people.read_only.request('GET', `/projects/${made.body.ref}`)).status).toBe(200)
  const log = await to.people.owner.request<{ entries: { operation: string }[] }>(
    'GET',
    `/organizations/${to.slug}/audit-log?project=${made.body.ref}`,
  )
  expect(log.body.entries.map(({ operation }) => operation)).toEqual(['projects.receive'])
})
