import { describe, expect, test } from 'vitest'
import { makeProject } from '../test/fake-projects.ts'
import { DOMAIN, startGateway, type Sent } from '../test/start-gateway.ts'

describe.each(['at once', 'later'] as const)('a directory that answers %s', (directory) => {
  test('a project answers by ref, by subdomain, by path and by each kind of key', async () => {
    const { a, b, send, port } = await startGateway({ directory })
    const host = (name: string) => `${name}.${DOMAIN}`
    const { ref } = a.project
    const ways: [string, Sent][] = [
      ['/rest/v1/x', { host: host(ref), headers: { apikey: a.anon } }],
      ['/rest/v1/x', { host: host('alpha'), headers: { apikey: a.anon } }],
      ['/rest/v1/x', { host: `${host('ALPHA').toUpperCase()}:${port}`, headers: { apikey: a.anon } }],
      ['/rest/v1/x', { host: `${host(ref)}.`, headers: { apikey: a.secret } }],
      [`/p/${ref}/rest/v1/x`, { headers: { apikey: a.publishable } }],
      [`/p/${ref}/rest/v1/x`, { host: `[::1]:${port}`, headers: { apikey: a.anon } }],
      [`/p/${ref}/rest/v1/x`, { host: DOMAIN, headers: { apikey: a.anon } }],
      [`/p/${ref}/rest/v1/x`, { host: 'gateway.internal', headers: { apikey: a.anon } }],
      ['/rest/v1/x', { headers: { apikey: a.anon } }],
      ['/rest/v1/x', { headers: { apikey: a.service } }],
      ['/rest/v1/x', { headers: { apikey: a.publishable } }],
      ['/rest/v1/x', { headers: { apikey: a.secret } }],
      [`/rest/v1/x?apikey=${a.anon}`, {}],
      [`/rest/v1/x?apikey=${a.publishable}`, { host: host(ref) }],
    ]
    for (const [path, sent] of ways) {
      const reply = await send(path, sent)
      expect(reply.body, JSON.stringify([path, sent])).toMatchObject({
        ref,
        database: a.project.database,
        url: '/rest/v1/x',
      })
    }
    const other = await send('/rest/v1/x', { host: host('beta'), headers: { apikey: b.anon } })
    expect(other.body).toMatchObject({ ref: b.project.ref, database: b.project.database })
  })
})

test('the address that services make links from is how the client reached the project, and cannot be forged', async () => {
  const { a, send, port } = await startGateway()
  const { ref } = a.project
  const baseUrl = async (path: string, host: string, headers = {}) => {
    const reply = await send(path, { host, headers: { apikey: a.anon, ...headers } })
    return [reply.body.baseUrl, reply.body.pathPrefix]
  }
  const path = `/p/${ref}/auth/v1/x`
  expect(await baseUrl(path, `127.0.0.1:${port}`)).toEqual([`http://127.0.0.1:${port}/p/${ref}`, `/p/${ref}`])
  expect(await baseUrl(path, 'localhost:9000')).toEqual([`http://localhost:9000/p/${ref}`, `/p/${ref}`])
  expect(await baseUrl('/auth/v1/x', '127.0.0.1:8000')).toEqual([`http://127.0.0.1:8000/p/${ref}`, ''])
  expect(await baseUrl('/auth/v1/x', `alpha.${DOMAIN}:6666`)).toEqual([`https://alpha.${DOMAIN}`, ''])
  expect(await baseUrl(path, 'evil.example')).toEqual([`https://${DOMAIN}/p/${ref}`, `/p/${ref}`])
  expect(await baseUrl(path, 'localhost.evil.example')).toEqual([`https://${DOMAIN}/p/${ref}`, `/p/${ref}`])
  const forwarded = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }
  expect(await baseUrl(path, `127.0.0.1:${port}`, forwarded)).toEqual([
    `http://127.0.0.1:${port}/p/${ref}`,
    `/p/${ref}`,
  ])
})

