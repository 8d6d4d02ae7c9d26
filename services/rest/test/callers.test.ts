import { signJwt } from '@favo/tokens'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startRest, type TestRest } from './start-rest.ts'

const ann = '11111111-1111-4111-8111-111111111111'
const bob = '22222222-2222-4222-8222-222222222222'

let rest: TestRest
beforeAll(async () => {
  rest = await startRest(`
    create table notes (id int primary key, owner uuid not null default auth.uid(), body text);
    alter table notes enable row level security;
    create policy "owners read their notes" on notes for select to authenticated using (owner = auth.uid());
    create policy "owners write their notes" on notes for insert to authenticated with check (owner = auth.uid());
    create policy "owners delete their notes" on notes for delete to authenticated using (owner = auth.uid());
    create table secrets (id int);
    insert into notes values (1, '${ann}', 'of Ann'), (2, '${bob}', 'of Bob');
    grant usage on schema public to anon, authenticated, service_role;
    grant all on notes to anon, authenticated, service_role;
    revoke all on secrets from anon, authenticated;
    grant all on secrets to service_role`)
})
afterAll(() => rest.close())

describe('row level security decides', () => {
  test.each([
    ['anon', undefined, []],
    ['Ann', ann, [{ id: 1 }]],
    ['Bob', bob, [{ id: 2 }]],
  ])('%s reads only what the policies show', async (_who, sub, rows) => {
    const reply = await rest.get('/notes?select=id', sub === undefined ? {} : { token: rest.user(sub) })
    expect(reply.body).toEqual(rows)
  })

  test('the service key sees all', async () => {
    const reply = await rest.get('/notes?select=id&order=id', {
      headers: { apikey: rest.keys.service },
    })
    expect(reply.body).toEqual([{ id: 1 }, { id: 2 }])
  })

  test('nobody writes in the name of another', async () => {
    const token = rest.user(ann)
    expect((await rest.post('/notes', { id: 3, body: 'mine' }, { token })).status).toBe(201)
    const reply = await rest.post('/notes', { id: 4, owner: bob, body: 'not mine' }, { token })
    expect([reply.status, reply.body]).toMatchObject([403, { code: '42501' }])
    expect((await rest.ask('DELETE', '/notes?id=eq.2', { token })).status).toBe(204)
    const left = await rest.get('/notes?select=id&id=eq.2', { token: rest.user(bob) })
    expect(left.body).toEqual([{ id: 2 }])
  })
})

test('what is forbidden is 401 for the anonymous, who could sign in, and 403 for others', async () => {
  const anonymous = await rest.get('/secrets')
  expect([anonymous.status, anonymous.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  const known = await rest.get('/secrets', { token: rest.user(ann) })
  expect([known.status, known.headers.get('www-authenticate')]).toEqual([403, null])
})

describe('a token that is not good is refused, and never makes an anonymous request', () => {
  const now = Math.floor(Date.now() / 1000)
  const refused: readonly (readonly [string, Record<string, unknown> | string, string, string])[] = [
    ['malformed', 'nonsense', 'PGRST301', 'Expected 3 parts in JWT; got 1'],
    [
      'foreign',
      signJwt({ role: 'service_role' }, 'another secret'),
      'PGRST301',
      'No suitable key or wrong key type',
    ],
    ['expired', { role: 'authenticated', exp: now - 31 }, 'PGRST303', 'JWT expired'],
    ['not yet valid', { role: 'authenticated', nbf: now + 60 }, 'PGRST303', 'JWT not yet valid'],
    ['from the future', { role: 'authenticated', iat: now + 60 }, 'PGRST303', 'JWT issued at future'],
    ['odd exp', { exp: 'soon' }, 'PGRST303', "The JWT 'exp' claim must be a number"],
    ['odd aud', { aud: [1] }, 'PGRST303', "The JWT 'aud' claim must be a string or an array of strings"],
  ]
  test.each(refused)('%s', async (_name, given, code, message) => {
    const token = typeof given === 'string' ? given : signJwt(given, rest.project.jwtSecret)
    const reply = await rest.get('/notes', { token })
    expect([reply.status, reply.body]).toMatchObject([401, { code, message }])
    expect(reply.headers.get('www-authenticate')).toBe(
      `Bearer error="invalid_token", error_description=${JSON.stringify(message)}`,
    )
  })

  test('clocks may differ by half a minute', async () => {
    const token = signJwt({ role: 'authenticated', exp: now - 20, nbf: now + 20 }, rest.project.jwtSecret)
    expect((await rest.get('/notes', { token })).status).toBe(200)
  })

  test('a role that does not exist, or that the API may not take, is refused', async () => {
    const as = (role: string) => rest.get('/notes', { token: rest.token({ role }) })
    expect((await as('nobody_knows_me')).status).toBe(401)
    for (const role of ['postgres', 'supabase_auth_admin', 'favo_admin', `${rest.database}_own`])
      expect((await as(role)).status, role).toBeGreaterThanOrEqual(401)
  })
})

test('one request leaves nothing to the next on the same connection', async () => {
  const replies = await Promise.all(
    Array.from({ length: 60 }, (_, i) => {
      const sub = [ann, bob, undefined][i % 3]
      return rest
        .get('/notes?select=owner', sub === undefined ? {} : { token: rest.user(sub) })
        .then((reply) => ({ sub, rows: reply.body as { owner: string }[] }))
    }),
  )
  for (const { sub, rows } of replies) expect(rows.every((row) => row.owner === sub)).toBe(true)
})
