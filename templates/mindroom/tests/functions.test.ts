import { beforeEach, describe, expect, test } from 'vitest'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addTwoCustomers, ann, bob, startMindroom, supabase, type Caller } from './mindroom.ts'

const { owner, as, connect } = await startMindroom()
await addTwoCustomers(owner)

const anon: Caller = { role: 'anon' }
const asAnn: Caller = { role: 'authenticated', sub: ann }
const service: Caller = { role: 'service_role' }

const one = async (text: string, values: unknown[] = []) =>
  (await owner.query<Record<string, unknown>>(text, values)).rows[0]
const track = (...args: (string | null)[]) =>
  owner.query(`select track_usage(${args.map((_, i) => `$${i + 1}`).join()})`, args)
const usage = () =>
  one(
    `select messages_sent, agents_used, tools_used from usage_metrics
       where instance_id = $1 and date = (now() at time zone 'utc')::date`,
    [ann],
  )
const codeOf = (counting: Promise<unknown>) =>
  counting.then(
    () => 'counted',
    (error: { code: string }) => error.code,
  )
const today = () => one('select current_messages_today as count from subscriptions where id = $1', [ann])

beforeEach(async () => {
  await owner.query(`delete from usage_metrics where date > '2026-01-01'`)
  await owner.query(
    `update subscriptions set status = 'active', max_messages_per_day = 1000, current_messages_today = 0,
       trial_ends_at = null, last_reset_at = (now() at time zone 'utc')::date
     where id in ($1, $2)`,
    [ann, bob],
  )
  await owner.query(`update instances set status = 'running' where id in ($1, $2)`, [ann, bob])
})

describe('get_user_instance', () => {
  const call = 'select * from get_user_instance()'
  const callFor = 'select * from get_user_instance($1)'

  test('finds the caller’s own, and nobody else’s whatever id is given', async () => {
    const { rows } = await as(asAnn, call)
    expect(rows).toEqual([
      {
        instance_id: ann,
        subdomain: 'mindroom-ann',
        frontend_url: null,
        backend_url: null,
        status: 'running',
        tier: 'starter',
      },
    ])
    expect((await as(asAnn, callFor, [ann])).count).toBe(1)
    expect((await as(asAnn, callFor, [bob])).count).toBe(0)
    expect((await as(service, callFor, [bob])).count).toBe(1)
    await expect(as(anon, callFor, [ann])).rejects.toMatchObject({ code: '42501' })
  })

  test.each([
    ['trialing', 'provisioning', 1],
    ['trialing', 'running', 1],
    ['active', 'stopped', 1],
    ['past_due', 'failed', 1],
    ['active', 'deprovisioning', 1],
    ['active', 'deprovisioned', 0],
    ['cancelled', 'running', 0],
    ['incomplete_expired', 'running', 0],
  ])('subscription %s, instance %s: %i', async (subscription, instance, count) => {
    await owner.query('update subscriptions set status = $2 where id = $1', [ann, subscription])
    await owner.query('update instances set status = $2 where id = $1', [ann, instance])
    expect((await as(asAnn, call)).count).toBe(count)
  })
})

