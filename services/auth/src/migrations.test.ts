import { readFile } from 'node:fs/promises'
import { sql, type Db } from '@favo/postgres'
import { createTestProject, type TestProject } from '@favo/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let project: TestProject
let db: Db
beforeAll(async () => {
  project = await createTestProject()
  db = project.admin
})
afterAll(() => project.close())

const claims = { sub: '6d4a1ab8-d69d-4b6f-b4a5-5d3d21e6a0a4', role: 'editor', email: 'ann@example.com' }
const ask = (setting: string, value: string) =>
  db.transaction(async (tx) => {
    await tx.one(sql`select set_config(${setting}, ${value}, true)`)
    return tx.one(sql`
      select auth.uid()::text as sub, auth.role() as role, auth.email() as email, auth.jwt() as jwt
    `)
  })

test('the functions tell who asks, in both forms of the settings', async () => {
  expect(await ask('request.jwt.claims', JSON.stringify(claims))).toEqual({ ...claims, jwt: claims })
  expect(await ask('request.jwt.claim.sub', claims.sub)).toMatchObject({ sub: claims.sub, role: null })
})

test('they tell nothing when nobody asks', async () => {
  expect(await ask('request.jwt.claims', '')).toEqual({ sub: null, role: null, email: null, jwt: null })
})

test('a function of the same name in the search path does not stand before theirs', async () => {
  await project.owner(`
    create schema trap;
    create function trap.current_setting(text, boolean) returns text language sql
      return '{"sub": "00000000-0000-4000-8000-000000000000"}';
    grant usage on schema trap to public;
  `)
  const { sub } = await db.transaction(async (tx) => {
    await tx.one(sql`select set_config('search_path', 'trap, pg_catalog', true)`)
    return tx.one<{ sub: string | null }>(sql`select auth.uid()::text as sub`)
  })
  expect(sub).toBeNull()
})

test('every table belongs to the auth service, has row security, and shows callers nothing', async () => {
  const tables = await db.many<Record<string, unknown>>(sql`
    select c.relname, pg_get_userbyid(c.relowner) as owner, c.relrowsecurity,
      has_table_privilege('anon', c.oid, 'select,insert,update,delete') as anon,
      has_table_privilege('authenticated', c.oid, 'select,insert,update,delete') as authenticated,
      has_table_privilege('postgres', c.oid, 'select') as postgres,
      has_table_privilege('postgres', c.oid, 'trigger') as triggers
    from pg_class c
    where c.relnamespace = 'auth'::regnamespace and c.relkind = 'r'
    order by 1
  `)
  expect(tables.map(({ relname }) => relname)).toEqual([
    'audit_log_entries',
    'custom_oauth_providers',
    'favo_mails',
    'flow_state',
    'identities',
    'instances',
    'mfa_amr_claims',
    'mfa_challenges',
    'mfa_factors',
    'oauth_authorizations',
    'oauth_client_states',
    'oauth_clients',
    'oauth_consents',
    'one_time_tokens',
    'refresh_tokens',
    'saml_providers',
    'saml_relay_states',
    'schema_migrations',
    'sessions',
    'sso_domains',
    'sso_providers',
    'users',
    'webauthn_challenges',
    'webauthn_credentials',
  ])
  for (const table of tables)
    expect(table).toMatchObject({
      owner: 'supabase_auth_admin',
      relrowsecurity: true,
      anon: false,
      authenticated: false,
      postgres: true,
      triggers: true,
    })
})

test('columns and enums are GoTrue’s, to the letter', async () => {
  const rows = await db.many<{ line: string }>(sql`
    select table_name || '.' || column_name || ' ' || udt_name || ' ' || coalesce(character_maximum_length::text, '')
      || ' ' || is_nullable || ' ' || coalesce(regexp_replace(column_default, 'auth\\.', '', 'g'), '') || ' ' || is_generated as line
    from information_schema.columns
    where table_schema = 'auth' and table_name !~ '^favo_'
    union all
    select 'type ' || t.typname || ' ' || string_agg(e.enumlabel, ' ' order by e.enumsortorder)
    from pg_enum e
    join pg_type t on t.oid = e.enumtypid
    where t.typnamespace = 'auth'::regnamespace
    group by t.typname
  `)
  const file = await readFile(new URL('../test/gotrue-schema.txt', import.meta.url), 'utf8')
  const wanted = file.trim().split('\n').slice(1)
  expect(rows.map(({ line }) => line).toSorted()).toEqual(wanted.toSorted())
})

test('a seed written for Supabase loads', async () => {
  await project.owner(`
    insert into auth.users (
      instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, recovery_sent_at, last_sign_in_at,
      raw_app_meta_data, raw_user_meta_data, created_at, updated_at, confirmation_token, email_change,
      email_change_token_new, recovery_token
    ) values (
      '00000000-0000-0000-0000-000000000000', '6d4a1ab8-d69d-4b6f-b4a5-5d3d21e6a0a4', 'authenticated',
      'authenticated', 'seed@example.com', extensions.crypt('password', extensions.gen_salt('bf')), now(), now(), now(),
      '{"provider":"email","providers":["email"]}', '{}', now(), now(), '', '', '', ''
    );
    insert into auth.identities (id, user_id, provider_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
    select gen_random_uuid(), id, id, format('{"sub":"%s","email":"%s"}', id, email)::jsonb, 'email', now(), now(), now()
    from auth.users;
  `)
  expect(await db.one(sql`select email, confirmed_at is not null as is_confirmed from auth.users`)).toEqual({
    email: 'seed@example.com',
    is_confirmed: true,
  })
  expect(await db.one(sql`select email from auth.identities`)).toEqual({ email: 'seed@example.com' })
})
