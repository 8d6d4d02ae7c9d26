import { expect, test } from 'vitest'
import { createApiKey, signJwt } from '@favo/tokens'
import { makeProject } from '../test/fake-projects.ts'
import { DOMAIN, startGateway } from '../test/start-gateway.ts'

const MISSING = {
  message: 'No API key found in request',
  hint: 'No `apikey` request header or url param was found.',
}
const INVALID = {
  message: 'Invalid API key',
  hint: 'Double check your Supabase `anon` or `service_role` API key.',
}
const inAnHour = () => Math.floor(Date.now() / 1000) + 3_600

test('no key is refused in Supabase’s words, in every form of address', async () => {
  const { a, send } = await startGateway()
  for (const [path, host] of [
    ['/rest/v1/x', `alpha.${DOMAIN}`],
    ['/rest/v1/x', '127.0.0.1'],
    [`/p/${a.project.ref}/rest/v1/x`, '127.0.0.1'],
    ['/rest/v1/x?apikey=', `alpha.${DOMAIN}`],
    ['/auth/v1/verified', `alpha.${DOMAIN}`],
    ['/auth/v1/x/verify', `alpha.${DOMAIN}`],
  ] as const) {
    const reply = await send(path, { host })
    expect([path, reply.status, reply.body]).toEqual([path, 401, MISSING])
  }
  const bearerOnly = await send('/rest/v1/x', {
    host: `alpha.${DOMAIN}`,
    headers: { authorization: `Bearer ${a.service}` },
  })
  expect(bearerOnly.body).toEqual(MISSING)
})

test('a key that is not one of this project’s is refused', async () => {
  const { a, b, send } = await startGateway()
  const { ref } = a.project
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${a.anon.split('.')[1]}.`
  const bad: Record<string, string> = {
    'anon key of another': b.anon,
    'service key of another': b.service,
    'publishable key of another': b.publishable,
    'secret key of another': b.secret,
    'never issued, good checksum': createApiKey('secret'),
    'cut short': a.secret.slice(0, -1),
    'hash itself': a.project.apiKeys[1]?.hash ?? '',
    'user token': a.sign({ ref, role: 'authenticated', sub: 'x', exp: inAnHour() }),
    'role of the platform': a.sign({ ref, role: 'postgres' }),
    'without role': a.sign({ ref }),
    'ref of another, same secret': a.sign({ ref: b.project.ref, role: 'anon' }),
    'ref that is no text': a.sign({ ref: [ref], role: 'anon' }),
    expired: a.sign({ ref, role: 'anon', exp: 1 }),
    'signed with another secret': signJwt({ ref, role: 'service_role' }, 'guess'),
    'signed with no secret': unsigned,
    'claims exchanged': [a.anon.split('.')[0], a.service.split('.')[1], a.anon.split('.')[2]].join('.'),
    SQL: "' or 1=1 --",
    prototype: '__proto__',
  }
  for (const [name, key] of Object.entries(bad)) {
    for (const [path, host] of [
      ['/rest/v1/x', `alpha.${DOMAIN}`],
      [`/p/${ref}/rest/v1/x`, '127.0.0.1'],
      ['/auth/v1/verify', `alpha.${DOMAIN}`],
    ] as const) {
      const reply = await send(path, { host, headers: { apikey: key } })
      expect([name, path, reply.status, reply.body]).toEqual([name, path, 401, INVALID])
    }
  }
  const twice = await send('/rest/v1/x', {
    host: `alpha.${DOMAIN}`,
    headers: { apikey: [a.anon, a.service] },
  })
  expect(twice.body).toEqual(INVALID)
  const both = await send(`/rest/v1/x?apikey=${a.anon}&apikey=${a.service}`, { host: `alpha.${DOMAIN}` })
  expect(both.body).toEqual(INVALID)
})

test('each kind of key acts as its role, alone and repeated as bearer', async () => {
  const { a, send } = await startGateway()
  for (const [key, role] of [
    [a.anon, 'anon'],
    [a.service, 'service_role'],
    [a.publishable, 'anon'],
    [a.secret, 'service_role'],
  ] as const) {
    for (const authorization of [undefined, `Bearer ${key}`, `bearer  ${key} `, 'Basic dXNlcjpwYXNz']) {
      const headers = { apikey: key, ...(authorization === undefined ? {} : { authorization }) }
      const { body } = await send('/rest/v1/x', { host: `alpha.${DOMAIN}`, headers })
      expect(body).toMatchObject({ apiKey: role, authorization: { kind: 'key', claims: { role } } })
    }
  }
})

test('any other bearer is handed to the service to verify, and never falls back to the key', async () => {
  const { a, b, send } = await startGateway()
  const tokens = [a.sign({ role: 'authenticated', sub: 'x' }), b.service, a.service, a.secret, 'rubbish', '']
  for (const token of tokens) {
    const headers = { apikey: a.anon, authorization: `Bearer ${token}` }
    const { body } = await send('/rest/v1/x', { host: `alpha.${DOMAIN}`, headers })
    expect(body.authorization).toEqual({ kind: 'token', token })
  }
})

test('an open path needs no key, and then acts for nobody', async () => {
  const { a, send } = await startGateway()
  const { body } = await send('/auth/v1/verify?token=x', { host: `alpha.${DOMAIN}` })
  expect(body).toMatchObject({
    ref: a.project.ref,
    apiKey: null,
    authorization: { kind: 'key', claims: { role: 'anon' } },
  })
  const bare = await send('/auth/v1/verify?token=x', { host: '127.0.0.1' })
  expect(bare.status).toBe(401)
})

test('a key without ref is good where host or path name the project: self-hosted Supabase makes such keys', async () => {
  const { a, send } = await startGateway()
  const apikey = a.sign({ iss: 'supabase-demo', role: 'anon', exp: inAnHour() })
  expect((await send(`/p/${a.project.ref}/rest/v1/x`, { headers: { apikey } })).status).toBe(200)
  expect((await send('/rest/v1/x', { headers: { apikey } })).body).toEqual(INVALID)
})

test('a key in the URL is gone before the service and the log see it, other parameters stay as they were', async () => {
  const { a, send, logLines } = await startGateway()
  const { body } = await send(`/rest/v1/x?select=a%2Cb&apikey=${a.anon}&order=x+y&xapikey=1`, {
    host: `alpha.${DOMAIN}`,
  })
  expect(body.url).toBe('/rest/v1/x?select=a%2Cb&order=x+y&xapikey=1')
  expect(logLines.join()).not.toContain(a.anon)
})

test('two projects with the same secret stay apart', async () => {
  const a = makeProject('twin-a')
  const twin = makeProject('twin-b')
  const b = { ...twin, project: { ...twin.project, jwtSecret: a.project.jwtSecret } }
  const { send } = await startGateway({ projects: [a, b] })
  const reply = await send('/rest/v1/x', { host: `twin-b.${DOMAIN}`, headers: { apikey: a.service } })
  expect(reply.body).toEqual(INVALID)
})