test('X-Forwarded-* count only when they come from a trusted proxy', async () => {
  const headersOf = (key: string) => ({
    apikey: key,
    'x-forwarded-host': `beta.${DOMAIN}`,
    'x-forwarded-for': '203.0.113.9',
  })
  const closed = await startGateway()
  const refused = await closed.send('/rest/v1/x', {
    host: `alpha.${DOMAIN}`,
    headers: headersOf(closed.b.anon),
  })
  expect(refused.status).toBe(401)
  const own = await closed.send('/rest/v1/x', { host: `alpha.${DOMAIN}`, headers: headersOf(closed.a.anon) })
  expect(own.body).toMatchObject({ ref: closed.a.project.ref, clientIp: '127.0.0.1' })

  const behindProxy = await startGateway({ config: { trustedProxies: ['127.0.0.1'] } })
  const { b } = behindProxy
  const reply = await behindProxy.send('/rest/v1/x', { host: 'upstream', headers: headersOf(b.anon) })
  expect(reply.body).toMatchObject({ ref: b.project.ref, clientIp: '203.0.113.9' })
})

test('no header but Host, apikey and Authorization has a say in where a request goes', async () => {
  const { a, b, send } = await startGateway()
  const host = `alpha.${DOMAIN}`
  const tricks = {
    'x-forwarded-host': `beta.${DOMAIN}`,
    'x-forwarded-server': `beta.${DOMAIN}`,
    'x-forwarded-prefix': `/p/${b.project.ref}`,
    'x-forwarded-for': '203.0.113.9',
    'x-host': `beta.${DOMAIN}`,
    'x-original-host': `beta.${DOMAIN}`,
    'x-original-url': `/p/${b.project.ref}/rest/v1/y`,
    'x-rewrite-url': `/p/${b.project.ref}/rest/v1/y`,
    'x-http-method-override': 'DELETE',
    'x-project-ref': b.project.ref,
    forwarded: `host=beta.${DOMAIN};for=203.0.113.9`,
    origin: `http://beta.${DOMAIN}`,
    referer: `http://beta.${DOMAIN}/`,
    cookie: `apikey=${b.secret}; sb-access-token=${b.service}`,
    'x-api-key': b.secret,
    'proxy-authorization': `Bearer ${b.service}`,
  }
  const plain = await send('/rest/v1/x', { host, headers: { apikey: a.anon } })
  const expected = { ...plain.body, requestId: null }
  for (const [name, value] of Object.entries(tricks)) {
    const reply = await send('/rest/v1/x', { host, headers: { apikey: a.anon, [name]: value } })
    expect({ ...reply.body, requestId: null }, name).toEqual(expected)
    const keyless = await send('/rest/v1/x', { host, headers: { [name]: value } })
    expect(keyless.status, name).toBe(401)
  }
})

test('what names no project, or two, is 404 and reaches nobody', async () => {
  const { a, b, send } = await startGateway()
  const [refA, refB] = [a.project.ref, b.project.ref]
  const encoded = `%${refA.charCodeAt(0).toString(16)}${refA.slice(1)}`
  const nowhere: [string, Sent?][] = [
    ['/rest/v1/x', { host: `nobody.${DOMAIN}` }],
    ['/rest/v1/x', { host: `deep.alpha.${DOMAIN}` }],
    ['/rest/v1/x', { host: `_alpha.${DOMAIN}` }],
    ['/rest/v1/x', { host: `${'a'.repeat(64)}.${DOMAIN}` }],
    ['/rest/v1/x', { host: `.${DOMAIN}`.replace('.', 'x..') }],
    [`/p/${'a'.repeat(20)}/rest/v1/x`],
    [`/p/${refA.toUpperCase()}/rest/v1/x`],
    [`/p/${refA}x/rest/v1/x`],
    [`/p/alpha/rest/v1/x`],
    [`/p/${encoded}/rest/v1/x`],
    [`/%70/${refA}/rest/v1/x`],
    [`/p%2f${refA}/rest/v1/x`],
    [`//p/${refA}/rest/v1/x`],
    [`/./p/${refA}/rest/v1/x`],
    [`/p//${refA}/rest/v1/x`],
    [`/p/${refA}//rest/v1/x`],
    [`/p/${refB}/../${refA}/rest/v1/x`],
    [`/p/${refB}/p/${refA}/rest/v1/x`],
    [`/p/${refA}/rest/v1/x`, { host: `beta.${DOMAIN}` }],
    [`/p/${refA}/rest/v1/x`, { host: `alpha.${DOMAIN}` }],
    [`/p/${refA}/`],
    [`/p/${refA}`],
    [`/p/${refA}/nothing/v1/x`],
    [`/rest/v10/x`],
    ['/rest/v1', { host: `alpha.${DOMAIN}:80:80` }],
  ]
  for (const [path, sent] of nowhere) {
    const reply = await send(path, { ...sent, headers: { apikey: a.anon } })
    expect([400, 404], `${path} ${JSON.stringify(sent)}`).toContain(reply.status)
    expect(reply.body.ref).toBeUndefined()
    expect(reply.body.message).toEqual(expect.any(String))
  }
})

