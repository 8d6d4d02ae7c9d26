import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { shopSchema, startRest, type TestRest } from './start-rest.ts'

let rest: TestRest
beforeAll(async () => {
  rest = await startRest(`${shopSchema}
    create schema second;
    create table second.things (id int); insert into second.things values (2);
    grant usage on schema second to anon; grant all on second.things to anon;
    create function setting(name text) returns text language sql stable as $$ select current_setting($1, true) $$;
    create function hurried() returns text language sql stable set statement_timeout = '123ms' as
      $$ select current_setting('statement_timeout') $$;
    create function check_request() returns void language plpgsql as $$ begin
      if current_setting('request.headers')::json->>'x-forbidden' is not null then
        raise sqlstate 'PT402' using message = 'pay first';
      end if;
    end $$;`)
})
afterAll(() => rest.close())

/** As `alter role … set` does it for a customer, and then `notify pgrst`. */
async function set(role: string, name: string, value: string | null) {
  await rest.admin.run(sql`delete from pg_favo.role_settings where role = ${role} and name = ${name}`)
  if (value !== null)
    await rest.admin.run(sql`insert into pg_favo.role_settings values (${role}, ${name}, ${value})`)
  await rest.owner("notify pgrst, 'reload config'")
}
const settingOf = async (name: string) => (await rest.get(`/rpc/setting?name=${name}`)).body

test('settings of a role hold while a request has it', async () => {
  expect(await settingOf('statement_timeout')).toBe('3s')
  await set('anon', 'statement_timeout', '1234ms')
  await expect.poll(() => settingOf('statement_timeout')).toBe('1234ms')
  expect(
    (await rest.get('/rpc/setting?name=statement_timeout', { token: rest.user(rest.project.ref) })).body,
  ).toBe('8s')
})

test('what is set for the database or for authenticator holds with the service key, too', async () => {
  const asService = async (name: string) =>
    (await rest.get(`/rpc/setting?name=${name}`, { headers: { apikey: rest.keys.service } })).body
  expect(await asService('app.settings.color')).toBeNull()
  await rest.owner(`select pg_favo.db_setting('app.settings.color', 'it''s "blue"'),
    pg_favo.role_setting('authenticator', 'app.settings.size', '7'), pg_favo.db_setting('timezone', 'Asia/Tokyo')`)
  await rest.owner("notify pgrst, 'reload config'")
  await expect.poll(() => asService('app.settings.color')).toBe(`it's "blue"`)
  expect([await asService('app.settings.size'), await settingOf('app.settings.size')]).toEqual(['7', '7'])
  expect(await asService('TimeZone')).toBe('Asia/Tokyo')
  expect(await asService('search_path')).toBe('"public", "public", "extensions"')
  expect(await asService('statement_timeout')).toBe('0')
  await rest.owner(
    `select pg_favo.db_setting('timezone', null), pg_favo.db_setting('app.settings.color', null)`,
  )
  await rest.owner("notify pgrst, 'reload config'")
  await expect.poll(() => asService('TimeZone')).toBe('UTC')
  // Postgres remembers on each connection that there was such a setting.
  expect(await asService('app.settings.color')).toBeOneOf([null, ''])
})

test('a role of the customer’s own is taken by the name that the customer gave it', async () => {
  await rest.owner(`
    select pg_favo.create_role_with('auditor', '{}'), pg_favo.grant_role('auditor', 'authenticator'),
      pg_favo.create_role_with('hermit', '{}');
    select pg_favo.run_for_roles(array['grant usage on schema public to ', 'auditor', '']);
    select pg_favo.run_for_roles(array['grant select on people to ', 'auditor', ', ', 'hermit', '']);
    select pg_favo.role_setting('auditor', 'statement_timeout', '4321ms')`)
  const ask = (role: string) => rest.get('/people?limit=1', { token: rest.token({ role }) })
  await expect.poll(async () => (await ask('auditor')).status).toBe(200)
  expect((await ask('hermit')).status).toBe(403)
  expect((await ask('nobody_by_that_name')).status).toBe(401)
})

