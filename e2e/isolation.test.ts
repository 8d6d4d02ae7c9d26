import type { ProjectConnection } from '@favo/contracts'
import { startPlatform, type TestPlatform } from '@favo/testkit'
import { signJwt } from '@favo/tokens'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hostFetch } from './support/host-fetch.ts'
import { addressOf, connect, forms, runSql, signUp, type SignedIn } from './support/projects.ts'

const EMAIL = 'ann@example.com'

interface Side {
  readonly name: 'a' | 'b'
  readonly project: ProjectConnection
  readonly url: string
  readonly password: string
  /** Stands in the project's rows and nowhere else. */
  readonly mark: string
  readonly ann: SignedIn
}

let platform: TestPlatform
let a: Side
let b: Side

beforeAll(async () => {
  platform = await startPlatform()
  const [one, two] = await Promise.all([makeSide('a'), makeSide('b')])
  a = one
  b = two
})
afterAll(() => platform.close())

/** The same schema, the same address, other rows and another password; and one table that only this side has. */
async function makeSide(name: 'a' | 'b'): Promise<Side> {
  const project = await platform.createProject()
  const mark = `mark-of-${name}-${project.ref}`
  const password = `password of ${name} ${project.ref}`
  await runSql(
    project,
    `create table notes (
       id bigint generated always as identity primary key,
       user_id uuid not null default auth.uid() references auth.users,
       slug text not null constraint notes_slug_key unique,
       body text not null
     );
     alter table notes enable row level security;
     create policy "own notes" on notes to authenticated
       using (user_id = auth.uid()) with check (user_id = auth.uid());
     create table only_in_${name} (id int primary key, body text);
     insert into only_in_${name} values (1, '${mark}');
     create function whoami() returns json language sql as
       $$ select json_build_object('sub', auth.uid(), 'role', auth.role(), 'database', current_database()) $$;`,
  )
  const url = addressOf(platform, project, 'ref')
  const ann = await signUp(url, project.keys.anon, EMAIL, password)
  const written = await ann.client.from('notes').insert({ slug: 'first', body: mark })
  if (written.error !== null) throw new Error(written.error.message)
  return { name, project, url, password, mark, ann }
}

const pairs = () => [
  { here: a, there: b },
  { here: b, there: a },
]

describe('the same address in two projects', () => {
  test('is two users, who see their own rows', async () => {
    expect(a.ann.id).not.toBe(b.ann.id)
    for (const { here } of pairs())
      expect(await here.ann.client.from('notes').select('body')).toMatchObject({
        data: [{ body: here.mark }],
        error: null,
      })
  })

  test('with the service key each project shows its own rows and users, and no others', async () => {
    for (const { here, there } of pairs()) {
      for (const form of forms) {
        const service = connect(addressOf(platform, here.project, form), here.project.keys.service_role)
        expect(await service.from('notes').select('body')).toMatchObject({ data: [{ body: here.mark }] })
        const users = await service.auth.admin.listUsers()
        expect(users.data.users.map(({ id }) => id)).toEqual([here.ann.id])
        const foreign = await service.auth.admin.getUserById(there.ann.id)
        expect(foreign.error).toMatchObject({ status: 404, code: 'user_not_found' })
      }
    }
  })

  test('each password opens its own project only', async () => {
    for (const { here, there } of pairs()) {
      const client = connect(here.url, here.project.keys.anon)
      const wrong = await client.auth.signInWithPassword({ email: EMAIL, password: there.password })
      expect(wrong.error).toMatchObject({ status: 400, code: 'invalid_credentials' })
      const right = await client.auth.signInWithPassword({ email: EMAIL, password: here.password })
      expect(right.data.user?.id).toBe(here.ann.id)
    }
  })

  test('sessions end in one project without touching the other', async () => {
    const [first, second] = await Promise.all(
      pairs().map(async ({ here }) => {
        const client = connect(here.url, here.project.keys.anon)
        await client.auth.signInWithPassword({ email: EMAIL, password: here.password })
        return client
      }),
    )
    expect((await first?.auth.signOut({ scope: 'local' }))?.error).toBeNull()
    expect((await second?.auth.getUser())?.data.user?.id).toBe(b.ann.id)
    expect((await second?.auth.refreshSession())?.error).toBeNull()
  })

  test('a refresh token of the other project is unknown here', async () => {
    for (const { here, there } of pairs()) {
      const client = connect(here.url, here.project.keys.anon)
      const { data, error } = await client.auth.refreshSession({ refresh_token: there.ann.refreshToken })
      expect(data.session).toBeNull()
      expect(error).toMatchObject({ code: 'refresh_token_not_found' })
    }
  })

  test('a user deleted in one project stays in the other', async () => {
    const address = 'gone@example.com'
    const users = await Promise.all(
      pairs().map(({ here }) => signUp(here.url, here.project.keys.anon, address, 'a long password')),
    )
    const service = connect(a.url, a.project.keys.service_role)
    expect((await service.auth.admin.deleteUser(users[0]?.id ?? '')).error).toBeNull()
    expect((await users[0]?.client.auth.getUser())?.error).toMatchObject({ code: 'user_not_found' })
    expect((await users[1]?.client.auth.getUser())?.data.user?.id).toBe(users[1]?.id)
    await connect(b.url, b.project.keys.service_role).auth.admin.deleteUser(users[1]?.id ?? '')
  })
})

