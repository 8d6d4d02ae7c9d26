import { poll } from '@favo/cluster'
import { createInstallation } from '@favo/testkit'
import pg from 'pg'
import { expect, test } from 'vitest'

interface Listed {
  readonly ref: string
  readonly status: string
  readonly error: string | null
}

test('the platform killed while it copies a database: the parent answers again, the branch is rolled back and told', async () => {
  const favo = await createInstallation({ isUsed: true })
  const first = await favo.start()
  const token = await favo.token()
  const api = async <T>(url: string, method: string, path: string, body?: unknown): Promise<T> => {
    const reply = await fetch(`${url}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return (await reply.json()) as T
  }
  const parent = await favo.createProject(first, { name: 'parent' })
  const query = (url: string, text: string) =>
    api<unknown>(url, 'POST', `/projects/${parent.ref}/database/query`, { query: text })
  // Some tens of megabytes, so that the copying takes a moment.
  await query(
    first.apiUrl,
    'create table load as select i, repeat(md5(i::text), 8) as text from generate_series(1, 80000) i',
  )
  const list = (url: string) => api<Listed[]>(url, 'GET', '/projects')
  void api(first.apiUrl, 'POST', `/projects/${parent.ref}/branches`, {
    branch_name: 'cut',
    with_data: true,
  }).catch(() => undefined)

  const admin = new pg.Client(await favo.adminUrl())
  admin.on('error', () => undefined)
  await admin.connect()
  const isHeld = async () => {
    const { rows } = await admin.query<{ held: boolean }>(
      `select exists (select from pg_database where datname ~ '^p_' and datconnlimit = 0) as held`,
    )
    return rows[0]?.held === true
  }
  expect(await poll(isHeld, 10_000, 1)).toBe(true)
  await first.end('SIGKILL')
  await admin.end().catch(() => undefined)

  const second = await favo.start()
  const projects = await list(second.apiUrl)
  expect(projects.find(({ ref }) => ref === parent.ref)?.status).toBe('ACTIVE_HEALTHY')
  const branch = projects.find(({ ref }) => ref !== parent.ref)
  expect([branch?.status, branch?.error]).toEqual(['INIT_FAILED', expect.stringContaining('interrupted')])
  expect(await query(second.apiUrl, 'select count(*)::int as n from load')).toEqual([{ n: 80_000 }])

  const after = new pg.Client(await favo.adminUrl())
  await after.connect()
  const { rows } = await after.query<{ count: number }>(
    `select count(*)::int as count from pg_database where datname ~ '^p_'`,
  )
  await after.end()
  // The platform's own and the parent's.
  expect(rows[0]?.count).toBe(2)
  const again = await api<{ status: string }>(second.apiUrl, 'POST', `/projects/${parent.ref}/branches`, {
    branch_name: 'cut',
    with_data: true,
  })
  expect(again.status).toBe('FUNCTIONS_DEPLOYED')
}, 180_000)