describe('track_usage', () => {
  test('counts a message by agent, and a tool’s call apart from messages', async () => {
    await track(ann, 'calculator', null)
    await track(ann, 'calculator', 'search')
    await track(ann, null, 'search')
    await track(ann, 'writer', null)
    await track(ann)
    expect(await usage()).toEqual({
      messages_sent: 3,
      agents_used: { calculator: 1, writer: 1 },
      tools_used: { search: 2 },
    })
    expect(await today()).toEqual({ count: 3 })
  })

  test('of twenty callers at once with room for five messages exactly five pass, and no more is counted', async () => {
    await owner.query('update subscriptions set max_messages_per_day = 5')
    const sessions = await Promise.all(Array.from({ length: 10 }, connect))
    const tryTwice = async (session: (typeof sessions)[number]) => {
      const outcomes: string[] = []
      for (let i = 0; i < 2; i++) outcomes.push(await codeOf(session.query('select track_usage($1)', [ann])))
      return outcomes
    }
    const outcomes = (await Promise.all(sessions.map(tryTwice))).flat()
    expect(outcomes.filter((outcome) => outcome === 'counted')).toHaveLength(5)
    expect(outcomes.filter((outcome) => outcome === 'PT429')).toHaveLength(15)
    expect(await usage()).toMatchObject({ messages_sent: 5 })
    expect(await today()).toEqual({ count: 5 })
  })

  test('the counter starts again on a new day of UTC, whatever the session’s zone', async () => {
    await owner.query(
      `update subscriptions set current_messages_today = 1000, last_reset_at = (now() at time zone 'utc')::date - 5`,
    )
    for (const zone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago']) {
      await owner.query(`select set_config('timezone', $1, false)`, [zone])
      await track(ann)
    }
    await owner.query('reset timezone')
    expect(await today()).toEqual({ count: 2 })
    expect(await usage()).toMatchObject({ messages_sent: 2 })
  })

  test('says clearly why not', async () => {
    expect(await codeOf(track('33333333-3333-4333-8333-333333333333'))).toBe('PT404')
    expect(await codeOf(track(ann, ''))).toBe('PT400')
    expect(await codeOf(track(ann, 'x'.repeat(101)))).toBe('PT400')
    for (const [status, outcome] of [
      ['trialing', 'counted'],
      ['past_due', 'counted'],
      ['incomplete', 'PT402'],
      ['unpaid', 'PT402'],
      ['paused', 'PT402'],
      ['cancelled', 'PT402'],
    ]) {
      await owner.query('update subscriptions set status = $2 where id = $1', [ann, status])
      expect([status, await codeOf(track(ann))]).toEqual([status, outcome])
    }
    await owner.query(
      `update subscriptions set status = 'trialing', trial_ends_at = now() - interval '1 second'`,
    )
    expect(await codeOf(track(ann))).toBe('PT402')
    await owner.query(`update subscriptions set status = 'active', max_messages_per_day = 0`)
    expect(await codeOf(track(ann))).toBe('PT429')
    expect(await codeOf(track(ann, null, 'search')), 'tools are not limited').toBe('counted')
    await owner.query(`update subscriptions set max_messages_per_day = null`)
    expect(await codeOf(track(ann)), 'null is unlimited').toBe('counted')
    await owner.query(`update instances set status = 'deprovisioned'`)
    expect(await codeOf(track(ann))).toBe('PT404')
  })

  test('is the service’s alone', async () => {
    await as(service, 'select track_usage($1)', [ann])
    for (const caller of [anon, asAnn])
      await expect(as(caller, 'select track_usage($1)', [ann])).rejects.toMatchObject({ code: '42501' })
  })
})

