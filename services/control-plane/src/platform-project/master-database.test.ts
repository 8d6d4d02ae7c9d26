import { randomUUID } from 'node:crypto'
import { sql, type Queryable, type Sql } from '@favo/postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPerson, createTeam, type Person } from '../../test/people.ts'
import {
  createPlatformDatabase,
  eventually,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
let team: Awaited<ReturnType<typeof createTeam>>
let other: Awaited<ReturnType<typeof createTeam>>
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
  ;[team, other] = await Promise.all([createTeam(platform, control), createTeam(platform, control)])
})
afterAll(() => platform.close())

/** As the REST service does it: one role, one set of claims, one transaction. */
const as = <T>(role: string, claims: object, work: (tx: Queryable) => Promise<T>): Promise<T> =>
  platform.admin((admin) =>
    admin.transaction(async (tx) => {
      await tx.run(
        sql`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true), set_config('role', ${role}, true)`,
      )
      return work(tx)
    }),
  )
const by = <Row extends object>(person: Person, query: Sql): Promise<Row[]> =>
  as('authenticated', { sub: person.id, role: 'authenticated' }, (tx) => tx.many<Row>(query))
const trusted = <Row extends object>(query: Sql): Promise<Row[]> =>
  as('service_role', {}, (tx) => tx.many<Row>(query))

interface ProjectView {
  readonly id: string
  readonly ref: string
  readonly name: string
  readonly status: string
  readonly subdomain: string | null
}
const projectColumns = sql`id::text as id, ref, name, status, subdomain`
const create = (person: Person, organization: string, name = 'from sql') =>
  by<ProjectView>(
    person,
    sql`select ${projectColumns} from public.create_project_instance(${organization}, ${name})`,
  )

test('a project that is asked for in SQL is there as creating, then active, and can be deleted', async () => {
  const { owner, read_only: reader } = team.people
  const [made] = await create(owner, team.slug)
  expect(made).toMatchObject({ name: 'from sql', status: 'creating' })
  const ref = made?.ref ?? ''
  const seen = async () =>
    (await by<ProjectView>(reader, sql`select ${projectColumns} from public.projects where ref = ${ref}`))[0]
  await eventually(async () => (await seen())?.status).toBe('active')
  expect(await seen()).toMatchObject({
    id: made?.id,
    name: 'from sql',
    subdomain: expect.any(String) as string,
  })
  const found = await control.request<{ status: string }>('GET', `/projects/${ref}`)
  expect(found.body).toMatchObject({ status: 'ACTIVE_HEALTHY', organization_id: team.slug })
  const [row] = await by<{ api_url: string; database_url: string }>(
    owner,
    sql`select api_url, database_url from public.projects where ref = ${ref}`,
  )
  expect(row?.api_url).toBe(`http://${ref}.favo.localhost:8000`)
  expect(row?.database_url).toContain(`postgres.${ref}@127.0.0.1`)

  await expect(
    by(reader, sql`select public.delete_project_instance(${made?.id ?? '0'}::bigint)`),
  ).rejects.toMatchObject({ code: '42501' })
  expect(
    await by(owner, sql`select public.delete_project_instance(${made?.id ?? '0'}::bigint) as deleted`),
  ).toEqual([{ deleted: true }])
  await eventually(seen).toBeUndefined()
  expect((await control.request('GET', `/projects/${ref}`)).status).toBe(404)
  const log = await owner.request<{ entries: { operation: string; actor: { name: string } }[] }>(
    'GET',
    `/organizations/${team.slug}/audit-log?project=${ref}`,
  )
  expect(log.body.entries.map(({ operation, actor }) => [operation, actor.name])).toEqual([
    ['projects.delete', owner.email],
    ['projects.create', owner.email],
  ])
})

test('what was asked for while no process ran is done by the next one', async () => {
  await control.close()
  const [made] = await trusted<ProjectView>(
    sql`select ${projectColumns} from public.create_project_instance(${team.slug}, 'later', ${team.people.owner.id}::uuid)`,
  )
  expect(made?.status).toBe('creating')
  control = await platform.start()
  await eventually(async () => {
    const [row] = await trusted<ProjectView>(
      sql`select ${projectColumns} from public.projects where ref = ${made?.ref ?? ''}`,
    )
    return row?.status
  }).toBe('active')
  ;[team, other] = await Promise.all([createTeam(platform, control), createTeam(platform, control)])
})

