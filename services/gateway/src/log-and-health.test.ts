import { describe, expect, test } from 'vitest'
import { DOMAIN, eventually, startGateway, stubService } from '../test/start-gateway.ts'

const alpha = `alpha.${DOMAIN}`

describe('the log', () => {
  test('has one line per request, with what is needed to follow it and nothing that is secret', async () => {
    const { a, b, send, logLines } = await startGateway()
    const authorization = `Bearer ${a.sign({ sub: 'user' })}`
    await send('/rest/v1/people?email=eq.ann@example.com&token=hunter2', {
      method: 'POST',
      host: alpha,
      headers: { apikey: a.secret, authorization, 'content-type': 'application/json' },
      body: '{"email":"bob@example.com"}',
    })
    await send(`/rest/v1/x?apikey=${b.secret}`, { host: alpha })
    await send('/nothing?password=hunter2', { host: alpha })
    await send('/rest/v1/%zz?password=hunter2', { host: alpha })
    await eventually(() => logLines.length === 4)
    const lines = logLines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines[0]).toMatchObject({
      requestId: expect.any(String) as string,
      project: a.project.ref,
      operation: 'stub.echo',
      method: 'POST',
      path: '/rest/v1/people',
      status: 200,
      ms: expect.any(Number) as number,
    })
    expect(lines.map(({ status, code }) => [status, code])).toEqual([
      [200, undefined],
      [401, 'invalid_api_key'],
      [404, 'no_route'],
      [400, 'bad_url'],
    ])
    for (const secret of ['hunter2', 'example.com', a.secret, b.secret, authorization.slice(7), '127.0.0.1'])
      expect(logLines.join('\n')).not.toContain(secret)
  })

  test('an unexpected error is told to the log and not to the client', async () => {
    const service = stubService('/rest/v1', {
      routes: async (app) => {
        app.get('/*', async () => {
          throw new Error('relation "secret_table" at 10.0.0.7')
        })
      },
    })
    const { a, send, logLines } = await startGateway({ services: [service] })
    const reply = await send('/rest/v1/x', { host: alpha, headers: { apikey: a.anon } })
    expect(reply.status).toBe(500)
    expect(reply.text).not.toMatch(/secret_table|10\.0\.0\.7/)
    expect(logLines.find((line) => line.includes('secret_table'))).toContain(reply.headers['sb-request-id'])
  })
})

describe('health', () => {
  test('of the platform, of a project, and of one of its services', async () => {
    const sick = stubService('/auth/v1', {
      checkHealth: async () => {
        throw new Error('no key to sign with')
      },
    })
    const { a, send } = await startGateway({ services: [stubService('/rest/v1'), sick] })
    const platform = await send('/health')
    expect([platform.status, platform.body]).toEqual([
      200,
      { status: 'healthy', checks: { postgres: 'healthy' } },
    ])

    const at = `/p/${a.project.ref}/health`
    const headers = { apikey: a.anon }
    const project = await send(at, { headers })
    expect([project.status, project.body]).toEqual([
      503,
      { status: 'unhealthy', checks: { db: 'healthy', rest: 'healthy', auth: 'unhealthy' } },
    ])
    const rest = await send(`${at}/rest`, { headers })
    expect([rest.status, rest.body]).toEqual([
      200,
      { status: 'healthy', checks: { db: 'healthy', rest: 'healthy' } },
    ])
    expect((await send('/health/auth', { host: alpha, headers })).status).toBe(503)
    expect((await send(`${at}/nothing`, { headers })).status).toBe(404)
    expect((await send(at)).status, 'a project’s database is opened for its own callers only').toBe(401)
    expect((await send('/health', { host: `nobody.${DOMAIN}` })).status).toBe(404)
  })

  test('of a platform whose Postgres is down is 503 and says no more than that', async () => {
    const health = {
      postgres: () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:5432')),
    }
    const { send } = await startGateway({ options: { health } })
    const { status, body } = await send('/health')
    expect([status, body]).toEqual([503, { status: 'unhealthy', checks: { postgres: 'unhealthy' } }])
  })
})