describe('errors of one project', () => {
  test('say nothing of the other: a name that exists there only is unknown here, without a hint', async () => {
    for (const { here, there } of pairs()) {
      const service = connect(here.url, here.project.keys.service_role)
      const { error } = await service.from(`only_in_${there.name}`).select()
      expect(error?.code).toBe('PGRST205')
      expect(JSON.stringify(error)).not.toContain(there.mark)
      expect(error?.hint ?? '').not.toContain(`only_in_${there.name}`)
    }
  })

  test('name neither database, ref nor login of any project', async () => {
    const { keys } = b.project
    const service = connect(b.url, keys.service_role)
    const replies = [
      await service.from('notes').insert({ slug: 'first', body: 'again', user_id: b.ann.id }),
      await service.from('notes').insert({ slug: 'x' }),
      await service.from('notes').select('nothing'),
      await service.rpc('nothing'),
      await connect(b.url, keys.anon).from('only_in_b').insert({ id: 1 }),
    ]
    for (const { error } of replies) {
      expect(error).not.toBeNull()
      const text = JSON.stringify(error)
      for (const word of [a.mark, a.project.ref, b.project.ref, 'p_', 'favo', '127.0.0.1'])
        expect(text).not.toContain(word)
    }
  })
})

describe('the log', () => {
  test('keeps the projects apart, and has no key, token, address or row in it', async () => {
    // Lines are written after the answers: this one comes when those of all earlier requests are there.
    const marker = { apikey: a.project.keys.anon, 'x-request-id': 'marker-before-the-log-test' }
    await hostFetch(`${a.url}/auth/v1/settings`, { headers: marker })
    const isMarker = ({ requestId }: Record<string, unknown>) => requestId === marker['x-request-id']
    await expect.poll(() => platform.logLines.some(isMarker), { timeout: 10_000 }).toBe(true)
    const before = platform.logLines.findIndex(isMarker) + 1
    await a.ann.client.from('notes').select().eq('body', a.mark)
    await b.ann.client.from('notes').select().eq('body', b.mark)
    await connect(a.url, a.project.keys.anon).auth.signInWithPassword({
      email: EMAIL,
      password: a.password,
    })
    await expect
      .poll(() => platform.logLines.slice(before).filter(({ path }) => path).length, { timeout: 10_000 })
      .toBe(3)
    const lines = platform.logLines.slice(before).filter(({ path }) => path)
    expect(lines.map(({ project, path, status }) => [project, path, status])).toEqual([
      [a.project.ref, '/rest/v1/notes', 200],
      [b.project.ref, '/rest/v1/notes', 200],
      [a.project.ref, '/auth/v1/token', 200],
    ])

    const everything = JSON.stringify(platform.logLines)
    const secrets = [a, b].flatMap(({ project, password, mark, ann }) => [
      ...Object.values(project.keys),
      project.jwt_secret,
      new URL(project.database.url).password,
      password,
      mark,
      ann.accessToken,
      ann.refreshToken,
    ])
    for (const secret of [...secrets, platform.token, EMAIL]) expect(everything).not.toContain(secret)
  })
})

