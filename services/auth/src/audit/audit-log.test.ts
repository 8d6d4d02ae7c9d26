import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuth, type Ann, type TestAuth } from '../../test/start-auth.ts'

interface Entry {
  readonly id: string
  readonly created_at: string
  readonly ip_address: string
  readonly payload: Readonly<Record<string, unknown>>
}

let auth: TestAuth
let ann: Ann
let bob: Ann
beforeAll(async () => {
  auth = await startAuth()
  ann = await auth.ann({ full_name: 'Ann of %' })
  bob = await auth.ann()
  await auth.signIn(ann.email, ann.password)
  await auth.post('/logout', undefined, { token: bob.token })
})
afterAll(() => auth.close())

const read = async (query = '', token = auth.keys.service) => {
  const reply = await auth.get(`/admin/audit${query}`, { token })
  return { ...reply, entries: reply.body as unknown as readonly Entry[] }
}
const actionsOf = (entries: readonly Entry[]) => entries.map(({ payload }) => payload.action)

test('administrators see what was done and by whom, the latest first', async () => {
  const { status, headers, entries } = await read()
  expect(status).toBe(200)
  expect(actionsOf(entries)).toEqual(['logout', 'login', 'login', 'user_signedup', 'login', 'user_signedup'])
  expect(entries[1]).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    created_at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    ip_address: '',
    payload: {
      action: 'login',
      actor_id: ann.id,
      actor_name: 'Ann of %',
      actor_username: ann.email,
      actor_via_sso: false,
      log_type: 'account',
      traits: { provider: 'email' },
    },
  })
  expect(headers.get('x-total-count')).toBe('6')
})

test('the log comes in pages and is searched by author, action and type', async () => {
  const second = await read('?page=2&per_page=4')
  expect(actionsOf(second.entries)).toEqual(['login', 'user_signedup'])
  expect(second.headers.get('link')).toBe('</admin/audit?page=2&per_page=4>; rel="last"')
  expect(actionsOf((await read(`?query=author:${bob.email}`)).entries)).toEqual([
    'logout',
    'login',
    'user_signedup',
  ])
  expect((await read('?query=author:ann%20OF')).entries).toHaveLength(3)
  expect(actionsOf((await read('?query=action:signed')).entries)).toEqual(['user_signedup', 'user_signedup'])
  expect((await read('?query=type:team')).headers.get('x-total-count')).toBe('2')
  expect((await read('?query=author:')).entries).toHaveLength(6)
})

test.each([
  ['?query=ip:1', 'Invalid query scope: ip:1'],
  ['?query=author', 'Invalid query scope: author'],
  ['?query=__proto__:x', 'Invalid query scope: __proto__:x'],
  ['?page=x', 'Bad Pagination Parameters: strconv.ParseUint: parsing "x": invalid syntax'],
])('%s is refused', async (query, msg) => {
  expect(await read(query)).toMatchObject({ status: 400, body: { error_code: 'validation_failed', msg } })
})

test('the log is for administrators, and SQL in a search is text', async () => {
  expect(await read('', ann.token)).toMatchObject({ status: 403, body: { error_code: 'not_admin' } })
  expect((await read('', auth.keys.anon)).status).toBe(403)
  const injection = encodeURIComponent("author:') or true; drop table auth.users; --")
  expect((await read(`?query=${injection}`)).entries).toEqual([])
  expect((await read(`?query=${encodeURIComponent('author:\\')}`)).status).toBe(200)
})

test('another project’s log is its own', async () => {
  const other = await startAuth()
  expect((await other.get('/admin/audit', { token: other.keys.service })).body).toEqual([])
  expect((await other.get('/admin/audit', { token: auth.keys.service })).status).toBeGreaterThanOrEqual(401)
})