test('a creation that fails says so, and frees what it held', async () => {
  await control.close()
  control = await platform.start({
    wrapTenancy: () => ({ createDatabase: () => Promise.reject(new Error('the disk is full')) }),
  })
  const [made] = await trusted<ProjectView>(
    sql`select ${projectColumns} from public.create_project_instance(${team.slug}, 'doomed')`,
  )
  await eventually(async () => {
    const [row] = await trusted<{ status: string; error: string }>(
      sql`select status, error from public.projects where ref = ${made?.ref ?? ''}`,
    )
    return row
  }).toMatchObject({ status: 'failed', error: expect.stringContaining('the disk is full') as string })
  await control.close()
  control = await platform.start()
  await trusted(sql`select public.delete_project_instance(${made?.id ?? '0'}::bigint)`)
  await eventually(() =>
    trusted(sql`select 1 as one from public.projects where ref = ${made?.ref ?? ''}`),
  ).toEqual([])
})

describe('another organization’s member', () => {
  let mine: ProjectView
  beforeAll(async () => {
    const [made] = await create(team.people.owner, team.slug, 'hidden')
    if (made === undefined) throw new Error('no project')
    mine = made
  })
  const eve = () => other.people.owner

  test.each([
    ['organizations', () => sql`select * from public.organizations where id = ${team.slug}`],
    ['projects', () => sql`select * from public.projects where organization_id = ${team.slug}`],
    [
      'user_organizations',
      () => sql`select * from public.user_organizations where organization_id = ${team.slug}`,
    ],
    ['users', () => sql`select * from public.users where id = ${team.people.owner.id}::uuid`],
    ['get_user_projects', () => sql`select * from public.get_user_projects(${team.people.owner.id}::uuid)`],
  ])('sees nothing in %s', async (_name, query) => {
    expect(await by(eve(), query())).toEqual([])
    expect((await by(team.people.owner, query())).length).toBeGreaterThan(0)
  })

  test.each([
    [
      'update organizations',
      () => sql`update public.organizations set name = 'x' where id = ${team.slug} returning 1 as one`,
    ],
    [
      'delete organizations',
      () => sql`delete from public.organizations where id = ${team.slug} returning 1 as one`,
    ],
    [
      'update projects',
      () => sql`update public.projects set name = 'x' where ref = ${mine.ref} returning 1 as one`,
    ],
    ['delete projects', () => sql`delete from public.projects where ref = ${mine.ref} returning 1 as one`],
    [
      'update roles',
      () =>
        sql`update public.user_organizations set role = 'owner' where organization_id = ${team.slug} returning 1 as one`,
    ],
    [
      'delete members',
      () =>
        sql`delete from public.user_organizations where organization_id = ${team.slug} returning 1 as one`,
    ],
  ])('changes nothing by %s', async (_name, query) => {
    expect(await by(eve(), query())).toEqual([])
  })

  test('learns nothing by the functions', async () => {
    const deletion = await by(
      eve(),
      sql`select public.delete_project_instance(${mine.id}::bigint) as deleted`,
    )
    expect(deletion).toEqual([{ deleted: false }])
    const errors = await Promise.all(
      [team.slug, 'nobody', "' or true --"].map((slug) =>
        create(eve(), slug).then(
          () => null,
          (error: unknown) => error as { code: string; message: string },
        ),
      ),
    )
    expect(new Set(errors.map((error) => `${error?.code} ${error?.message}`))).toEqual(
      new Set(['P0002 There is no such organization.']),
    )
    await expect(
      by(
        eve(),
        sql`select * from public.create_project_instance(${team.slug}, 'x', ${team.people.owner.id}::uuid)`,
      ),
    ).rejects.toMatchObject({ code: '42501' })
  })

  test('joins nothing', async () => {
    await expect(
      by(
        eve(),
        sql`insert into public.user_organizations (organization_id, user_id, role)
          values (${team.slug}, ${eve().id}::uuid, 'owner') returning 1 as one`,
      ),
    ).rejects.toMatchObject({ code: '42501' })
  })

  test('reads no row through an operator of his own, nor the tables behind', async () => {
    for (const query of [
      sql`select * from control.organizations`,
      sql`select control.me()`,
      sql`select control.note('x', null, null, null, null, null)`,
      sql`select * from control.audit_log`,
    ])
      await expect(by(eve(), query)).rejects.toMatchObject({ code: '42501' })
    // A cheap function of the caller would see hidden rows first, were the view no barrier.
    await expect(
      by(
        eve(),
        sql`select * from public.organizations where 1 / (case when id = ${team.slug} then 0 else 1 end) = 1`,
      ),
    ).resolves.toHaveLength(1)
  })
})

