import type { CreatedAccessToken, Invitation, Organization, PlatformInfo, Profile } from '@favo/contracts'
import { startPlatform, type TestPlatform } from '@favo/testkit'
import type { SupabaseClient } from '@supabase/supabase-js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from './support/projects.ts'

/** People, organizations and projects through the platform project: its Auth, its REST, the control plane, its mails. */
let platform: TestPlatform
let info: PlatformInfo
let secretKey: string
beforeAll(async () => {
  platform = await startPlatform()
  info = await platform.api<PlatformInfo>('GET', '/v1/platform')
  const keys = await platform.api<{ type: string; api_key: string }[]>(
    'GET',
    `/v1/projects/${info.ref}/api-keys?reveal=true`,
  )
  secretKey = keys.find(({ type }) => type === 'secret')?.api_key ?? ''
})
afterAll(() => platform.close())

const open = (key = info.publishable_key): SupabaseClient => connect(info.path_url, key)

async function v1<T = Record<string, unknown>>(token: string, method: string, path: string, body?: unknown) {
  const reply = await fetch(`${platform.apiUrl}/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: reply.status, headers: reply.headers, body: (await reply.json()) as T }
}

/** As the operator does it: an account with a password, made at the platform project's Auth. */
async function createUser(email: string) {
  const password = 'a long password'
  const made = await open(secretKey).auth.admin.createUser({ email, password, email_confirm: true })
  expect(made.error).toBeNull()
  const client = open()
  const { data, error } = await client.auth.signInWithPassword({ email, password })
  expect(error).toBeNull()
  return { client, id: data.user?.id ?? '', token: data.session?.access_token ?? '' }
}

test('strangers make no accounts until the operator lets them', async () => {
  const { error } = await open().auth.signUp({ email: 'eve@example.com', password: 'a long password' })
  expect(error?.code).toBe('signup_disabled')
})

test('who signs in at the platform project works with organizations and projects, over /v1 and with supabase-js', async () => {
  const [ann, eve] = await Promise.all([createUser('ann@example.com'), createUser('eve@example.com')])
  expect((await v1<Profile>(ann.token, 'GET', '/profile')).body).toMatchObject({
    gotrue_id: ann.id,
    primary_email: 'ann@example.com',
  })
  const { slug } = (await v1<Organization>(ann.token, 'POST', '/organizations', { name: 'Ann’s' })).body

  const organizations = await ann.client.from('organizations').select('id, name')
  expect(organizations.data).toEqual([{ id: slug, name: 'Ann’s' }])
  expect((await eve.client.from('organizations').select('id')).data).toEqual([])

  const made = await ann.client
    .from('projects')
    .insert({ organization_id: slug, name: 'made by insert' })
    .select('id, ref, status')
    .single()
  expect(made).toMatchObject({ error: null, data: { status: 'creating' } })
  const project = made.data as { id: number; ref: string }
  const called = await ann.client.rpc('create_project_instance', { org_id: slug, project_name: 'called' })
  expect(called).toMatchObject({ error: null, data: [{ name: 'called', status: 'creating' }] })
  const refused = await eve.client.rpc('create_project_instance', { org_id: slug, project_name: 'x' })
  expect(refused.error?.message).toBe('There is no such organization.')

  const active = async () =>
    ((await ann.client.rpc('get_user_projects')).data as { name: string; status: string }[])
      .filter(({ status }) => status === 'active')
      .map(({ name }) => name)
  await expect.poll(active, { timeout: 20_000 }).toEqual(['made by insert', 'called'])
  expect((await eve.client.rpc('get_user_projects', { user_id: ann.id })).data).toEqual([])
  expect((await eve.client.rpc('delete_project_instance', { project_id: project.id })).data).toBe(false)
  expect((await v1(ann.token, 'GET', `/projects/${project.ref}`)).status).toBe(200)
  expect((await v1(eve.token, 'GET', `/projects/${project.ref}`)).status).toBe(404)
  expect((await ann.client.rpc('delete_project_instance', { project_id: project.id })).data).toBe(true)
  await expect
    .poll(async () => (await ann.client.from('projects').select('id').eq('id', project.id)).data, {
      timeout: 20_000,
    })
    .toEqual([])

  const anonymous = await open().from('organizations').select()
  expect(anonymous.error?.code).toBe('42501')
  const tables = await ann.client.schema('control').from('organizations').select()
  expect(tables.error).not.toBeNull()
})

test('a token outlives the session, and signing out ends the session at once', async () => {
  const ben = await createUser('ben@example.com')
  const made = await v1<CreatedAccessToken>(ben.token, 'POST', '/access-tokens', { name: 'laptop' })
  await ben.client.auth.signOut()
  expect((await v1(ben.token, 'GET', '/profile')).status).toBe(401)
  expect((await v1<Profile>(made.body.token, 'GET', '/profile')).body.primary_email).toBe('ben@example.com')
})

test('an account that is deleted at Auth takes its memberships and tokens along', async () => {
  const gil = await createUser('gil@example.com')
  const { slug } = (await v1<Organization>(gil.token, 'POST', '/organizations', { name: 'Gil’s' })).body
  const made = await v1<CreatedAccessToken>(gil.token, 'POST', '/access-tokens', { name: 'laptop' })
  const { error } = await open(secretKey).auth.admin.deleteUser(gil.id)
  expect(error).toBeNull()
  expect((await v1(made.body.token, 'GET', '/profile')).status).toBe(401)
  expect((await v1(gil.token, 'GET', '/profile')).status).toBe(401)
  expect((await v1<unknown[]>(platform.token, 'GET', `/organizations/${slug}/members`)).body).toEqual([])
})

test('who is invited and has no account makes one by the mail, and joins', async () => {
  const carl = await createUser('carl@example.com')
  const { slug } = (await v1<Organization>(carl.token, 'POST', '/organizations', { name: 'Carl & Co' })).body
  const invited = await v1<Invitation>(carl.token, 'POST', `/organizations/${slug}/invitations`, {
    email: 'dora@example.com',
    role: 'developer',
  })
  expect(invited.status).toBe(201)

  interface InboxMail {
    kind: string
    subject: string
    html: string
    text: string
  }
  const inbox = async (recipient = 'dora@example.com') => {
    const reply = await fetch(`${info.path_url}/auth/v1/admin/inbox?recipient=${recipient}`, {
      headers: { apikey: secretKey },
    })
    return ((await reply.json()) as { mails: InboxMail[] }).mails
  }
  await expect.poll(async () => (await inbox()).length, { timeout: 20_000 }).toBe(1)
  const [mail] = await inbox()
  expect(mail).toMatchObject({ kind: 'organization_invitation', subject: 'Invitation to Carl & Co' })
  expect(mail?.html).toContain('Carl &amp; Co')

  // Who has an account is written to in the language of it.
  await open(secretKey).auth.admin.updateUserById((await createUser('ines@example.com')).id, {
    user_metadata: { locale: 'pt-BR' },
  })
  await v1(carl.token, 'POST', `/organizations/${slug}/invitations`, {
    email: 'ines@example.com',
    role: 'developer',
  })
  const subjects = async () => (await inbox('ines@example.com')).map(({ subject }) => subject)
  await expect.poll(subjects, { timeout: 20_000 }).toEqual(['Convite para Carl & Co'])

  const link = /https?:\S+\/verify\?\S+/.exec(mail?.text ?? '')?.[0] ?? ''
  const token = /accept (sbi_\S+)/.exec(mail?.text ?? '')?.[1] ?? ''

  const url = new URL(link)
  const followed = await fetch(`${info.path_url}${url.pathname}${url.search}`, { redirect: 'manual' })
  const session = new URLSearchParams(new URL(followed.headers.get('location') ?? '').hash.slice(1))
  const dora = session.get('access_token') ?? ''
  expect((await v1<Profile>(dora, 'GET', '/profile')).body.primary_email).toBe('dora@example.com')
  const accepted = await v1(dora, 'POST', '/invitations/accept', { token })
  expect(accepted).toMatchObject({ status: 201, body: { role: 'developer' } })
  expect((await v1(dora, 'GET', `/organizations/${slug}`)).status).toBe(200)
})

test('the request log says who asked for what, and no more', async () => {
  const finn = await createUser('finn@example.com')
  const reply = await v1(finn.token, 'GET', '/organizations')
  const id = reply.headers.get('x-request-id')
  const find = () => platform.logLines.find((line) => line.requestId === id && line.msg === 'request')
  await expect.poll(find).toMatchObject({
    operation: 'control.organizations.list',
    method: 'GET',
    path: '/v1/organizations',
    status: 200,
    actor: `user:${finn.id}`,
    ms: expect.any(Number) as number,
  })
  const log = JSON.stringify(platform.logLines)
  expect(log).not.toContain(finn.token)
  expect(log).not.toContain(secretKey)
})