test('the platform’s own routes are not to be had on a project’s host or path', async () => {
  const { a, send } = await startGateway()
  expect((await send('/v1/projects')).body).toEqual(['control plane'])
  expect((await send('/v1/projects', { host: DOMAIN })).body).toEqual(['control plane'])
  expect((await send('/')).body).toMatchObject({ name: 'Favo', services: ['/rest/v1', '/auth/v1'] })

  const { ref } = a.project
  for (const path of ['/v1/projects', '/']) {
    for (const [at, host] of [
      [path, `alpha.${DOMAIN}`],
      [path, `${ref}.${DOMAIN}`],
      [path, `nobody.${DOMAIN}`],
      [`/p/${ref}${path}`, DOMAIN],
    ] as const) {
      const reply = await send(at, { host, headers: { apikey: a.service } })
      expect([at, host, reply.status]).toEqual([at, host, 404])
    }
  }
})

test('a project that is paused, coming up, failed or going down says so instead of serving', async () => {
  const expected = {
    INACTIVE: [540, 'project_paused'],
    PAUSING: [540, 'project_paused'],
    COMING_UP: [503, 'project_coming_up'],
    RESTORING: [503, 'project_coming_up'],
    INIT_FAILED: [503, 'project_unavailable'],
    GOING_DOWN: [404, 'project_not_found'],
  } as const
  const statuses = Object.keys(expected) as (keyof typeof expected)[]
  const projects = statuses.map((status) => makeProject(status.toLowerCase().replace('_', '-'), status))
  const { send } = await startGateway({ projects })
  for (const { project, anon } of projects) {
    for (const path of [`/p/${project.ref}/rest/v1/x`, '/rest/v1/x']) {
      const reply = await send(path, { headers: { apikey: anon } })
      expect([reply.status, reply.body.code]).toEqual(expected[project.status as keyof typeof expected])
    }
    const keyless = await send('/rest/v1/x', { headers: { apikey: `${anon.slice(0, -8)}AAAAAAAA` } })
    expect(keyless.body.message, 'on the platform’s host only a good key learns the status').toBe(
      'Invalid API key',
    )
  }
})

test('when the directory cannot be asked, the answer is 503 and not 404', async () => {
  const down = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:5432'))
  const directory = { findByRef: down, findByLabel: down, findByDomain: down, findByKeyHash: down }
  const { a, send } = await startGateway({ options: { directory } })
  const reply = await send(`/p/${a.project.ref}/rest/v1/x`, { headers: { apikey: a.anon } })
  expect(reply.status).toBe(503)
  expect(reply.headers['retry-after']).toBe('2')
  expect(reply.text).not.toContain('10.0.0.7')
})

test.each(['at once', 'later'] as const)(
  'a project answers at its own domain, and the platform does not (a directory that answers %s)',
  async (directory) => {
    const made = makeProject('shop')
    const a = { ...made, project: { ...made.project, domains: ['api.shop.example'] } }
    const b = makeProject('other')
    const { send } = await startGateway({ directory, projects: [a, b] })
    const host = 'api.shop.example'
    const reply = await send('/rest/v1/x', {
      host: `${host.toUpperCase()}:8443`,
      headers: { apikey: a.anon },
    })
    expect(reply.body).toMatchObject({ ref: a.project.ref, baseUrl: `https://${host}`, pathPrefix: '' })
    // Another project's key, and another project's path, get nowhere there.
    expect((await send('/rest/v1/x', { host, headers: { apikey: b.anon } })).status).toBe(401)
    for (const { project, anon } of [a, b])
      expect((await send(`/p/${project.ref}/rest/v1/x`, { host, headers: { apikey: anon } })).status).toBe(
        404,
      )
    expect((await send('/', { host })).status).toBe(404)
    expect((await send('/v1/projects', { host })).status).toBe(404)
    // Names that nobody claimed are the platform's, as before.
    expect((await send('/', { host: 'other.shop.example' })).status).toBe(200)
  },
)
