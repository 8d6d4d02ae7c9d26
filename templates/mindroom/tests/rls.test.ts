import { beforeAll, describe, expect, test } from 'vitest'
import { addTwoCustomers, ann, startMindroom, type Caller, type Mindroom } from './mindroom.ts'

let mindroom: Mindroom
beforeAll(async () => {
  mindroom = await startMindroom()
  await addTwoCustomers(mindroom.owner)
})

const callers = {
  anon: { role: 'anon' },
  stranger: { role: 'authenticated', sub: '99999999-9999-4999-8999-999999999999' },
  ann: { role: 'authenticated', sub: ann },
  service: { role: 'service_role' },
} as const satisfies Record<string, Caller>

const who = Object.keys(callers) as (keyof typeof callers)[]
const tables = {
  plans: {
    rows: 4,
    column: 'name',
    insert: `(tier, name, memory_limit_mb, cpu_limit) values ('free', 'x', 1, 1)`,
  },
  plan_prices: { rows: 1, column: 'is_current', insert: `values ('price_2', 'free', 'month')` },
  accounts: { rows: 2, column: 'full_name', insert: `(id, email) values ('${ann}', 'x@example.com')` },
  subscriptions: { rows: 2, column: 'tier', insert: `(account_id, status) values ('${ann}', 'cancelled')` },
  instances: {
    rows: 2,
    column: 'status',
    insert: `(subscription_id, dokku_app_name, subdomain, status) values ('${ann}', 'x', 'x', 'deprovisioned')`,
  },
  instance_secrets: { rows: 2, column: 'environment_vars', insert: `(instance_id) values ('${ann}')` },
  usage_metrics: {
    rows: 2,
    column: 'messages_sent',
    insert: `(instance_id, date) values ('${ann}', '2026-02-02')`,
  },
  audit_logs: { rows: 2, column: 'action', insert: `(account_id, action) values ('${ann}', 'x')` },
} as const

/** Rows that the statement may reach, in the order anon, stranger, ann, service; `-` = refused (42501). */
// prettier-ignore
const expected: Record<keyof typeof tables, Record<'select' | 'insert' | 'update' | 'delete', string>> = {
  plans:            { select: '4 4 4 4', insert: '- - - key', update: '- - - 4', delete: '- - - fk' },
  plan_prices:      { select: '1 1 1 1', insert: '- - - 1',   update: '- - - 1', delete: '- - - 1' },
  accounts:         { select: '- 0 1 2', insert: '- - - key', update: '- 0 1 2', delete: '- - - fk' },
  subscriptions:    { select: '- 0 1 2', insert: '- - - 1',   update: '- - - 2', delete: '- - - fk' },
  instances:        { select: '- 0 1 2', insert: '- - - 1',   update: '- - - 2', delete: '- - - live' },
  instance_secrets: { select: '- - - 2', insert: '- - - key', update: '- - - 2', delete: '- - - 2' },
  usage_metrics:    { select: '- 0 1 2', insert: '- - - 1',   update: '- - - 2', delete: '- - - 2' },
  audit_logs:       { select: '- - - 2', insert: '- - - 1',   update: '- - - -', delete: '- - - -' },
}

const outcomes: Record<string, string> = { 42501: '-', 23505: 'key', 23503: 'fk', 23001: 'fk', 55006: 'live' }

describe.each(Object.keys(tables) as (keyof typeof tables)[])('%s', (table) => {
  const { column, insert } = tables[table]
  const statements = {
    select: `select * from ${table}`,
    insert: `insert into ${table} ${insert.startsWith('(') ? insert : `(stripe_price_id, tier, billing_interval) ${insert}`}`,
    update: `update ${table} set ${column} = ${column}`,
    delete: `delete from ${table}`,
  }
  test.each(Object.keys(statements) as (keyof typeof statements)[])('%s', async (operation) => {
    const seen: string[] = []
    for (const caller of who)
      seen.push(
        await mindroom.as(callers[caller], statements[operation]).then(
          ({ count }) => String(count),
          (error: { code: string; message: string }) =>
            outcomes[error.code] ?? `${error.code} ${error.message}`,
        ),
      )
    expect(seen.join(' ')).toBe(expected[table][operation])
  })
})

test.each([
  ['stripe_customer_id', `'cus_of_bob'`],
  ['email', `'bob@example.com'`],
  ['id', `gen_random_uuid()`],
  ['created_at', 'now()'],
])('a customer cannot change %s of the account', async (column, value) => {
  await expect(mindroom.as(callers.ann, `update accounts set ${column} = ${value}`)).rejects.toMatchObject({
    code: '42501',
  })
})

test('a customer renames only the own account', async () => {
  const { rows } = await mindroom.as(callers.ann, `update accounts set company_name = 'Ann Ltd' returning id`)
  expect(rows).toEqual([{ id: ann }])
})

test('prices that are not sold any more are not shown, but stay', async () => {
  await mindroom.owner.query('update plan_prices set is_current = false')
  expect((await mindroom.as(callers.anon, 'select * from plan_prices')).count).toBe(0)
  expect((await mindroom.as(callers.service, 'select * from plan_prices')).count).toBe(1)
  await mindroom.owner.query('update plan_prices set is_current = true')
})

test('every table of the template has row level security, and every function a fixed search_path', async () => {
  const { rows: open } = await mindroom.owner.query(
    `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and not relrowsecurity`,
  )
  expect(open).toEqual([])
  const { rows: loose } = await mindroom.owner.query(
    `select proname from pg_proc where pronamespace = 'public'::regnamespace
       and not coalesce(proconfig::text like '%search_path=%', false)`,
  )
  expect(loose).toEqual([])
})