describe('accounts', () => {
  test('come with the user, follow the address, and go with the user', async () => {
    const id = '44444444-4444-4444-8444-444444444444'
    await owner.query('insert into auth.users (id, email, raw_user_meta_data) values ($1, $2, $3)', [
      id,
      'cy@example.com',
      { full_name: 'x'.repeat(500), stripe_customer_id: 'cus_of_bob', tier: 'enterprise' },
    ])
    expect(await one('select * from accounts where id = $1', [id])).toMatchObject({
      email: 'cy@example.com',
      full_name: 'x'.repeat(200),
      stripe_customer_id: null,
    })
    await owner.query(`update auth.users set email = 'cyril@example.com' where id = $1`, [id])
    expect(await one('select email from accounts where id = $1', [id])).toEqual({
      email: 'cyril@example.com',
    })
    await owner.query('delete from auth.users where id = $1', [id])
    expect(await one('select * from accounts where id = $1', [id])).toBeUndefined()
  })

  test('are made when a user without an address gets one', async () => {
    const id = '55555555-5555-4555-8555-555555555555'
    await owner.query('insert into auth.users (id, phone, is_anonymous) values ($1, $2, true)', [
      id,
      '4912345',
    ])
    expect(await one('select * from accounts where id = $1', [id])).toBeUndefined()
    await owner.query(`update auth.users set email = 'dee@example.com' where id = $1`, [id])
    expect(await one('select email from accounts where id = $1', [id])).toEqual({ email: 'dee@example.com' })
  })

  test('with something that runs or is paid for cannot be deleted or erased', async () => {
    await expect(owner.query('delete from auth.users where id = $1', [bob])).rejects.toMatchObject({
      constraint: 'subscriptions_account_id_fkey',
    })
    await expect(owner.query('select erase_account($1)', [bob])).rejects.toMatchObject({ code: '55006' })
    await owner.query(`update instances set status = 'deprovisioned' where id = $1`, [bob])
    await owner.query(`update subscriptions set stripe_subscription_id = 'sub_bob' where id = $1`, [bob])
    await expect(owner.query('select erase_account($1)', [bob])).rejects.toMatchObject({ code: '55006' })
  })

  test('are erased when all has ended, and the audit log stays', async () => {
    const id = '66666666-6666-4666-8666-666666666666'
    await owner.query(`insert into auth.users (id, email) values ($1, 'eve@example.com')`, [id])
    await owner.query(`insert into subscriptions (id, account_id, status) values ($1, $1, 'cancelled')`, [id])
    await owner.query(
      `insert into instances (id, subscription_id, dokku_app_name, subdomain, status) values ($1, $1, 'eve', 'eve', 'deprovisioned')`,
      [id],
    )
    await owner.query(`insert into audit_logs (account_id, action) values ($1, 'left')`, [id])
    await as(service, 'select erase_account($1)', [id])
    await owner.query('select erase_account($1)', [id])
    expect(await one('select * from accounts where id = $1', [id])).toBeUndefined()
    expect(await one(`select account_id from audit_logs where action = 'left'`)).toEqual({ account_id: null })
    await owner.query('delete from auth.users where id = $1', [id])
  })
})

