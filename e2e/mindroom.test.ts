import { resolve } from 'node:path'
import { startPlatform, type TestPlatform } from '@favo/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, signUp, type SignedIn } from './support/projects.ts'
import { runCli } from './support/run-cli.ts'

const template = resolve(import.meta.dirname, '../templates/mindroom')

let platform: TestPlatform
let push: (...more: string[]) => Promise<unknown>
let url: string
let anonKey: string
let service: ReturnType<typeof connect>
let ann: Customer
let bob: Customer

interface Customer extends SignedIn {
  readonly subscriptionId: string
  readonly instanceId: string
}

const customers = () => [
  { me: ann, other: bob },
  { me: bob, other: ann },
]

beforeAll(async () => {
  platform = await startPlatform()
  const project = await platform.createProject({ name: 'mindroom' })
  push = async (...more) =>
    JSON.parse(
      await runCli(
        platform,
        'db',
        'push',
        '--project',
        project.ref,
        '--workdir',
        template,
        '--json',
        ...more,
      ),
    ) as unknown
  await push('--include-seed')
  url = project.path_url
  anonKey = project.keys.anon
  service = connect(url, project.keys.service_role)
  ann = await subscribe('ann')
  bob = await subscribe('bob')
})
afterAll(() => platform.close())

/** Signs up, and the operator (service key) gives a subscription and a running instance. */
async function subscribe(name: string): Promise<Customer> {
  const user = await signUp(url, anonKey, `${name}@example.com`, `${name} has a long password`)
  const subscription = await service
    .from('subscriptions')
    .insert({ account_id: user.id, tier: 'starter', status: 'active' })
    .select('id')
    .single<{ id: string }>()
    .throwOnError()
  const instance = await service
    .from('instances')
    .insert({
      subscription_id: subscription.data.id,
      dokku_app_name: `mindroom-${name}`,
      subdomain: name,
      status: 'running',
      frontend_url: `https://${name}.mindroom.test`,
    })
    .select('id')
    .single<{ id: string }>()
    .throwOnError()
  return { ...user, subscriptionId: subscription.data.id, instanceId: instance.data.id }
}

test('pushing again finds nothing to do', async () => {
  expect(await push('--include-seed')).toMatchObject({ migrations: [], seeds: [] })
})

test('the seed’s customer can sign in and has an instance', async () => {
  const client = connect(url, anonKey)
  const signedIn = await client.auth.signInWithPassword({
    email: 'test@example.com',
    password: 'mindroom-dev',
  })
  expect(signedIn.error).toBeNull()
  expect(await client.from('accounts').select('full_name')).toMatchObject({
    data: [{ full_name: 'Test User' }],
  })
  expect(await client.rpc('get_user_instance')).toMatchObject({
    data: [{ subdomain: 'customer-test', status: 'running', tier: 'starter' }],
  })
})

test('signing up makes an account, with the name that was given and nothing more', async () => {
  const client = connect(url, anonKey)
  await client.auth.signUp({
    email: 'cy@example.com',
    password: 'cy has a long password',
    options: { data: { full_name: 'Cy', tier: 'enterprise', stripe_customer_id: 'cus_1' } },
  })
  expect(await client.from('accounts').select()).toMatchObject({
    data: [{ email: 'cy@example.com', full_name: 'Cy', stripe_customer_id: null }],
  })
  expect(await client.from('subscriptions').select()).toMatchObject({ data: [] })
  expect(await client.rpc('get_user_instance')).toMatchObject({ data: [] })
})

