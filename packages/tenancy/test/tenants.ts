import { randomBytes } from 'node:crypto'
import { quoteIdent } from '@favo/postgres'
import { createTestTenancy, type ClusterAccess } from '@favo/testkit'
import type { Tenancy } from '@favo/tenancy'
import { Client, type ClientConfig } from 'pg'
import { expect, inject } from 'vitest'
import { sqlState } from '../src/errors.ts'

/** What an attempt came to: an SQLSTATE, or the rows of its last statement. */
export type Outcome =
  | { readonly code: string; readonly message: string }
  | { readonly code: null; readonly rows: readonly Record<string, unknown>[] }

export interface Tenant {
  readonly database: string
  readonly ownerPassword: string
}

/** Two projects that know nothing of each other, in a real cluster with the real pg_hba. */
export interface Tenants {
  readonly tenancy: Tenancy
  readonly attacker: Tenant
  readonly victim: Tenant
  readonly cluster: ClusterAccess
  /** A session with any credentials; the caller ends it. */
  connect(config: ClientConfig): Promise<Client>
  /** A session of a project's login in its own database, with the password that the platform has for it. */
  login(tenant: Tenant, suffix: 'db' | 'own' | 'api' | 'svc', config?: ClientConfig): Promise<Client>
  superuser(database: string, config?: ClientConfig): Promise<Client>
  newTenant(): Promise<Tenant>
  close(): Promise<void>
}

export async function startTenants(cluster: ClusterAccess = inject('cluster')): Promise<Tenants> {
  const tenancy = createTestTenancy(cluster)
  await tenancy.prepare()
  const made: string[] = []
  const newTenant = async (): Promise<Tenant> => {
    const tenant = { database: newName(), ownerPassword: randomBytes(12).toString('hex') }
    made.push(tenant.database)
    await tenancy.createDatabase(tenant)
    return tenant
  }
  const passwords = new Map<string, string>()
  const connect = async (config: ClientConfig) => {
    const client = new Client({ ...cluster.endpoint, ...config })
    client.on('error', () => {})
    try {
      await client.connect()
    } catch (error) {
      // A socket that stays in mid-authentication holds up every DROP DATABASE until authentication_timeout.
      client.end().catch(() => {})
      throw error
    }
    return client
  }
  const superuser = (database: string, config: ClientConfig = {}) =>
    connect({
      user: 'favo_admin',
      password: cluster.password,
      database,
      options: '-c search_path=pg_catalog -c event_triggers=off',
      ...config,
    })
  const [attacker, victim] = [await newTenant(), await newTenant()]
  return {
    tenancy,
    attacker,
    victim,
    cluster,
    connect,
    superuser,
    newTenant,
    login: async (tenant, suffix, config = {}) => {
      const user = `${tenant.database}_${suffix}`
      const password =
        suffix === 'db'
          ? tenant.ownerPassword
          : (passwords.get(user) ?? (await givePassword(superuser, user)))
      passwords.set(user, password)
      return connect({ user, password, database: tenant.database, ...config })
    },
    close: async () => {
      for (const database of made) await tenancy.dropDatabase(database)
      await tenancy.close()
    },
  }
}

export const newName = (): string => `p_${randomBytes(8).toString('hex')}`

/** Tests choose the passwords of platform logins themselves, so that they do not depend on how these are derived. */
async function givePassword(superuser: Tenants['superuser'], user: string): Promise<string> {
  const password = randomBytes(12).toString('hex')
  const admin = await superuser('postgres')
  await admin.query(`alter role ${quoteIdent(user)} password '${password}'`)
  await admin.end()
  return password
}

/** Runs statements one by one until one fails. */
export async function attempt(client: Client, ...statements: readonly string[]): Promise<Outcome> {
  let rows: Record<string, unknown>[] = []
  for (const statement of statements) {
    try {
      const result: unknown = await client.query(statement)
      rows = (result as { rows?: Record<string, unknown>[] }).rows ?? []
    } catch (error) {
      return { code: sqlState(error) ?? 'no SQLSTATE', message: (error as Error).message }
    }
  }
  return { code: null, rows }
}

/** The outcome of trying to sign in. */
export async function attemptConnect(tenants: Tenants, config: ClientConfig): Promise<Outcome> {
  try {
    const client = await tenants.connect(config)
    await client.end()
    return { code: null, rows: [] }
  } catch (error) {
    return { code: sqlState(error) ?? 'no SQLSTATE', message: (error as Error).message }
  }
}

export const expectRefused = (outcome: Outcome, code: string, message = /./): void => {
  expect(outcome).toMatchObject({ code })
  expect(outcome.code === null ? '' : outcome.message).toMatch(message)
}

export const expectDone = (outcome: Outcome): void => expect(outcome).toMatchObject({ code: null })

/** Resolves when `condition` holds; fails with `what` after ten seconds. */
export async function eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`did not happen: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
