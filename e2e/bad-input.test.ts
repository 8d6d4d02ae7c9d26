import type { ProjectConnection } from '@favo/contracts'
import { startPlatform, type TestPlatform } from '@favo/testkit'
import { signJwt } from '@favo/tokens'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hostFetch } from './support/host-fetch.ts'
import { connect, runSql, signUp, type SignedIn } from './support/projects.ts'

let platform: TestPlatform
let project: ProjectConnection
let stranger: ProjectConnection
let ann: SignedIn

beforeAll(async () => {
  platform = await startPlatform()
  ;[project, stranger] = await Promise.all([platform.createProject(), platform.createProject()])
  await runSql(
    project,
    `create table notes (
       id bigint generated always as identity primary key,
       user_id uuid not null default auth.uid() references auth.users,
       body text not null check (length(body) < 1000),
       details jsonb,
       n int
     );
     alter table notes enable row level security;
     create policy "own notes" on notes to authenticated using (user_id = auth.uid()) with check (user_id = auth.uid());
     create table vault (id int primary key, secret text);
     revoke all on vault from anon, authenticated;
     insert into vault values (1, 'the-vault-is-open');
     create function echo(word text) returns text language sql immutable as 'select word';`,
  )
  ann = await signUp(project.path_url, project.keys.anon, 'ann@example.com', 'a long password')
  await ann.client
    .from('notes')
    .insert({ body: 'first', details: { color: 'red' }, n: 1 })
    .throwOnError()
})
afterAll(() => platform.close())

interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

interface Answer {
  readonly status: number
  readonly text: string
  /** PostgREST's and the gateway's `code`, GoTrue's `error_code`. */
  readonly code: unknown
}