describe('each of two customers', () => {
  test('sees the own account, subscription, instance and usage, and nothing of the other', async () => {
    for (const { me } of customers()) {
      await service
        .rpc('track_usage', { p_instance_id: me.instanceId, p_agent_name: 'calculator' })
        .throwOnError()
      expect(await me.client.from('accounts').select()).toMatchObject({
        data: [{ id: me.id, email: me.email }],
      })
      expect(await me.client.from('subscriptions').select()).toMatchObject({
        data: [{ id: me.subscriptionId, account_id: me.id, tier: 'starter', max_messages_per_day: 1000 }],
      })
      expect(await me.client.from('instances').select()).toMatchObject({
        data: [{ id: me.instanceId, subscription_id: me.subscriptionId, memory_limit_mb: 1024 }],
      })
      expect(await me.client.from('usage_metrics').select()).toMatchObject({
        data: [{ instance_id: me.instanceId, messages_sent: 1, agents_used: { calculator: 1 } }],
      })
    }
    for (const { me, other } of customers()) {
      for (const [table, column, value] of [
        ['accounts', 'id', other.id],
        ['subscriptions', 'account_id', other.id],
        ['instances', 'id', other.instanceId],
        ['usage_metrics', 'instance_id', other.instanceId],
      ] as const)
        expect(await me.client.from(table).select().eq(column, value)).toMatchObject({
          data: [],
          error: null,
        })
    }
  })

  test('cannot change what is not theirs to change', async () => {
    for (const { me, other } of customers()) {
      const refused = [
        me.client.from('accounts').update({ stripe_customer_id: 'cus_x' }).eq('id', me.id),
        me.client.from('subscriptions').update({ tier: 'enterprise' }).eq('id', me.subscriptionId),
        me.client.from('subscriptions').insert({ account_id: me.id, tier: 'enterprise', status: 'active' }),
        me.client.from('instances').update({ memory_limit_mb: 65536 }).eq('id', me.instanceId),
        me.client.from('usage_metrics').delete().eq('instance_id', me.instanceId),
        me.client.from('instance_secrets').select(),
        me.client.from('audit_logs').select(),
        me.client.from('plans').update({ max_agents: 99 }).eq('tier', 'free'),
        me.client.rpc('track_usage', { p_instance_id: me.instanceId }),
        me.client.rpc('erase_account', { p_account_id: other.id }),
      ]
      for (const reply of await Promise.all(refused)) expect(reply.error).toMatchObject({ code: '42501' })
      expect(
        await me.client.from('accounts').update({ full_name: 'Mallory' }).eq('id', other.id).select(),
      ).toMatchObject({ data: [], error: null })
      expect(
        await me.client
          .from('accounts')
          .update({ company_name: 'Mine' })
          .eq('id', me.id)
          .select('company_name'),
      ).toMatchObject({ data: [{ company_name: 'Mine' }] })
    }
  })

  test('finds the own instance by rpc, whatever id is asked for', async () => {
    for (const { me, other } of customers()) {
      const own = [{ instance_id: me.instanceId, status: 'running', tier: 'starter' }]
      expect(await me.client.rpc('get_user_instance')).toMatchObject({ data: own })
      expect(await me.client.rpc('get_user_instance', { user_id: me.id })).toMatchObject({ data: own })
      expect(await me.client.rpc('get_user_instance', { user_id: other.id })).toMatchObject({ data: [] })
      expect(await service.rpc('get_user_instance', { user_id: me.id })).toMatchObject({ data: own })
    }
  })
})

test('anonymous callers see plans and nothing else', async () => {
  const anonymous = connect(url, anonKey)
  const plans = await anonymous.from('plans').select('tier, max_messages_per_day').order('tier')
  expect(plans.data).toEqual([
    { tier: 'free', max_messages_per_day: 100 },
    { tier: 'starter', max_messages_per_day: 1000 },
    { tier: 'professional', max_messages_per_day: 10000 },
    { tier: 'enterprise', max_messages_per_day: null },
  ])
  for (const table of [
    'accounts',
    'subscriptions',
    'instances',
    'usage_metrics',
    'audit_logs',
    'instance_secrets',
  ])
    expect(await anonymous.from(table).select()).toMatchObject({ status: 401, error: { code: '42501' } })
  expect(await anonymous.rpc('get_user_instance', { user_id: ann.id })).toMatchObject({
    error: { code: '42501' },
  })
})

test('of calls at the limit exactly as many pass as there is room, and the refusal says so', async () => {
  await service
    .from('subscriptions')
    .update({ max_messages_per_day: 6, current_messages_today: 1 })
    .eq('id', bob.subscriptionId)
    .throwOnError()
  const replies = await Promise.all(
    Array.from({ length: 12 }, () => service.rpc('track_usage', { p_instance_id: bob.instanceId })),
  )
  expect(replies.filter(({ status }) => status === 204)).toHaveLength(5)
  const refused = replies.filter(({ status }) => status !== 204)
  expect(refused).toHaveLength(7)
  for (const reply of refused)
    expect(reply).toMatchObject({
      status: 429,
      error: { code: 'PT429', message: 'daily message limit reached' },
    })
  const tool = await service.rpc('track_usage', { p_instance_id: bob.instanceId, p_tool_name: 'search' })
  expect(tool.status).toBe(204)
  expect(await bob.client.from('subscriptions').select('current_messages_today')).toMatchObject({
    data: [{ current_messages_today: 6 }],
  })
})

test('an unknown instance is 404 and a subscription that is not active 402', async () => {
  expect(await service.rpc('track_usage', { p_instance_id: ann.id })).toMatchObject({
    status: 404,
    error: { code: 'PT404' },
  })
  await service.from('subscriptions').update({ status: 'paused' }).eq('id', ann.subscriptionId).throwOnError()
  expect(await service.rpc('track_usage', { p_instance_id: ann.instanceId })).toMatchObject({
    status: 402,
    error: { code: 'PT402', details: 'status: paused' },
  })
})

test('a customer with a running instance cannot be deleted; one who has left can', async () => {
  expect((await service.auth.admin.deleteUser(ann.id)).error).not.toBeNull()
  await service.from('instances').update({ status: 'deprovisioned' }).eq('id', ann.instanceId).throwOnError()
  await service
    .from('subscriptions')
    .update({ status: 'cancelled' })
    .eq('id', ann.subscriptionId)
    .throwOnError()
  await service.rpc('erase_account', { p_account_id: ann.id }).throwOnError()
  expect((await service.auth.admin.deleteUser(ann.id)).error).toBeNull()
  expect(await service.from('accounts').select().eq('id', ann.id)).toMatchObject({ data: [] })
})