test('the isolation level is a role’s or a function’s', async () => {
  expect(await settingOf('transaction_isolation')).toBe('read committed')
  await set('anon', 'default_transaction_isolation', 'serializable')
  await expect.poll(() => settingOf('transaction_isolation')).toBe('serializable')
  await set('anon', 'default_transaction_isolation', null)
  await expect.poll(() => settingOf('transaction_isolation')).toBe('read committed')
})

test('the timeout of a function holds for its whole call', async () => {
  expect((await rest.get('/rpc/hurried')).body).toBe('123ms')
})

test('what the database says of the API goes before the project’s settings', async () => {
  await set('authenticator', 'pgrst.db_max_rows', '2')
  await expect.poll(async () => ((await rest.get('/people')).body as unknown[]).length).toBe(2)
  expect(
    (await rest.get('/people?limit=3', { headers: { prefer: 'count=exact' } })).headers.get('content-range'),
  ).toBe('0-1/3')
  await set('authenticator', 'pgrst.db_max_rows', null)

  await set('authenticator', 'pgrst.db_schemas', 'public, second')
  const things = () => rest.get('/things', { headers: { 'accept-profile': 'second' } })
  await expect.poll(async () => (await things()).text).toBe('[{"id":2}]')
  expect((await things()).headers.get('content-profile')).toBe('second')
  expect((await rest.get('/things', { headers: { 'accept-profile': 'third' } })).body).toEqual({
    code: 'PGRST106',
    message: 'Invalid schema: third',
    details: null,
    hint: 'Only the following schemas are exposed: public, second',
  })
  await set('authenticator', 'pgrst.db_schemas', null)
})

test('a token names its role where the database says, a key of the project where it always does', async () => {
  await set('authenticator', 'pgrst.jwt_role_claim_key', '.app.roles[?(@ ^== "auth")]')
  const token = rest.token({ app: { roles: ['x', 'authenticated'] }, role: 'anon' })
  const role = async (ask?: object) => (await rest.get('/rpc/setting?name=role', ask)).body
  await expect.poll(() => role({ token })).toBe('authenticated')
  expect(await role({ token: rest.token({ role: 'authenticated' }) })).toBe('anon')
  expect(await role({ token: rest.token({ app: { roles: ['authors'] } }) })).toMatchObject({ code: '22023' })
  expect(await role({ headers: { apikey: rest.keys.service } })).toBe('service_role')
  const claims = await rest.get('/rpc/setting?name=request.jwt.claims', { token })
  expect(JSON.parse(claims.body as string)).toMatchObject({ role: 'authenticated' })
  await set('authenticator', 'pgrst.jwt_role_claim_key', null)
  await expect.poll(() => role({ token })).toBe('anon')
})

test('the header that traces a request comes back, with errors too', async () => {
  await set('authenticator', 'pgrst.server_trace_header', 'X-Trace')
  const traced = async (path: string) =>
    (await rest.get(path, { headers: { 'x-trace': 'abc' } })).headers.get('x-trace')
  await expect.poll(() => traced('/people')).toBe('abc')
  expect(await traced('/nowhere')).toBe('abc')
  await set('authenticator', 'pgrst.server_trace_header', null)
})

test('a function may say the settings, below what is stored, and fails without harm', async () => {
  await rest.owner(`
    create function public.say_settings() returns void language plpgsql as $$ begin
      perform set_config('pgrst.db_max_rows', '1', true), set_config('pgrst.jwt_aud', current_user, true);
    end $$;
    create function public.say_nothing() returns void language plpgsql as $$ begin
      perform set_config('pgrst.db_max_rows', '1', true);
      raise 'no';
    end $$`)
  const rows = async () => ((await rest.get('/people')).body as unknown[]).length
  await set('authenticator', 'pgrst.db_pre_config', 'public.say_settings')
  await expect.poll(rows).toBe(1)
  const token = rest.token({ role: 'authenticated', aud: 'authenticator' })
  expect((await rest.get('/people', { token })).status).toBe(200)
  expect((await rest.get('/people', { token: rest.user(rest.project.ref) })).status).toBe(401)
  await set('authenticator', 'pgrst.db_max_rows', '2')
  await expect.poll(rows).toBe(2)
  await set('authenticator', 'pgrst.db_max_rows', null)
  await expect.poll(rows).toBe(1)
  await set('authenticator', 'pgrst.db_pre_config', 'public.say_nothing')
  await expect.poll(rows).toBe(3)
  await set('authenticator', 'pgrst.db_pre_config', null)
})

