import type { Invitation, Organization, OrganizationMember, PlatformUser } from '@favo/contracts'
import { startPlatform, type TestPlatform } from '@favo/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../test/run-cli.ts'

let platform: TestPlatform
beforeAll(async () => {
  platform = await startPlatform()
})
afterAll(() => platform.close())

const favo = (args: readonly string[], env: Record<string, string> = {}) =>
  runCli(args, { env: { FAVO_API_URL: platform.apiUrl, FAVO_ACCESS_TOKEN: platform.token, ...env } })
async function json<T>(args: readonly string[], env: Record<string, string> = {}): Promise<T> {
  const { code, out, err } = await favo([...args, '--json'], env)
  expect(code, err).toBe(0)
  return JSON.parse(out) as T
}
const password = { FAVO_PASSWORD: 'a long password' }
async function createPerson(email: string): Promise<Record<string, string>> {
  await json(['users', 'create', email], password)
  const { out, code, err } = await favo(['login', email], { ...password, FAVO_ACCESS_TOKEN: '' })
  expect(code, err).toBe(0)
  expect(out).toMatch(/^sbp_[0-9a-f]{40}\n$/)
  return { FAVO_ACCESS_TOKEN: out.trim() }
}

test('the operator makes accounts, their people sign in and work in organizations of their own', async () => {
  const [ann, ben] = await Promise.all([createPerson('ann@example.com'), createPerson('ben@example.com')])
  const made = await json<Organization>(['organizations', 'create', 'Ann’s'], ann)
  expect(await json(['organizations', 'list'], ann)).toEqual([made])
  expect((await favo(['organizations', 'list'], ben)).out).toContain('You are in no organization')

  const invited = await json<Invitation>(
    ['members', 'invite', 'ben@example.com', 'developer', '-o', made.slug],
    ann,
  )
  expect(invited).toMatchObject({ email: 'ben@example.com', role: 'developer' })
  expect((await favo(['invitations', 'list'], ben)).out).toContain('Ann’s')
  expect((await favo(['members', 'invite', 'x@example.com', 'king'], ann)).code).toBe(2)
  const members = await json<OrganizationMember[]>(['members', 'list', '-o', made.slug], ann)
  expect(members.map(({ email, role }) => [email, role])).toEqual([['ann@example.com', 'owner']])
  const leave = await favo(['members', 'remove', 'ann@example.com', '-o', made.slug], ann)
  expect(leave).toMatchObject({ code: 1 })
  expect(leave.err).toContain('An organization needs an owner')
  expect((await favo(['users', 'list'], ann)).err).toContain('Only platform administrators')

  const log = await favo(['audit', '-o', made.slug], ann)
  expect(log.out).toContain('invitations.create')
  expect((await favo(['invitations', 'accept', 'sbi_wrong'], ben)).err).toContain('no such invitation')
  expect((await favo(['organizations', 'delete', made.slug], ann)).code).toBe(0)
})

test('platform administrators are made and unmade', async () => {
  const carl = await createPerson('carl@example.com')
  await json(['users', 'promote', 'carl@example.com'])
  const users = await json<PlatformUser[]>(['users', 'list'], carl)
  expect(users.find(({ email }) => email === 'carl@example.com')?.is_platform_administrator).toBe(true)
  await json(['users', 'demote', 'Carl@example.com'])
  expect((await favo(['users', 'list'], carl)).code).toBe(1)
})

test('who has no password signs in with a mailed code', async () => {
  await json(['users', 'create', 'dora@example.com'])
  const asked = await favo(['login', 'dora@example.com'], { FAVO_ACCESS_TOKEN: '' })
  expect(asked).toMatchObject({ code: 0, out: '' })
  const { ref } = await platform.api<{ ref: string }>('GET', '/v1/platform')
  const keys = await platform.api<{ type: string; api_key: string }[]>(
    'GET',
    `/v1/projects/${ref}/api-keys?reveal=true`,
  )
  const inbox = await fetch(`${platform.apiUrl}/p/${ref}/auth/v1/admin/inbox?recipient=dora@example.com`, {
    headers: { apikey: keys.find(({ type }) => type === 'secret')?.api_key ?? '' },
  })
  const { mails } = (await inbox.json()) as { mails: { text: string }[] }
  const code = /\b\d{6}\b/.exec(mails[0]?.text ?? '')?.[0] ?? ''
  const token = await favo(['login', 'dora@example.com', '--code', code], { FAVO_ACCESS_TOKEN: '' })
  expect(token.out).toMatch(/^sbp_/)
  const wrong = await favo(['login', 'dora@example.com', '--code', '000000'], { FAVO_ACCESS_TOKEN: '' })
  expect(wrong.code).toBe(1)
})

test('a token can be limited, and made for somebody', async () => {
  await createPerson('eve@example.com')
  const made = await json<{ token: string; scopes: string[] }>([
    'tokens',
    'create',
    'reader',
    '--scope',
    'projects:read',
    '--user',
    'eve@example.com',
  ])
  expect(made.scopes).toEqual(['projects:read'])
  const env = { FAVO_ACCESS_TOKEN: made.token }
  expect((await favo(['projects', 'list'], env)).code).toBe(0)
  expect((await favo(['organizations', 'create', 'x'], env)).err).toContain('organizations:write')
})
