import type { ErrorBody, Invitation } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPerson, createTeam, type Person } from '../../test/people.ts'
import {
  createPlatformDatabase,
  eventually,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'
import type { InvitationMail, PlatformMailer } from '../outbox/outbox.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
let team: Awaited<ReturnType<typeof createTeam>>
const mails: (InvitationMail & { id: string })[] = []
let failures = 0
const mailer: PlatformMailer = {
  sendInvitation: async (id, mail) => {
    if (failures > 0) {
      failures--
      throw new Error('the mail server is away')
    }
    mails.push({ ...mail, id })
  },
}
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start({ mailer })
  team = await createTeam(platform, control)
})
afterAll(() => platform.close())

const path = (rest = '') => `/organizations/${team.slug}/invitations${rest}`
const invite = (actor: Person, email: string, role = 'developer') =>
  actor.request<Invitation & ErrorBody>('POST', path(), { email, role })
const accept = (actor: Person, token: string) =>
  actor.request<ErrorBody & { role: string }>('POST', '/invitations/accept', { token })
const tokenFor = async (email: string): Promise<string> => {
  await eventually(() => mails.some((mail) => mail.email === email)).toBe(true)
  return mails.findLast((mail) => mail.email === email)?.token ?? ''
}
const person = () => createPerson(platform, control)

test('who is invited joins with the token from the mail, once', async () => {
  const ann = await person()
  const made = await invite(team.people.administrator, ann.email.toUpperCase())
  expect(made).toMatchObject({
    status: 201,
    body: {
      email: ann.email,
      role: 'developer',
      invited_by: team.people.administrator.email,
      is_expired: false,
    },
  })
  const token = await tokenFor(ann.email)
  const stored = await platform.db.many<{ text: string }>(sql`
    select row_to_json(i)::text as text from control.invitations i
    union all select row_to_json(o)::text from control.outbox o
    union all select row_to_json(l)::text from control.audit_log l`)
  expect(JSON.stringify([made.body, stored])).not.toContain(token)

  expect((await ann.request<Invitation[]>('GET', '/invitations')).body).toMatchObject([
    { organization_slug: team.slug, organization_name: 'Team' },
  ])
  expect(await accept(ann, token)).toMatchObject({ status: 201, body: { role: 'developer' } })
  expect((await ann.request('GET', `/organizations/${team.slug}`)).status).toBe(200)
  expect(await accept(ann, token)).toMatchObject({ status: 404, body: { code: 'invitation_not_found' } })
  expect(await invite(team.people.owner, ann.email)).toMatchObject({
    status: 409,
    body: { code: 'already_member' },
  })
})

test('of two who use one token at once, one joins', async () => {
  const ann = await person()
  await invite(team.people.owner, ann.email)
  const token = await tokenFor(ann.email)
  const replies = await Promise.all([accept(ann, token), accept(ann, token)])
  expect(replies.map(({ status }) => status).sort()).toEqual([201, 404])
})

test('a token is worth nothing to anybody else, and stays good for whom it was made', async () => {
  const [ann, eve] = await Promise.all([person(), person()])
  await invite(team.people.owner, ann.email)
  const token = await tokenFor(ann.email)
  for (const wrong of [token, `${token}x`, "' or true --", 'sbi_'])
    expect(await accept(eve, wrong)).toMatchObject({ status: 404, body: { code: 'invitation_not_found' } })
  expect((await eve.request('GET', `/organizations/${team.slug}`)).status).toBe(404)
  expect((await accept(ann, token)).status).toBe(201)
})

test('an invitation ends after a day, when it is withdrawn, and when a newer one comes', async () => {
  const ann = await person()
  const { owner } = team.people
  await invite(owner, ann.email)
  const expired = await tokenFor(ann.email)
  await platform.db.run(sql`
    update control.invitations set expires_at = expires_at - interval '24 hours' where email = ${ann.email}`)
  expect((await accept(ann, expired)).status).toBe(404)

  const listed = (await owner.request<Invitation[]>('GET', path())).body.find(
    ({ email }) => email === ann.email,
  )
  expect(listed?.is_expired).toBe(true)
  const before = mails.length
  expect((await owner.request('POST', path(`/${listed?.id}/resend`))).status).toBe(200)
  await eventually(() => mails.length).toBe(before + 1)
  const renewed = await tokenFor(ann.email)
  expect(renewed).not.toBe(expired)
  expect((await owner.request('DELETE', path(`/${listed?.id}`))).status).toBe(200)
  expect((await accept(ann, renewed)).status).toBe(404)
})

test('an invitation goes with the rights of who made it', async () => {
  const [ann, ben] = await Promise.all([person(), person()])
  const { owner, administrator } = (team = await createTeam(platform, control)).people
  await invite(administrator, ann.email)
  await platform.db.run(sql`
    update control.organization_members set role = 'developer' where user_id = ${administrator.id}::uuid`)
  expect((await accept(ann, await tokenFor(ann.email))).status).toBe(404)
  await invite(owner, ben.email, 'owner')
  expect(await accept(ben, await tokenFor(ben.email))).toMatchObject({ status: 201, body: { role: 'owner' } })
})

test('administrators invite no owners, developers nobody', async () => {
  const { administrator, developer, owner } = (team = await createTeam(platform, control)).people
  expect((await invite(administrator, 'x@example.com', 'owner')).status).toBe(403)
  expect((await invite(developer, 'x@example.com', 'read_only')).status).toBe(403)
  const made = await invite(owner, 'x@example.com', 'owner')
  expect((await administrator.request('POST', path(`/${made.body.id}/resend`))).status).toBe(403)
  expect((await administrator.request('DELETE', path(`/${made.body.id}`))).status).toBe(403)
  expect((await developer.request('GET', path())).status).toBe(403)
})

test.each([
  ['no address', { email: 'nobody', role: 'developer' }],
  ['a line end in the address', { email: 'a@example.com\nBcc: b@example.com', role: 'developer' }],
  ['an unknown role', { email: 'a@example.com', role: 'root' }],
  ['nothing', {}],
])('%s is refused', async (_name, body) => {
  expect((await team.people.owner.request('POST', path(), body)).status).toBe(422)
})

test('a mail that cannot be sent now is sent later; one of a change that was rolled back is not sent', async () => {
  const { owner } = team.people
  failures = 1
  await invite(owner, 'later@example.com')
  await eventually(() => failures).toBe(0)
  await eventually(async () => {
    await platform.db.run(sql`update control.outbox set next_attempt_at = now() where last_error is not null`)
    return mails.filter(({ email }) => email === 'later@example.com').length
  }).toBe(1)
  const { count } = await platform.db.one<{ count: number }>(
    sql`select count(*)::int as count from control.outbox`,
  )
  expect(count).toBe(0)
  expect((await invite(owner, owner.email)).status).toBe(409)
  expect(mails.some(({ email }) => email === owner.email)).toBe(false)
})