describe('subscriptions and instances', () => {
  const id = '77777777-7777-4777-8777-777777777777'
  beforeEach(async () => {
    await owner.query('select erase_account($1)', [id])
    await owner.query(
      `insert into auth.users (id, email) values ($1, 'fay@example.com') on conflict do nothing`,
      [id],
    )
    await owner.query(
      `insert into accounts (id, email) values ($1, 'fay@example.com') on conflict do nothing`,
      [id],
    )
  })
  const subscribe = (columns: string, values: string) =>
    one(`insert into subscriptions (account_id, ${columns}) values ('${id}', ${values}) returning *`)

  test('limits and trial come from the plan, follow the tier, and may be set for one customer', async () => {
    expect(await subscribe('tier', `'starter'`)).toMatchObject({
      max_agents: 3,
      max_messages_per_day: 1000,
      trial_ends_at: expect.any(Date) as Date,
    })
    const change = (set: string) =>
      one(`update subscriptions set ${set} where account_id = $1 returning *`, [id])
    expect(await change(`tier = 'professional'`)).toMatchObject({
      max_agents: 10,
      max_messages_per_day: 10000,
    })
    expect(await change(`tier = 'enterprise', max_agents = 50`)).toMatchObject({
      max_agents: 50,
      max_messages_per_day: null,
    })
    expect(await change('max_agents = 60')).toMatchObject({ max_agents: 60 })
    await owner.query(`delete from subscriptions where account_id = $1`, [id])
    expect(await subscribe('status', `'active'`)).toMatchObject({
      tier: 'free',
      max_agents: 1,
      trial_ends_at: null,
    })
  })

  test('one subscription counts; one that ended or is not paid yet may stand beside it', async () => {
    await subscribe('status', `'active'`)
    await expect(subscribe('status', `'trialing'`)).rejects.toMatchObject({
      constraint: 'subscriptions_one_current_key',
    })
    await subscribe('status', `'cancelled'`)
    await subscribe('status', `'incomplete'`)
  })

  test('a subscription has one live instance, sized by the plan', async () => {
    const subscription = await subscribe('tier, status', `'starter', 'active'`)
    const provision = (name: string) =>
      one(
        'insert into instances (subscription_id, dokku_app_name, subdomain) values ($1, $2, $2) returning *',
        [subscription?.id, name],
      )
    expect(await provision('fay')).toMatchObject({
      memory_limit_mb: 1024,
      cpu_limit: '1.00',
      status: 'provisioning',
    })
    await expect(provision('fay-2')).rejects.toMatchObject({ constraint: 'instances_one_live_key' })
    await owner.query(`update instances set status = 'deprovisioned' where subdomain = 'fay'`)
    await provision('fay-2')
    await expect(owner.query(`delete from instances where subdomain = 'fay-2'`)).rejects.toMatchObject({
      code: '55006',
    })
    await owner.query(`update instances set status = 'deprovisioned' where subdomain = 'fay-2'`)
  })

  test.each(['Fay', '-fay', 'fay-', 'a.b', 'a b', '', 'x'.repeat(64)])(
    '%j is no subdomain',
    async (subdomain) => {
      await expect(
        owner.query(
          `insert into instances (subscription_id, dokku_app_name, subdomain) values ($1, 'x', $2)`,
          [ann, subdomain],
        ),
      ).rejects.toMatchObject({ constraint: 'instances_subdomain_check' })
    },
  )

  test.each([
    [{ KEY: 'sk-plain' }],
    [{ KEY: 42 }],
    [{ KEY: [`v1.${'A'.repeat(40)}`] }],
    [{ KEY: { nested: `v1.${'A'.repeat(40)}` } }],
    [{ KEY: `v1.${'A'.repeat(40)}\nsk-plain` }],
    [[`v1.${'A'.repeat(40)}`]],
  ])('plain text is refused as a secret: %j', async (vars) => {
    await expect(
      owner.query('update instance_secrets set environment_vars = $1', [JSON.stringify(vars)]),
    ).rejects.toMatchObject({ constraint: 'instance_secrets_are_encrypted' })
  })

  test('updated_at moves', async () => {
    const before = await one('select updated_at from accounts where id = $1', [ann])
    await owner.query(`update accounts set company_name = 'Moved' where id = $1`, [ann])
    const after = await one('select updated_at from accounts where id = $1', [ann])
    expect(Number(after?.updated_at)).toBeGreaterThan(Number(before?.updated_at))
  })
})

test('each of Stripe’s words has its status, and a new one is refused', async () => {
  const stripe = [
    'trialing',
    'active',
    'past_due',
    'incomplete',
    'incomplete_expired',
    'unpaid',
    'paused',
    'canceled',
  ]
  const { rows } = await owner.query(
    'select word, subscription_status_from_stripe(word)::text as status from unnest($1::text[]) as word',
    [stripe],
  )
  for (const { word, status } of rows as { word: string; status: string }[])
    expect(status).toBe(word === 'canceled' ? 'cancelled' : word)
  await expect(owner.query(`select subscription_status_from_stripe('dreaming')`)).rejects.toMatchObject({
    code: '22P02',
  })
})

test('the seed runs, and runs again', async () => {
  const seed = await readFile(join(supabase, 'seed.sql'), 'utf8')
  await owner.query(seed)
  await owner.query(seed)
  expect(
    await one(
      `select a.full_name, s.tier, s.max_agents, i.status from accounts a
       join subscriptions s on s.account_id = a.id join instances i on i.subscription_id = s.id
       where a.email = 'test@example.com'`,
    ),
  ).toEqual({ full_name: 'Test User', tier: 'starter', max_agents: 3, status: 'running' })
})
