import { withSession, type AdminSession } from '../admin.ts'
import { maintenanceDatabase } from '../names.ts'
import type { ClusterAccess } from './clusters.ts'
import { accessRules } from './rules/access-rules.ts'
import { extensionRules } from './rules/extension-rules.ts'
import { roleRules } from './rules/role-rules.ts'
import type { Finding, Rule } from './rules/rule.ts'
import { serverRules } from './rules/server-rules.ts'

export const clusterRules: readonly Rule[] = [...serverRules, ...accessRules, ...roleRules, ...extensionRules]

/**
 * Looks whether projects would be safe on a cluster; changes nothing. Throws what the connection fails with.
 *
 * @param platformId what this platform marks its clusters with; null for its home cluster
 */
export const checkCluster = (access: ClusterAccess, platformId: string | null): Promise<Finding[]> =>
  inMaintenance(access, async (session) => {
    const findings: Finding[] = []
    for (const rule of clusterRules) {
      findings.push(await rule(session, { endpoint: access.endpoint, platformId }))
      // What is asked next is not there in other versions, and not shown to everybody.
      if (
        findings.length <= 2 &&
        findings.at(-1)?.status === 'failed' &&
        !findings.at(-1)?.is_mended_by_adoption
      )
        return findings
    }
    return findings
  })

/** A superuser's session in the maintenance database, without the options of the platform's own: older servers know them not. */
export const inMaintenance = <T>(
  { endpoint, superuser }: ClusterAccess,
  work: (session: AdminSession) => Promise<T>,
): Promise<T> =>
  withSession(
    {
      ...endpoint,
      ...superuser,
      database: maintenanceDatabase,
      options: '-c search_path=pg_catalog -c lock_timeout=20s -c statement_timeout=60s',
    },
    work,
  )
