import { describe, expect, test } from 'vitest'
import { DOMAIN, startGateway, stubService } from '../test/start-gateway.ts'

const alpha = `alpha.${DOMAIN}`

describe('request ids', () => {
  test('a sane one is kept, any other replaced; both headers carry it', async () => {
    const { a, send } = await startGateway()
    const ask = (id: string) =>
      send('/rest/v1/x', { host: alpha, headers: { apikey: a.anon, 'x-request-id': id } })
    const kept = await ask('trace-0123456789_abc')
    expect(kept.body.requestId).toBe('trace-0123456789_abc')
    expect(kept.headers).toMatchObject({
      'x-request-id': 'trace-0123456789_abc',
      'sb-request-id': 'trace-0123456789_abc',
    })
    for (const bad of ['short', 'x'.repeat(65), 'with space in it', '"}\\n{"level":60', '../../etc/passwd']) {
      const { body, headers } = await ask(bad)
      expect(body.requestId).toMatch(/^[0-9a-f-]{36}$/)
      expect(headers['sb-request-id']).toBe(body.requestId)
    }
  })

  test('refusals carry one too', async () => {
    const { send } = await startGateway()
    for (const path of ['/rest/v1/x', '/nothing', '/rest/v1/%zz', '/v1/nothing'])
      expect((await send(path, { host: alpha })).headers['sb-request-id']).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('CORS', () => {
  const preflight = { origin: 'https://app.example', 'access-control-request-method': 'POST' }

  test('a preflight is answered before any key or project is looked at', async () => {
    const { send } = await startGateway()
    for (const host of [alpha, `nobody.${DOMAIN}`, '127.0.0.1']) {
      const reply = await send('/rest/v1/x', {
        method: 'OPTIONS',
        host,
        headers: { ...preflight, 'access-control-request-headers': 'apikey,x-client-info, x-own' },
      })
      expect(reply.status).toBe(200)
      expect(reply.text).toBe('')
      expect(reply.headers).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-allow-headers': 'apikey,x-client-info, x-own',
        'access-control-allow-methods': 'GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS',
      })
      expect(reply.headers['access-control-allow-credentials']).toBeUndefined()
    }
  })

  test('an odd list of headers is not repeated', async () => {
    const { send } = await startGateway()
    const headers = { ...preflight, 'access-control-request-headers': 'a;b=<script>' }
    const reply = await send('/rest/v1/x', { method: 'OPTIONS', host: alpha, headers })
    expect(reply.headers['access-control-allow-headers']).toMatch(/apikey, authorization/)
  })

  test('answers and refusals may be read by browsers, with the headers that clients need', async () => {
    const { a, send } = await startGateway()
    for (const headers of [{ apikey: a.anon }, { apikey: '' }]) {
      const reply = await send('/rest/v1/x', { host: alpha, headers })
      expect(reply.headers['access-control-allow-origin']).toBe('*')
      expect(reply.headers['access-control-expose-headers']).toMatch(/Content-Range.*X-Supabase-Api-Version/)
    }
  })

  test('an OPTIONS that is no preflight is the service’s', async () => {
    const { a, send } = await startGateway()
    const reply = await send('/rest/v1/x', { method: 'OPTIONS', host: alpha, headers: { apikey: a.anon } })
    expect(reply.body.ref).toBe(a.project.ref)
  })

  test('the platform’s own routes allow no other origin', async () => {
    const { send } = await startGateway()
    const got = await send('/v1/projects', { headers: { origin: 'https://app.example' } })
    expect(got.headers['access-control-allow-origin']).toBeUndefined()
    const asked = await send('/v1/projects', { method: 'OPTIONS', headers: preflight })
    expect(asked.headers['access-control-allow-origin']).toBeUndefined()
  })
})

describe('hosts and requests that are not well-formed', () => {
  test('get a JSON 400', async () => {
    const { a, sendRaw } = await startGateway()
    const key = `apikey: ${a.anon}\r\nconnection: close\r\n`
    const raws: Record<string, string> = {
      'two hosts': `GET /rest/v1/x HTTP/1.1\r\nHost: ${alpha}\r\nHost: beta.${DOMAIN}\r\n${key}\r\n`,
      'two hosts in other letters': `GET /rest/v1/x HTTP/1.1\r\nhOST: ${alpha}\r\nHost: ${alpha}\r\n${key}\r\n`,
      'two hosts in one header': `GET /rest/v1/x HTTP/1.1\r\nHost: ${alpha}, beta.${DOMAIN}\r\n${key}\r\n`,
      'no host': `GET /rest/v1/x HTTP/1.1\r\n${key}\r\n`,
      'empty host': `GET /rest/v1/x HTTP/1.1\r\nHost:\r\n${key}\r\n`,
      'user in host': `GET /rest/v1/x HTTP/1.1\r\nHost: x@${alpha}\r\n${key}\r\n`,
      'path in host': `GET /rest/v1/x HTTP/1.1\r\nHost: ${alpha}/p/x\r\n${key}\r\n`,
      'proxy form': `GET http://${alpha}/rest/v1/x HTTP/1.1\r\nHost: beta.${DOMAIN}\r\n${key}\r\n`,
      'proxy form of a path': `GET http://x/p/${a.project.ref}/rest/v1/x HTTP/1.1\r\nHost: x\r\n${key}\r\n`,
      asterisk: `OPTIONS * HTTP/1.1\r\nHost: ${alpha}\r\n${key}\r\n`,
      'bad escape': `GET /rest/v1/%zz HTTP/1.1\r\nHost: ${alpha}\r\n${key}\r\n`,
      'no HTTP': 'SSH-2.0-client\r\n\r\n',
      'length and chunked': `POST /rest/v1/x HTTP/1.1\r\nHost: ${alpha}\r\n${key}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    }
    for (const [name, raw] of Object.entries(raws)) {
      const received = await sendRaw(raw)
      expect(received, name).toMatch(/^HTTP\/1\.1 400 /)
      const body = JSON.parse(received.slice(received.indexOf('\r\n\r\n') + 4)) as Record<string, unknown>
      expect(body, name).toEqual({
        code: expect.any(String) as string,
        message: expect.any(String) as string,
      })
      expect(received).not.toContain(a.project.ref)
    }
  })

  test('HTTP/1.0 without a host still has the path form', async () => {
    const { a, sendRaw } = await startGateway()
    const received = await sendRaw(`GET /p/${a.project.ref}/rest/v1/x HTTP/1.0\r\napikey: ${a.anon}\r\n\r\n`)
    expect(received).toContain(`"ref":"${a.project.ref}"`)
  })

  test('headers that are too large get a 431', async () => {
    const { sendRaw } = await startGateway()
    const received = await sendRaw(`GET / HTTP/1.1\r\nHost: x\r\nx-long: ${'x'.repeat(40_000)}\r\n\r\n`)
    expect(received).toMatch(/^HTTP\/1\.1 431 [\s\S]*headers_too_large/)
  })

  test('a client that dribbles its headers or its body is cut off with a 408', async () => {
    const { a, sendRaw } = await startGateway({ config: { headersTimeoutMs: 100, requestTimeoutMs: 200 } })
    const head = `POST /rest/v1/x HTTP/1.1\r\nHost: ${alpha}\r\napikey: ${a.anon}\r\n`
    const [headers, body] = await Promise.all([
      sendRaw(head),
      sendRaw(`${head}content-type: application/json\r\ncontent-length: 10\r\n\r\n{`),
    ])
    expect(headers).toMatch(/^HTTP\/1\.1 408 [\s\S]*request_timeout/)
    expect(body).toMatch(/^HTTP\/1\.1 408 [\s\S]*request_timeout/)
  })
})

test('requests that share a connection are judged one by one', async () => {
  const { a, b, sendRaw } = await startGateway()
  const get = (label: string, apikey: string, more = '') =>
    `GET /rest/v1/x HTTP/1.1\r\nHost: ${label}.${DOMAIN}\r\napikey: ${apikey}\r\n${more}\r\n`
  const received = await sendRaw(
    get('alpha', a.anon) +
      get('beta', a.anon) +
      get('beta', b.anon) +
      get('alpha', b.service, 'Connection: close\r\n'),
  )
  const seen = [...received.matchAll(/HTTP\/1\.1 (\d+)|"ref":"(\w+)","database"/g)].map(
    ([, status, ref]) => status ?? ref,
  )
  expect(seen).toEqual(['200', a.project.ref, '401', '200', b.project.ref, '401'])
})

test('a request to upgrade, where nobody upgrades, is an ordinary one', async () => {
  const { a, b, sendRaw } = await startGateway({ config: { keepAliveTimeoutMs: 50 } })
  for (const [key, status] of [
    [a.anon, 200],
    [b.anon, 401],
  ] as const) {
    const received = await sendRaw(
      `GET /rest/v1/x HTTP/1.1\r\nHost: ${alpha}\r\napikey: ${key}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    )
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  }
})

test.each(['TRACE', 'CONNECT', 'PROPFIND', 'PURGE'])('%s reaches no service', async (method) => {
  const { a, sendRaw } = await startGateway()
  const received = await sendRaw(
    `${method} /rest/v1/x HTTP/1.1\r\nHost: ${alpha}\r\napikey: ${a.service}\r\nConnection: close\r\n\r\n`,
  )
  expect(received).not.toContain(a.project.ref)
  expect(received).toMatch(/^$|^HTTP\/1\.1 4/)
})

test('a service’s own 404 is behind the same door as its routes', async () => {
  const service = stubService('/rest/v1', {
    routes: async (app) => {
      app.get('/known', async () => ({}))
      app.setNotFoundHandler((request, reply) => reply.code(404).send({ ref: request.favo.project.ref }))
    },
  })
  const { a, b, send } = await startGateway({ services: [service] })
  const ask = (headers: Record<string, string>) => send('/rest/v1/unknown/deep', { host: alpha, headers })
  const own = await ask({ apikey: a.anon })
  expect([own.status, own.body]).toEqual([404, { ref: a.project.ref }])
  expect((await ask({ apikey: b.anon })).status).toBe(401)
  expect((await ask({})).status).toBe(401)
})
