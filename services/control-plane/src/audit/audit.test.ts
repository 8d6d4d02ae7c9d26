import type { AuditPage, AuditRecord, ErrorBody } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTeam, createToken } from '../../test/people.ts'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'
import { redact } from './redact.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
let team: Awaited<ReturnType<typeof createTeam>>
let ref: string
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
  team = await createTeam(platform, control)
  const made = await team.people.owner.request<{ ref: string }>('POST', '/projects', {
    name: 'audited',
    organization_slug: team.slug,
    db_pass: 'never-to-be-written-down',
  })
  ref = made.body.ref
})
afterAll(() => platform.close())

const log = async (query = '') =>
  (await team.people.owner.request<AuditPage>('GET', `/organizations/${team.slug}/audit-log${query}`)).body
const latest = async () => (await log('?limit=1')).entries[0]

test('a change says who made it, of what, from where, and what was before', async () => {
  const { owner, developer, administrator } = team.people
  const reply = await administrator.request('PATCH', `/organizations/${team.slug}/members/${developer.id}`, {
    role: 'read_only',
  })
  expect(await latest()).toEqual({
    id: expect.any(Number) as number,
    at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    request_id: reply.headers.get('x-request-id'),
    actor: { kind: 'user', id: administrator.id, name: administrator.email, token_id: null },
    operation: 'members.update',
    organization_slug: team.slug,
    project_ref: null,
    target: developer.email,
    before: { user_id: developer.id, role: 'developer' },
    after: { user_id: developer.id, role: 'read_only' },
    status: null,
    address: '127.0.0.1',
  })
  await owner.request('PATCH', `/organizations/${team.slug}/members/${developer.id}`, { role: 'developer' })
})

test('changes of a project are in its organization’s log, those of the operator as his', async () => {
  await control.request('PATCH', `/projects/${ref}/postgrest`, { max_rows: 7 })
  expect(await latest()).toMatchObject({
    operation: 'settings.update_postgrest',
    project_ref: ref,
    actor: { kind: 'operator', id: null },
    before: { max_rows: 1_000 },
    after: { max_rows: 7 },
    status: null,
  })
})

test('the token that was used is named', async () => {
  const token = await createToken(platform, team.people.owner.id)
  await control.request(
    'PATCH',
    `/projects/${ref}/postgrest`,
    { max_rows: 8 },
    {
      authorization: `Bearer ${token}`,
    },
  )
  const entry = await latest()
  expect(entry?.actor).toMatchObject({ id: team.people.owner.id, token_id: expect.any(String) as string })
  expect(JSON.stringify(entry)).not.toContain(token)
})

test('what was tried and not allowed is there; what was refused for its form, reads and rolled back changes are not', async () => {
  const { read_only: reader, owner } = team.people
  const before = (await latest())?.id
  await owner.request('GET', `/projects/${ref}`)
  await owner.request('PATCH', `/projects/${ref}/postgrest`, { max_rows: 'many' })
  await owner.request('POST', `/projects/${ref}/database/query`, { query: 'select 1', read_only: true })
  await owner.request('DELETE', `/organizations/${team.slug}/members/${owner.id}`)
  expect((await latest())?.id).toBe(before)
  await reader.request('PATCH', `/projects/${ref}/postgrest`, { max_rows: 9 })
  expect(await latest()).toMatchObject({
    operation: 'settings.update_postgrest',
    status: 403,
    actor: { id: reader.id },
    project_ref: ref,
    organization_slug: team.slug,
  })
  await reader.request('POST', `/projects/${ref}/database/query`, { query: 'select 1' })
  expect(await latest()).toMatchObject({ operation: 'database.query', status: 403 })
})

test('no secret is in it', async () => {
  const everything = await platform.db.many<{ text: string }>(
    sql`select row_to_json(l)::text as text from control.audit_log l`,
  )
  expect(JSON.stringify(everything)).not.toContain('never-to-be-written-down')
  expect(
    redact({ a: { smtp_pass: 'x', keys: [{ api_key: 'k', name: 'n' }], token: 't', ok: 1 }, s: 'a\0b' }),
  ).toEqual({ a: { smtp_pass: '***', keys: [{ api_key: '***', name: 'n' }], token: '***', ok: 1 }, s: 'ab' })
})

