/** What the tests of this package share: a project as the product makes it, and pools over it with options of their own. */
import { createPools, type Pools, type PoolsOptions, type Step, type StepResult } from '@favo/postgres'
import { silentLogger } from '@favo/runtime'
import { type ClusterAccess } from '@favo/testkit'
import { loginPassword, SecretBox } from '@favo/tokens'
import { inject, onTestFinished } from 'vitest'

/** Pools that are closed when the test ends. */
export function openPools(
  options: Partial<PoolsOptions> = {},
  cluster: ClusterAccess = inject('cluster'),
): Pools {
  const box = new SecretBox(Buffer.from(cluster.masterKey, 'hex'))
  const pools = createPools({
    endpoint: cluster.endpoint,
    passwordFor: (database, login) => loginPassword(box, database, login),
    maxConnections: 10,
    maxPerPool: 4,
    idleMs: 60_000,
    acquireTimeoutMs: 10_000,
    log: silentLogger(),
    ...options,
  })
  onTestFinished(() => pools.close())
  return pools
}

/** The step that stands in front of a caller's request. */
export const callerStep = (role: string, claims: object = { role }): Step => ({
  text: `select set_config('role', $1, true), set_config('request.jwt.claims', $2, true), set_config('search_path', 'public', true)`,
  values: [role, JSON.stringify(claims)],
  plan: role,
})

export const step = (text: string, values: Step['values'] = [], plan: string | null = 'anon'): Step => ({
  text,
  values,
  plan,
})

/** A result's cells as text. */
export const texts = (result: StepResult | undefined): (string | null)[][] =>
  (result?.rows ?? []).map((row) => row.map((cell) => cell?.toString() ?? null))

/** Polls until `check` gives something else than false, null and undefined. */
export async function until<T>(check: () => T | Promise<T>, limitMs = 10_000): Promise<NonNullable<T>> {
  const end = Date.now() + limitMs
  for (;;) {
    const value = await check()
    if (value !== false && value !== null && value !== undefined) return value
    if (Date.now() > end) throw new Error('what the test waits for did not happen')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
