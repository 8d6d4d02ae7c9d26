import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createTestProject } from '@favo/testkit'
import { Client } from 'pg'
import { afterAll } from 'vitest'

export const supabase = resolve(import.meta.dirname, '../supabase')

export const ann = '11111111-1111-4111-8111-111111111111'
export const bob = '22222222-2222-4222-8222-222222222222'

/** Who is asking: an API role, and the user where there is one. */
export interface Caller {
  readonly role: 'anon' | 'authenticated' | 'service_role'
  readonly sub?: string
}

export interface Mindroom {
  /** The project's owner, as in the SQL editor. */
  readonly owner: Client
  /** One statement as a caller of the API, rolled back afterwards. Rejects with Postgres' error. */
  readonly as: (
    caller: Caller,
    text: string,
    values?: unknown[],
  ) => Promise<{ rows: Record<string, unknown>[]; count: number }>
  /** Another session, for races. */
  readonly connect: () => Promise<Client>
}

/** A project with the template's migrations, as `db push` leaves it. Call it at the top of a file or in `beforeAll`. */
export async function startMindroom(): Promise<Mindroom> {
  const project = await createTestProject()
  const clients: Client[] = []
  const connect = async () => {
    const client = new Client({ connectionString: project.ownerUrl })
    await client.connect()
    clients.push(client)
    return client
  }
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.end()))
    await project.close()
  })
  const owner = await connect()
  const directory = join(supabase, 'migrations')
  for (const file of (await readdir(directory)).sort())
    await owner.query(await readFile(join(directory, file), 'utf8'))

  const as: Mindroom['as'] = async ({ role, sub }, text, values) => {
    await owner.query('begin')
    try {
      await owner.query(`set local role ${role}`)
      await owner.query(`select set_config('request.jwt.claims', $1, true)`, [JSON.stringify({ role, sub })])
      const result = await owner.query<Record<string, unknown>>(text, values)
      return { rows: result.rows, count: result.rowCount ?? 0 }
    } finally {
      await owner.query('rollback')
    }
  }
  return { owner, as, connect }
}

/** Two customers with a subscription, a running instance, usage, a secret and an audit line each. */
export async function addTwoCustomers(owner: Client): Promise<void> {
  for (const [name, id] of [
    ['ann', ann],
    ['bob', bob],
  ] as const) {
    await owner.query('insert into auth.users (id, email, raw_user_meta_data) values ($1, $2, $3)', [
      id,
      `${name}@example.com`,
      { full_name: name },
    ])
    await owner.query(
      `insert into subscriptions (id, account_id, tier, status) values ($1, $1, 'starter', 'active')`,
      [id],
    )
    await owner.query(
      `insert into instances (id, subscription_id, dokku_app_name, subdomain, status) values ($1, $1, $2, $2, 'running')`,
      [id, `mindroom-${name}`],
    )
    await owner.query(`insert into instance_secrets (instance_id, environment_vars) values ($1, $2)`, [
      id,
      { OPENAI_API_KEY: `v1.${'A'.repeat(40)}` },
    ])
    await owner.query(
      `insert into usage_metrics (instance_id, date, messages_sent) values ($1, '2026-01-01', 5)`,
      [id],
    )
    await owner.query(`insert into audit_logs (account_id, action) values ($1, 'signed up')`, [id])
  }
  await owner.query(
    `insert into plan_prices (stripe_price_id, tier, billing_interval) values ('price_1', 'starter', 'month')`,
  )
}