describe('every key and token of one project at the other', () => {
  const targets = [
    ['GET', '/rest/v1/notes?select=*'],
    ['GET', '/rest/v1/only_in_b'],
    ['GET', '/rest/v1/'],
    ['POST', '/rest/v1/rpc/whoami'],
    ['GET', '/auth/v1/user'],
    ['GET', '/auth/v1/settings'],
    ['GET', '/auth/v1/admin/users'],
    ['POST', '/auth/v1/logout'],
    ['GET', '/health'],
  ] as const

  const keysOf = ({ project, ann }: Side) => ({ ...project.keys, user: ann.accessToken })
  type KeyName = keyof ReturnType<typeof keysOf>

  async function ask(method: string, url: string, headers: Record<string, string>) {
    const reply = await hostFetch(url, { method, headers, ...(method === 'POST' ? { body: '' } : {}) })
    return { status: reply.status, text: await reply.text() }
  }

  function expectNothingOfB({ status, text }: { status: number; text: string }, what: string) {
    expect([401, 403, 404], what).toContain(status)
    for (const word of [b.mark, b.ann.id, b.project.ref, EMAIL, 'only_in_b'])
      expect(text, what).not.toContain(word)
  }

  test.each(forms)('is refused as apikey, named by %s', async (form) => {
    // By key alone A's keys name A: nothing of B is there to be refused.
    const address =
      form === 'key' ? addressOf(platform, b.project, 'ref') : addressOf(platform, b.project, form)
    for (const [name, key] of Object.entries(keysOf(a)))
      for (const [method, path] of targets) {
        const inQuery = `${path}${path.includes('?') ? '&' : '?'}apikey=${key}`
        for (const [at, headers] of [
          [path, { apikey: key }],
          [path, { apikey: key, authorization: `Bearer ${key}` }],
          [path, { apikey: key, authorization: `Bearer ${b.ann.accessToken}` }],
          [inQuery, {}],
          [`${path}${path.includes('?') ? '&' : '?'}apikey=${b.project.keys.service_role}`, { apikey: key }],
        ] as const) {
          const reply = await ask(method, address + at, headers)
          expect(reply.status, `${name} ${method} ${at}`).toBe(401)
          expectNothingOfB(reply, `${name} ${method} ${at}`)
        }
      }
  })

  test.each(forms)('is refused as bearer beside a good key, named by %s', async (form) => {
    const address = addressOf(platform, b.project, form)
    for (const [name, token] of Object.entries({ ...keysOf(a), refresh: a.ann.refreshToken }))
      for (const apikey of [b.project.keys.anon, b.project.keys.publishable, b.project.keys.service_role])
        for (const [method, path] of targets) {
          if (path === '/health' || path === '/auth/v1/settings') continue // These look at the key only.
          const reply = await ask(method, address + path, { apikey, authorization: `Bearer ${token}` })
          expectNothingOfB(reply, `${name} ${method} ${path}`)
        }
  })

  test('is refused when host, path, key and forwarded headers name different projects', async () => {
    const [refA, refB] = [a.project.ref, b.project.ref]
    const hostA = `http://${refA}.${platform.domain}:${platform.port}`
    const hostB = `http://${refB}.${platform.domain}:${platform.port}`
    const forwarded = {
      'x-forwarded-host': new URL(hostB).host,
      'x-forwarded-prefix': `/p/${refB}`,
      forwarded: `host=${new URL(hostB).host}`,
    }
    for (const name of Object.keys(keysOf(a)) as KeyName[])
      for (const [method, path] of targets) {
        const [keyA, keyB] = [keysOf(a)[name], keysOf(b)[name]]
        const mixed: [string, Record<string, string>][] = [
          [`${hostA}/p/${refB}${path}`, { apikey: keyA }],
          [`${hostA}/p/${refB}${path}`, { apikey: keyB }],
          [`${hostB}/p/${refA}${path}`, { apikey: keyA }],
          [`${hostA}${path}`, { apikey: keyB }],
          [`${hostA}${path}`, { apikey: keyB, ...forwarded }],
          [`${platform.apiUrl}/p/${refA}${path}`, { apikey: keyB, ...forwarded }],
          [`${platform.apiUrl}/p/${refA}/p/${refB}${path}`, { apikey: keyB }],
          [`${platform.apiUrl}/p/${refA}/..%2f${refB}${path}`, { apikey: keyA }],
          [`${platform.apiUrl}//p/${refB}${path}`, { apikey: keyA }],
          [`${platform.apiUrl}/p/${refB.toUpperCase()}${path}`, { apikey: keyA }],
        ]
        for (const [url, headers] of mixed)
          expectNothingOfB(await ask(method, url, headers), `${name} ${method} ${url}`)
      }
  })

  test('while B’s own are good, so that the refusals above mean something', async () => {
    for (const form of forms) {
      const address = addressOf(platform, b.project, form)
      for (const key of Object.values(b.project.keys)) {
        const reply = await ask('GET', `${address}/rest/v1/notes?select=*`, { apikey: key })
        expect(reply.status).toBe(200)
      }
      const { anon } = b.project.keys
      const own = await ask('GET', `${address}/rest/v1/notes?select=*`, {
        apikey: anon,
        authorization: `Bearer ${b.ann.accessToken}`,
      })
      expect(own.text).toContain(b.mark)
    }
  })

  test('a token made with A’s secret but B’s names is refused at B', async () => {
    const exp = Math.floor(Date.now() / 1000) + 3_600
    const forged = [
      { iss: 'supabase', ref: b.project.ref, role: 'service_role', exp },
      { iss: `${b.url}/auth/v1`, sub: b.ann.id, role: 'authenticated', aud: 'authenticated', exp },
    ].map((claims) => signJwt(claims, a.project.jwt_secret))
    for (const token of forged)
      for (const form of forms) {
        const address = addressOf(platform, b.project, form)
        const asKey = await ask('GET', `${address}/rest/v1/notes`, { apikey: token })
        expectNothingOfB(asKey, form)
        const asBearer = await ask('GET', `${address}/rest/v1/notes`, {
          apikey: b.project.keys.anon,
          authorization: `Bearer ${token}`,
        })
        expectNothingOfB(asBearer, form)
      }
  })
})