describe('it is append-only for', () => {
  const statements = [
    sql`update control.audit_log set actor_name = 'somebody else'`,
    sql`delete from control.audit_log`,
    sql`truncate control.audit_log`,
  ]
  test('the control plane’s own login', async () => {
    for (const statement of statements)
      await expect(platform.db.run(statement)).rejects.toMatchObject({ code: '42501' })
  })
  test('a superuser by accident', async () => {
    for (const statement of statements)
      await expect(platform.admin((admin) => admin.run(statement))).rejects.toMatchObject({ code: '42501' })
  })
})

test('it is read page by page, each entry once', async () => {
  const all = (await log('?limit=1000')).entries.map(({ id }) => id)
  const seen: number[] = []
  for (let next: number | null = null; ;) {
    const page = await log(`?limit=2${next === null ? '' : `&before=${next}`}`)
    seen.push(...page.entries.map(({ id }) => id))
    next = page.next
    if (next === null) break
  }
  expect(seen).toEqual(all)
})

test.each([
  ['operation=projects.create', (entry: AuditRecord) => entry.operation === 'projects.create'],
  ['actor=operator', (entry: AuditRecord) => entry.actor.kind === 'operator'],
  ['project=aaaaaaaaaaaaaaaaaaaa', () => false],
  ['from=2100-01-01T00:00:00Z', () => false],
  ['to=2100-01-01T00:00:00Z', () => true],
  [`actor=${encodeURIComponent("' or true --")}`, () => false],
])('it is filtered by %s', async (query, matches) => {
  const all = (await log('?limit=1000')).entries
  expect((await log(`?limit=1000&${query}`)).entries).toEqual(all.filter(matches))
})

test.each(['limit=0', 'limit=x', 'before=-1', 'from=yesterday', 'before=1e30'])(
  'a filter %s is refused',
  async (query) => {
    const reply = await team.people.owner.request<ErrorBody>(
      'GET',
      `/organizations/${team.slug}/audit-log?${query}`,
    )
    expect(reply).toMatchObject({ status: 422, body: { code: 'validation_failed' } })
  },
)

test('an organization sees its own entries only', async () => {
  const other = await createTeam(platform, control)
  const seen = await other.people.owner.request<AuditPage>(
    'GET',
    `/organizations/${other.slug}/audit-log?limit=1000`,
  )
  expect(new Set(seen.body.entries.map((entry) => entry.organization_slug))).toEqual(new Set([other.slug]))
  expect((await other.people.owner.request('GET', '/audit-log')).status).toBe(403)
  expect((await team.people.developer.request('GET', `/organizations/${team.slug}/audit-log`)).status).toBe(
    403,
  )
  const everything = await control.request<AuditPage>('GET', '/audit-log?limit=1000')
  expect(new Set(everything.body.entries.map((entry) => entry.organization_slug)).size).toBeGreaterThan(1)
})

describe('the export', () => {
  const get = async (format: string) => {
    const reply = await fetch(
      `${control.url}/v1/organizations/${team.slug}/audit-log/export?format=${format}`,
      { headers: { authorization: `Bearer ${team.people.owner.session}` } },
    )
    return { type: reply.headers.get('content-type'), text: await reply.text() }
  }

  test('as NDJSON holds what the list holds, however long it is', async () => {
    await platform.db.run(sql`
      insert into control.audit_log (operation, organization_id, target)
      select 'test.filler', ${team.slug}, n::text from generate_series(1, 1200) n`)
    const { text, type } = await get('ndjson')
    const records = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRecord)
    expect(type).toContain('application/x-ndjson')
    expect(records.slice(0, 1000)).toEqual((await log('?limit=1000')).entries)
    expect(new Set(records.map(({ id }) => id)).size).toBe(records.length)
    expect(records.length).toBeGreaterThan(1200)
  })

  test('as CSV keeps quotes, lines and formulas what they are', async () => {
    await platform.db.run(sql`
      insert into control.audit_log (operation, organization_id, target, actor_name)
      values ('test.csv', ${team.slug}, ${'a "b",\nc'}, '=1+1')`)
    const { text, type } = await get('csv')
    expect(type).toContain('text/csv')
    const [head, ...rest] = text.split('\r\n')
    expect(head).toContain('id,at,request_id,actor_kind')
    const line = rest.find((candidate) => candidate.includes('test.csv'))
    expect(line).toContain('"a ""b"",\nc"')
    expect(line).toContain(`'=1+1`)
  })
})
