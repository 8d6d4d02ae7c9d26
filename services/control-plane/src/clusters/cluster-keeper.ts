import type { ClusterCheck } from '@favo/contracts'
import { sql } from '@favo/postgres'
import {
  checkCluster,
  inMaintenance,
  probeIsolation,
  type ClusterAccess,
  type Clusters,
  type Finding,
} from '@favo/tenancy'
import { controlErrors, reasonOf } from '../errors.ts'
import type { Platform } from '../platform.ts'
import { openAccess } from './cluster-access.ts'
import { listClusterRows, saveServerVersion, type ClusterRow } from './clusters.sql.ts'

/** What a change of `control.clusters` is announced as, on the channel of the projects. */
export const clustersMark = '!clusters'

/** What the platform's process has of its clusters. */
export interface ClusterTools {
  readonly routes: Clusters
  readonly home: ClusterAccess
  /** As tenancy has it: of the platform's own logins. */
  readonly passwordFor: (database: string, login: 'api' | 'svc' | 'own' | 'ctl') => string | Promise<string>
  /** What this platform marks its clusters with. */
  readonly platformId: string
}

/** Between attempts to reach a cluster that did not answer. */
const RETRY_MS = 30_000

/** Makes this process know the clusters of the table, and sees that each has labels and a template of this version. */
export class ClusterKeeper {
  readonly #platform: Platform
  readonly #tools: ClusterTools
  readonly #known = new Set<number>()
  readonly #prepared = new Set<number>()
  readonly #retryAt = new Map<number, number>()

  constructor(platform: Platform, tools: ClusterTools) {
    this.#platform = platform
    this.#tools = tools
  }

  /** Awaited before requests: their projects may be there. Connects to none. */
  async load(): Promise<readonly ClusterRow[]> {
    const rows = await listClusterRows(this.#platform.db)
    const numbers = new Set(rows.map(({ number }) => number))
    for (const number of [...this.#known]) if (!numbers.has(number)) await this.#forget(number)
    for (const { number, access } of rows) {
      if (access === null || this.#known.has(number)) continue
      this.#tools.routes.put(number, openAccess(this.#platform, number, access))
      this.#known.add(number)
    }
    return rows
  }

  async prepare(): Promise<void> {
    for (const { number, name, access } of await this.load()) {
      if (number === 0 || this.#prepared.has(number)) continue
      if ((this.#retryAt.get(number) ?? 0) > Date.now()) continue
      try {
        await this.#tools.routes.partsOf(number).tenancy.prepare()
        if (access !== null)
          await saveServerVersion(
            this.#platform.db,
            number,
            await readServerVersion(openAccess(this.#platform, number, access)),
          )
        this.#prepared.add(number)
      } catch (error) {
        this.#retryAt.set(number, Date.now() + RETRY_MS)
        this.#platform.log.warn({ cluster: name, error: reasonOf(error) }, 'a cluster does not answer')
      }
    }
  }

  async #forget(number: number): Promise<void> {
    this.#known.delete(number)
    this.#prepared.delete(number)
    await this.#tools.routes.remove(number)
  }
}

/** All rules, and what they promise tried out. That it does not answer is a finding, too. */
export async function checkKnownCluster(
  platform: Platform,
  tools: ClusterTools,
  { number, name, access }: ClusterRow,
): Promise<ClusterCheck> {
  const way = access === null ? tools.home : openAccess(platform, number, access)
  const findings: Finding[] = []
  try {
    findings.push(...(await checkCluster(way, access === null ? null : tools.platformId)))
    if (isSafe(findings)) {
      const { tenancy } = tools.routes.partsOf(number)
      findings.push(await probeIsolation({ access: way, tenancy, passwordFor: tools.passwordFor }, number))
    }
  } catch (error) {
    findings.push({
      rule: 'connection',
      status: 'failed',
      message: `The server could not be used: ${reasonOf(error)}.`,
      mend: 'See whether it runs, and whether its address and the password of favo_admin are still those that it was added with.',
      is_mended_by_adoption: false,
    })
  }
  return { cluster: name, is_safe: isSafe(findings), findings }
}

export const isSafe = (findings: readonly Finding[]): boolean =>
  findings.every(({ status }) => status !== 'failed')

export const readServerVersion = (access: ClusterAccess): Promise<string> =>
  inMaintenance(access, async (session) => {
    const [row] = await session.many<{ version: string }>(
      sql`select current_setting('server_version') as version`,
    )
    return row?.version ?? ''
  })

export async function orUnreachable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw controlErrors.clusterUnreachable(reasonOf(error), error)
  }
}