async function ask(path: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Answer> {
  const url = path.startsWith('http') ? path : `${project.path_url}${path}`
  const reply = await hostFetch(url, {
    method,
    headers: {
      apikey: project.keys.anon,
      authorization: `Bearer ${ann.accessToken}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  })
  const text = await reply.text()
  return { status: reply.status, text, code: codeOf(text) }
}

function codeOf(text: string): unknown {
  try {
    const { code, error_code: errorCode } = JSON.parse(text) as Record<string, unknown>
    return errorCode ?? code
  } catch {
    return undefined
  }
}

/** What no answer may have in it: where things are, how they are called inside, and what belongs to others. */
function expectNoLeak({ text }: Answer, what: string) {
  const leaks = [
    ...['the-vault-is-open', '/work/', '/node_modules/', 'at Object.', 'pg_hba', 'ECONNREFUSED'],
    ...[project.jwt_secret, project.keys.service_role, stranger.ref, ann.accessToken],
  ]
  for (const leak of leaks) expect(text, what).not.toContain(leak)
}

const now = () => Math.floor(Date.now() / 1000)
const user = (more: Record<string, unknown> = {}) => ({
  sub: ann.id,
  role: 'authenticated',
  aud: 'authenticated',
  exp: now() + 3_600,
  ...more,
})
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
const post = (body: string, more: Asked = {}): Asked => ({ method: 'POST', body, ...more })

const cases: Record<string, [path: () => string, asked: () => Asked, status: number, code: unknown]> = {
  'unknown ref': [
    () => `${platform.apiUrl}/p/${'z'.repeat(20)}/rest/v1/notes`,
    () => ({}),
    404,
    'project_not_found',
  ],
  'unknown subdomain': [
    () => `http://nobody.${platform.domain}:${platform.port}/rest/v1/notes`,
    () => ({}),
    404,
    'project_not_found',
  ],
  'unknown service': [() => '/nothing/v1/x', () => ({}), 404, undefined],
  'control plane on a project': [() => '/v1/projects', () => bearer(platform.token), 404, undefined],
  'unknown table': [() => '/rest/v1/nothing', () => ({}), 404, 'PGRST205'],
  'unknown function': [() => '/rest/v1/rpc/nothing', () => post('{}'), 404, 'PGRST202'],
  'unknown schema': [
    () => '/rest/v1/users',
    () => ({ headers: { 'accept-profile': 'auth' } }),
    406,
    'PGRST106',
  ],
  'table without rights': [() => '/rest/v1/vault', () => ({}), 403, '42501'],
  'unknown column in select': [() => '/rest/v1/notes?select=nothing', () => ({}), 400, '42703'],
  'unknown column in filter': [() => '/rest/v1/notes?nothing=eq.1', () => ({}), 400, '42703'],
  'unknown column in order': [() => '/rest/v1/notes?order=nothing', () => ({}), 400, '42703'],
  'unknown column in a row': [() => '/rest/v1/notes', () => post('{"nothing":1}'), 400, 'PGRST204'],
  'unknown operator': [() => '/rest/v1/notes?id=like_a.1', () => ({}), 400, 'PGRST100'],
  'filter of another type': [() => '/rest/v1/notes?id=eq.one', () => ({}), 400, '22P02'],
  'number too large': [() => '/rest/v1/notes?n=eq.99999999999', () => ({}), 400, '22003'],
  'zero byte': [() => '/rest/v1/notes?body=eq.%00', () => ({}), 400, expect.any(String)],
  // Bytes that are no text stand for the replacement character, and so fit nothing.
  'broken UTF-8': [() => '/rest/v1/notes?body=eq.%ff%fe', () => ({}), 200, undefined],
  'broken escape': [() => '/rest/v1/%zz', () => ({}), 400, 'bad_url'],
  'malformed JSON': [() => '/rest/v1/notes', () => post('{"body":'), 400, 'PGRST102'],
  // PostgREST takes it for no rows at all.
  'JSON that is no row': [() => '/rest/v1/notes', () => post('42'), 201, undefined],
  'rows of different shape': [() => '/rest/v1/notes', () => post('[{"body":"a"},{"n":1}]'), 400, 'PGRST102'],
  'malformed JSON to auth': [
    () => '/auth/v1/token?grant_type=password',
    () => post('{"email":'),
    400,
    'bad_json',
  ],
  'unknown media type': [
    () => '/rest/v1/notes',
    () => ({ headers: { accept: 'image/png' } }),
    406,
    'PGRST107',
  ],
  'value too long for its check': [
    () => '/rest/v1/notes',
    () => post(JSON.stringify({ body: 'x'.repeat(1000) })),
    400,
    '23514',
  ],
  "row of somebody else's": [
    () => '/rest/v1/notes',
    () => post(JSON.stringify({ body: 'x', user_id: '00000000-0000-4000-8000-000000000000' })),
    403,
    '42501',
  ],
  'no token at all': [
    () => '/rest/v1/notes',
    () => ({ headers: { authorization: '', apikey: '' } }),
    401,
    undefined,
  ],
  'garbage for a token': [() => '/rest/v1/notes', () => bearer('garbage'), 401, 'PGRST301'],
  'empty token': [() => '/rest/v1/notes', () => bearer(''), 401, 'PGRST301'],
  'expired token': [
    () => '/rest/v1/notes',
    () => bearer(signJwt(user({ exp: now() - 3_600 }), project.jwt_secret)),
    401,
    'PGRST303',
  ],
  'token of another project': [
    () => '/rest/v1/notes',
    () => bearer(signJwt(user(), stranger.jwt_secret)),
    401,
    'PGRST301',
  ],
  'token signed by nobody': [
    () => '/rest/v1/notes',
    () => {
      const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
      return bearer(`${part({ alg: 'none' })}.${part(user({ role: 'service_role' }))}.`)
    },
    401,
    'PGRST301',
  ],
  'token for a role that is not to be had': [
    () => '/rest/v1/notes',
    () => bearer(signJwt(user({ role: 'supabase_auth_admin' }), project.jwt_secret)),
    403,
    '42501',
  ],
  'token for the superuser': [
    () => '/rest/v1/notes',
    () => bearer(signJwt(user({ role: 'favo_admin' }), project.jwt_secret)),
    403,
    '42501',
  ],
  'expired token to auth': [
    () => '/auth/v1/user',
    () => bearer(signJwt(user({ exp: now() - 3_600 }), project.jwt_secret)),
    403,
    'bad_jwt',
  ],
  'token of another project to auth': [
    () => '/auth/v1/user',
    () => bearer(signJwt(user(), stranger.jwt_secret)),
    403,
    'bad_jwt',
  ],
  'key of another project': [
    () => '/rest/v1/notes',
    () => ({ headers: { apikey: stranger.keys.service_role } }),
    401,
    undefined,
  ],
  'admin of auth with a customer’s token': [() => '/auth/v1/admin/users', () => ({}), 403, 'not_admin'],
  'control plane without a token': [
    () => `${platform.apiUrl}/v1/projects`,
    () => ({ headers: { authorization: '' } }),
    401,
    expect.anything(),
  ],
  'control plane with a project’s key': [
    () => `${platform.apiUrl}/v1/projects`,
    () => bearer(project.keys.service_role),
    401,
    expect.anything(),
  ],
}

test.each(Object.entries(cases))('%s', async (name, [path, asked, status, code]) => {
  const reply = await ask(path(), asked())
  expect([reply.status, reply.code], reply.text).toEqual([status, code])
  expectNoLeak(reply, name)
})

describe('10 MB', () => {
  const rows = (sizeBytes: number) =>
    JSON.stringify([{ body: 'x', details: { filler: 'y'.repeat(sizeBytes) } }])

  test('of JSON over the limit are refused with 413, by REST and by Auth, and the connection serves on', async () => {
    const body = rows(10 * 2 ** 20)
    for (const path of ['/rest/v1/notes', '/rest/v1/rpc/echo', '/auth/v1/signup']) {
      const reply = await ask(path, post(body))
      expect(reply.status, `${path} ${reply.text.slice(0, 200)}`).toBe(413)
      expect(reply.text.length).toBeLessThan(500)
    }
    expect((await ask('/rest/v1/notes')).status).toBe(200)
  })

  test('of JSON just under the limit are taken', async () => {
    const reply = await ask('/rest/v1/notes', post(rows(10 * 2 ** 20 - 1_000)))
    expect([reply.status, reply.text]).toEqual([201, ''])
    await ann.client.from('notes').delete().eq('body', 'x').throwOnError()
  })

  test('of brackets are refused without falling over', async () => {
    const unclosed = await ask('/rest/v1/notes', post('['.repeat(2 ** 20)))
    expect([unclosed.status, unclosed.code]).toEqual([400, 'PGRST102'])
    const nested = `{"body":"x","details":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`
    const tooDeep = await ask('/rest/v1/notes', post(nested))
    // Postgres' "statement too complex" is a 500 in the dialect (PostgREST src/PostgREST/Error.hs, class 54).
    expect([tooDeep.status, tooDeep.code]).toEqual([500, '54001'])
    expect((await ask('/rest/v1/notes')).status).toBe(200)
  })
})

describe('SQL in every parameter', () => {
  const payloads = [
    `'; select secret from vault; --`,
    `' union select secret from vault --`,
    `1 or 1=1`,
    `1);drop table notes;--`,
    `"; drop table notes; --`,
    `$$; reset role; select secret from vault $$`,
    `\\'; reset role; --`,
    `x') returning (select secret from vault) --`,
    `pg_sleep(10)`,
    `(select secret from vault)`,
    `id::text::(select secret from vault)`,
    `notes; set role service_role`,
  ]
  const places: Record<string, (payload: string) => [string, Asked]> = {
    table: (x) => [`/rest/v1/${x}`, {}],
    function: (x) => [`/rest/v1/rpc/${x}`, post('{}')],
    'function by GET': (x) => [`/rest/v1/rpc/echo?word=${x}`, {}],
    argument: (x) => ['/rest/v1/rpc/echo', post(JSON.stringify({ word: decodeURIComponent(x) }))],
    'argument name': (x) => ['/rest/v1/rpc/echo', post(JSON.stringify({ [decodeURIComponent(x)]: 1 }))],
    select: (x) => [`/rest/v1/notes?select=${x}`, {}],
    alias: (x) => [`/rest/v1/notes?select=${x}:id`, {}],
    cast: (x) => [`/rest/v1/notes?select=id::${x}`, {}],
    'JSON path': (x) => [`/rest/v1/notes?select=details->>${x}`, {}],
    'filter column': (x) => [`/rest/v1/notes?${x}=eq.1`, {}],
    'filter operator': (x) => [`/rest/v1/notes?id=${x}.1`, {}],
    'filter value': (x) => [`/rest/v1/notes?body=eq.${x}`, {}],
    'in list': (x) => [`/rest/v1/notes?body=in.(${x})`, {}],
    'logic tree': (x) => [`/rest/v1/notes?or=(body.eq.${x},id.eq.1)`, {}],
    'text search': (x) => [`/rest/v1/notes?body=fts(${x}).x`, {}],
    order: (x) => [`/rest/v1/notes?order=${x}`, {}],
    limit: (x) => [`/rest/v1/notes?limit=${x}`, {}],
    offset: (x) => [`/rest/v1/notes?offset=${x}`, {}],
    columns: (x) => [`/rest/v1/notes?columns=${x}`, post('{"body":"x"}')],
    'on conflict': (x) => [
      `/rest/v1/notes?on_conflict=${x}`,
      post('{"body":"x"}', { headers: { prefer: 'resolution=merge-duplicates' } }),
    ],
    'row key': (x) => ['/rest/v1/notes', post(JSON.stringify({ [decodeURIComponent(x)]: 1 }))],
    'row value': (x) => ['/rest/v1/notes', post(JSON.stringify({ n: decodeURIComponent(x), body: 'x' }))],
    'update filter': (x) => [`/rest/v1/notes?${x}=eq.1`, { method: 'PATCH', body: '{"n":1}' }],
    'delete filter': (x) => [`/rest/v1/notes?id=eq.${x}`, { method: 'DELETE' }],
    profile: (x) => ['/rest/v1/notes', { headers: { 'accept-profile': decodeURIComponent(x) } }],
    range: (x) => ['/rest/v1/notes', { headers: { range: decodeURIComponent(x) } }],
    prefer: (x) => ['/rest/v1/notes', { headers: { prefer: `timezone=${decodeURIComponent(x)}` } }],
    'role claim': (x) => [
      '/rest/v1/notes',
      bearer(signJwt(user({ role: decodeURIComponent(x) }), project.jwt_secret)),
    ],
    'e-mail': (x) => [
      '/auth/v1/token?grant_type=password',
      post(JSON.stringify({ email: decodeURIComponent(x), password: decodeURIComponent(x) })),
    ],
    'refresh token': (x) => [
      '/auth/v1/token?grant_type=refresh_token',
      post(JSON.stringify({ refresh_token: decodeURIComponent(x) })),
    ],
    'grant type': (x) => [`/auth/v1/token?grant_type=${x}`, post('{}')],
    apikey: (x) => [`/rest/v1/notes`, { headers: { apikey: decodeURIComponent(x) } }],
    ref: (x) => [`${platform.apiUrl}/p/${x}/rest/v1/notes`, {}],
  }

  test.each(Object.entries(places))('%s', async (place, build) => {
    for (const payload of payloads) {
      const startedAt = performance.now()
      const reply = await ask(...build(encodeURIComponent(payload)))
      expect(reply.status, `${place}: ${payload}: ${reply.text}`).toBeLessThan(500)
      expect(performance.now() - startedAt, 'nothing slept').toBeLessThan(5_000)
      // The echo and error texts may repeat the payload, never what it asks for.
      expectNoLeak(reply, `${place}: ${payload}`)
    }
  })

  test('and everything is still there as it was, for its owner only', async () => {
    const service = connect(project.path_url, project.keys.service_role)
    expect(await service.from('vault').select()).toMatchObject({ data: [{ secret: 'the-vault-is-open' }] })
    const { data } = await service.from('notes').select('body, n').eq('body', 'first')
    expect(data).toEqual([{ body: 'first', n: 1 }])
    const anonymous = connect(project.path_url, project.keys.anon)
    expect(await anonymous.from('notes').select()).toMatchObject({ data: [], error: null })
  })
})

test('nothing secret is in the log of all this, and nothing in it calls for a person', () => {
  const everything = JSON.stringify(platform.logLines)
  const secrets = [
    ...Object.values(project.keys),
    ...Object.values(stranger.keys),
    project.jwt_secret,
    stranger.jwt_secret,
    ann.accessToken,
    ann.refreshToken,
    'a long password',
    'ann@example.com',
    'the-vault-is-open',
    new URL(project.database.url).password,
  ]
  for (const secret of secrets) expect(everything).not.toContain(secret)
  const alarms = platform.logLines.filter(({ level }) => Number(level) >= 50)
  expect(alarms).toEqual([])
})