test('roles decide within an organization, too', async () => {
  const { owner, administrator, developer, read_only: reader } = team.people
  for (const low of [developer, reader]) {
    await expect(create(low, team.slug)).rejects.toMatchObject({ code: '42501' })
    await expect(
      by(low, sql`update public.organizations set name = 'x' where id = ${team.slug} returning 1 as one`),
    ).rejects.toMatchObject({ code: '42501' })
  }
  const setRole = (actor: Person, person: Person, role: string) =>
    by(
      actor,
      sql`update public.user_organizations set role = ${role}
        where organization_id = ${team.slug} and user_id = ${person.id}::uuid returning role`,
    )
  await expect(setRole(administrator, developer, 'owner')).rejects.toMatchObject({ code: '42501' })
  await expect(setRole(developer, developer, 'owner')).rejects.toMatchObject({ code: '42501' })
  expect(await setRole(administrator, reader, 'developer')).toEqual([{ role: 'developer' }])
  await expect(setRole(owner, owner, 'developer')).rejects.toMatchObject({
    constraint: 'organization_members_last_owner',
  })
  const leave = await by(
    reader,
    sql`delete from public.user_organizations where user_id = ${reader.id}::uuid returning organization_id`,
  )
  expect(leave).toEqual([{ organization_id: team.slug }])
})

test('organizations are made, renamed and deleted in SQL', async () => {
  const ann = await createPerson(platform, control)
  const [made] = await by<{ id: string }>(
    ann,
    sql`insert into public.organizations (name) values ('Ann’s') returning id`,
  )
  const slug = made?.id ?? ''
  expect(slug).toMatch(/^[a-z]{20}$/)
  expect((await ann.request('GET', `/organizations/${slug}`)).body).toMatchObject({ name: 'Ann’s' })
  await by(ann, sql`update public.organizations set name = 'New' where id = ${slug} returning 1 as one`)
  expect(await by(ann, sql`select name from public.organizations`)).toEqual([{ name: 'New' }])
  await by(ann, sql`delete from public.organizations where id = ${slug} returning 1 as one`)
  expect(await by(ann, sql`select name from public.organizations`)).toEqual([])
})

test.each([
  ['anon', () => ({ role: 'anon' })],
  ['anon with another’s name', () => ({ role: 'anon', sub: team.people.owner.id })],
])('%s reaches nothing', async (_name, claims) => {
  for (const query of [
    sql`select * from public.organizations`,
    sql`select * from public.users`,
    sql`select * from public.get_user_projects()`,
    sql`select * from public.create_project_instance(${team.slug}, 'x')`,
  ])
    await expect(as('anon', claims(), (tx) => tx.many(query))).rejects.toMatchObject({ code: '42501' })
})

test.each([
  ['nobody', () => ({ role: 'authenticated' })],
  ['somebody who is not', () => ({ role: 'authenticated', sub: randomUUID() })],
  ['no uuid', () => ({ role: 'authenticated', sub: "' or true --" })],
])('signed in as %s one sees nothing', async (_name, claims) => {
  const rows = await as('authenticated', claims(), (tx) =>
    tx.many(sql`
      select id from public.organizations union all select ref from public.projects
      union all select id::text from public.users union all select role from public.user_organizations
      union all select ref from public.get_user_projects()`),
  )
  expect(rows).toEqual([])
})

test('who is banned sees nothing from then on', async () => {
  const { people } = await createTeam(platform, control)
  const organizations = () => by(people.owner, sql`select id from public.organizations`)
  expect(await organizations()).toHaveLength(1)
  await platform.admin((admin) =>
    admin.run(sql`update auth.users set banned_until = now() + '1 hour' where id = ${people.owner.id}::uuid`),
  )
  expect(await organizations()).toEqual([])
})

test('the service key and the platform project’s owner act for whom they name, within his rights', async () => {
  const { owner, developer } = team.people
  for (const role of ['service_role', 'postgres']) {
    const ask = (query: Sql) => as(role, {}, (tx) => tx.many(query))
    const made = await ask(
      sql`select ref from public.create_project_instance(${team.slug}, 'served', ${owner.id}::uuid)`,
    )
    expect(made).toHaveLength(1)
    await expect(
      ask(sql`select ref from public.create_project_instance(${team.slug}, 'x', ${developer.id}::uuid)`),
    ).rejects.toMatchObject({ code: '42501' })
    const [listed] = await as(role, {}, (tx) =>
      tx.many<{ n: number }>(
        sql`select count(*)::int as n from public.get_user_projects(${other.people.owner.id}::uuid)`,
      ),
    )
    expect(listed?.n).toBe(0)
  }
})