test('a function may look at every request first, and refuse it', async () => {
  await set('authenticator', 'pgrst.db_pre_request', 'public.check_request')
  const forbidden = () => rest.get('/people', { headers: { 'x-forbidden': '1' } })
  await expect.poll(async () => (await forbidden()).status).toBe(402)
  expect((await forbidden()).body).toMatchObject({ code: 'PT402', message: 'pay first' })
  expect((await rest.get('/people')).status).toBe(200)
  await set('authenticator', 'pgrst.db_pre_request', null)
})

test('where nobody may be anonymous, an anonymous key is no token', async () => {
  await set('authenticator', 'pgrst.db_anon_role', '')
  await expect.poll(async () => (await rest.get('/people')).status).toBe(401)
  const refused = await rest.get('/people')
  expect([refused.headers.get('www-authenticate'), refused.body]).toMatchObject([
    'Bearer',
    { code: 'PGRST302', message: 'Anonymous access is disabled' },
  ])
  expect((await rest.get('/people', { token: rest.user(rest.project.ref) })).status).toBe(200)
  expect((await rest.get('/people', { headers: { apikey: rest.keys.service } })).status).toBe(200)
  await set('authenticator', 'pgrst.db_anon_role', null)
  await expect.poll(async () => (await rest.get('/people')).status).toBe(200)
})

test('a transaction is rolled back on request where that is allowed', async () => {
  const rollback = { headers: { prefer: 'tx=rollback,return=representation' } }
  await set('authenticator', 'pgrst.db_tx_end', 'commit-allow-override')
  await expect
    .poll(async () =>
      (await rest.post('/orders', { person_id: 1 }, rollback)).headers.get('preference-applied'),
    )
    .toBe('return=representation, tx=rollback')
  const reply = await rest.post('/tags', { id: 801 }, rollback)
  expect(reply.body).toMatchObject([{ id: 801 }])
  expect((await rest.get('/tags?id=eq.801')).body).toEqual([])
})

test('aggregates and plans are off until they are switched on', async () => {
  const plan = { headers: { accept: 'application/vnd.pgrst.plan+json' } }
  expect((await rest.get('/orders?select=total.sum()')).body).toMatchObject({ code: 'PGRST123' })
  expect((await rest.get('/orders', plan)).body).toMatchObject({ code: 'PGRST107' })
  await set('authenticator', 'pgrst.db_aggregates_enabled', 'true')
  await set('authenticator', 'pgrst.db_plan_enabled', 'true')
  await expect
    .poll(async () => (await rest.get('/orders?select=person_id,total.sum()&order=person_id')).body)
    .toEqual([
      { person_id: 1, sum: 111.5 },
      { person_id: 2, sum: 50 },
    ])
  expect((await rest.get('/orders', plan)).body).toMatchObject([{ Plan: { 'Node Type': 'Aggregate' } }])
})

test('the time zone is the one preferred', async () => {
  const placed = (prefer: string) => rest.get('/orders?select=placed_at&id=eq.1', { headers: { prefer } })
  const tokyo = await placed('timezone=Asia/Tokyo')
  expect([tokyo.text, tokyo.headers.get('preference-applied')]).toEqual([
    '[{"placed_at":"2026-01-02T12:04:05+09:00"}]',
    'timezone=Asia/Tokyo',
  ])
  expect((await placed('handling=strict, timezone=Asia/Nowhere')).body).toMatchObject({ code: 'PGRST122' })
  expect((await placed('timezone=Asia/Nowhere')).text).toContain('+00:00')
})
