import { interpose, splitStatements } from '@favo/interposer'
import type { Client } from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { attempt, expectDone, expectRefused, startTenants, type Outcome, type Tenants } from '../tenants.ts'

// Extensions that only a superuser may create, made for a customer. The embedded server has neither PostGIS nor pgvector:
// xml2 stands for them, which is not trusted, and not relocatable either.
let tenants: Tenants
let owner: Client
beforeAll(async () => {
  tenants = await startTenants()
  owner = await tenants.login(tenants.attacker, 'own')
  const admin = await tenants.superuser(tenants.attacker.database)
  await admin.query(`insert into pg_favo.privileged_extensions values ('xml2'), ('amcheck')`)
  await admin.end()
})
afterEach(async () => {
  await attempt(owner, 'rollback')
  expectDone(await attempt(owner, 'drop extension if exists xml2'))
})
afterAll(async () => {
  await owner.end()
  await tenants.close()
})

async function send(source: string): Promise<Outcome> {
  let outcome: Outcome = { code: null, rows: [] }
  for (const { text } of await splitStatements(source))
    for (const { sql } of await interpose(text)) {
      outcome = await attempt(owner, sql)
      if (outcome.code !== null) return outcome
    }
  return outcome
}
const make = (name: string, schema: string | null, ifNotExists = false) =>
  attempt(
    owner,
    `select pg_favo.create_extension('${name}', ${schema === null ? 'null' : `'${schema}'`}, ${ifNotExists})`,
  )
const rows = async (text: string) => {
  const outcome = await attempt(owner, text)
  expectDone(outcome)
  return outcome.code === null ? outcome.rows : []
}

test('it is the customer’s to drop, in the schema that was asked for, and what is in it stays the superuser’s', async () => {
  const schemas = `select oid, nspname, nspowner, nspacl::text from pg_namespace where nspname !~ '^pg_(toast_)?temp' order by 1`
  const before = await rows(schemas)
  expectDone(await make('xml2', 'extensions'))
  expect(await rows(schemas)).toEqual(before)
  expect(
    await rows(`
      select extnamespace::regnamespace::text as schema, extowner::regrole::text as owner, extrelocatable
      from pg_extension where extname = 'xml2'`),
  ).toEqual([{ schema: 'extensions', owner: 'postgres', extrelocatable: false }])
  expect(await rows(`select extensions.xpath_string('<a>7</a>', '/a') as found`)).toEqual([{ found: '7' }])
  expect(
    await rows(`select proowner::regrole::text as owner from pg_proc where proname = 'xpath_string'`),
  ).toEqual([{ owner: 'favo_admin' }])

  // A newer version has a script as well.
  const admin = await tenants.superuser(tenants.attacker.database)
  await admin.query(`update pg_extension set extversion = '1.0' where extname = 'xml2'`)
  await admin.end()
  expectRefused(await attempt(owner, 'alter extension xml2 update'), '42501')
  expectRefused(await send('alter extension xml2 update'), '42501')
  expectRefused(await send('alter extension xml2 set schema public'), '42501')
  expectRefused(await attempt(owner, 'alter function extensions.xml_valid(text) owner to postgres'), '42501')
  expectRefused(await make('xml2', 'public'), '42710')
  expectDone(await make('xml2', 'public', true))
  expectDone(await attempt(owner, 'drop extension xml2'))
  expect(await rows(`select from pg_proc where proname = 'xpath_string'`)).toEqual([])
})

test('an event trigger does not run within its script, and a function that waits in its schema is not replaced by it', async () => {
  expectDone(
    await attempt(
      owner,
      `create schema trapped;
       create table trapped.caught (who text);
       create function trapped.note() returns event_trigger language plpgsql as $$
         begin insert into trapped.caught values (current_user || ' by trigger'); end $$;
       create function trapped.xpath_string(text, text) returns text language sql return 'mine'`,
    ),
  )
  expectDone(await send('create event trigger waiting on ddl_command_start execute function trapped.note()'))
  expectRefused(await make('xml2', 'trapped'), '42723')
  expect(await rows(`select trapped.xpath_string('<a>7</a>', '/a') as found`)).toEqual([{ found: 'mine' }])
  expectDone(await make('amcheck', 'trapped'))
  expect(await rows('select * from trapped.caught')).toEqual([])
  expectDone(await send('drop event trigger waiting; drop extension amcheck; drop schema trapped cascade'))
})

test.each([
  ['dblink', 'public', '42501'],
  ['plperlu', 'public', '42501'],
  ['hstore', 'public', '42501'],
  ['postgis', 'public', '0A000'],
  ['vector', 'public', '0A000'],
  ['xml2"; drop schema public; --', 'public', '42501'],
  ['xml2', 'public; drop table x', '3F000'],
  ['xml2', 'nowhere', '3F000'],
  ['xml2', null, '3F000'],
  ['xml2', 'auth', '42501'],
  ['xml2', 'storage', '42501'],
  ['xml2', 'graphql_public', '42501'],
  ['xml2', 'supabase_migrations', '42501'],
  ['xml2', 'pg_favo', '42501'],
  ['xml2', 'pg_catalog', '42501'],
  ['xml2', 'information_schema', '42501'],
])('%s in %s is refused', async (name, schema, code) => {
  expectRefused(await make(name, schema), code)
})

test('the roles of the API cannot ask for one, and nobody can add to the list', async () => {
  for (const role of ['anon', 'authenticated', 'service_role', 'authenticator']) {
    expectDone(await attempt(owner, `begin; set local role ${role}`))
    expectRefused(await make('xml2', 'public'), '42501')
    await attempt(owner, 'rollback')
  }
  expectRefused(await attempt(owner, `insert into pg_favo.privileged_extensions values ('dblink')`), '42501')
  expectRefused(await attempt(owner, 'begin; lock table pg_favo.privileged_extensions'), '42501')
  await attempt(owner, 'rollback')
})

test('settings of the session change nothing, and a failure leaves nothing behind', async () => {
  expectDone(
    await attempt(
      owner,
      `begin; set local standard_conforming_strings = off; set local search_path = public`,
    ),
  )
  expectDone(await make('xml2', 'public'))
  expect(await rows('show event_triggers')).toEqual([{ event_triggers: 'on' }])
  await attempt(owner, 'rollback')
  expect(await rows(`select from pg_extension where extname = 'xml2'`)).toEqual([])
  expect(await rows(`select nspname from pg_namespace where nspname like 'favo_%'`)).toEqual([])
})

test('CREATE EXTENSION as it is written for Supabase says that the server has none', async () => {
  for (const text of [
    'create extension postgis',
    'create extension if not exists postgis with schema extensions',
    `create extension if not exists "vector" with schema "extensions" version '0.7.0'`,
    'do $$ begin create extension postgis; end $$',
  ])
    expectRefused(await send(text), '0A000', /is not available/)
  await attempt(owner, 'create schema own_choice')
  expectDone(await attempt(owner, 'set search_path = own_choice'))
  expectRefused(await send('create extension vector'), '0A000')
})
