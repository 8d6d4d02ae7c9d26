import type { AddClusterBody } from '@favo/contracts'
import { DatabaseError, sql } from '@favo/postgres'
import {
  adoptCluster,
  checkCluster,
  describeFailures,
  inMaintenance,
  probeIsolation,
  TenancyError,
  type ClusterAccess,
} from '@favo/tenancy'
import type { ControlContext } from '../context.ts'
import { controlErrors } from '../errors.ts'
import { parseClusterUrl, sealAccess } from './cluster-access.ts'
import { orUnreachable, readServerVersion, type ClusterTools } from './cluster-keeper.ts'
import {
  insertCluster,
  isKnownServer,
  saveServerVersion,
  takeClusterNumber,
  type ClusterRow,
} from './clusters.sql.ts'

/**
 * Brings a server in: looks, adopts it when that was said, looks again, tries it out, and remembers it. Throws 409 with what
 * is in the way; then nothing is remembered, and what adopting did stays and is found done by the next attempt.
 */
export async function addCluster(
  ctx: ControlContext,
  tools: ClusterTools,
  body: AddClusterBody,
): Promise<ClusterRow> {
  const access = parseClusterUrl(body.url)
  const systemIdentifier = await orUnreachable(() => readSystemIdentifier(access))
  // Before anything is changed there: adopting makes a new password.
  if (await isKnownServer(ctx.db, systemIdentifier)) throw controlErrors.clusterKnown()
  const way = body.adopt === true ? await adopt(tools, access) : await requireAdopted(tools, access)
  const number = await takeClusterNumber(ctx.db)
  const parts = tools.routes.put(number, way)
  let isAdded = false
  try {
    await orUnreachable(() => parts.tenancy.prepare())
    const findings = await checkCluster(way, tools.platformId)
    findings.push(
      await probeIsolation({ access: way, tenancy: parts.tenancy, passwordFor: tools.passwordFor }, number),
    )
    const failures = findings.filter(({ status }) => status === 'failed')
    if (failures.length > 0) throw controlErrors.clusterUnsafe(describeFailures(failures))
    const version = await readServerVersion(way)
    const row = await ctx.db.transaction(async (tx) => {
      const inserted = await insertCluster(tx, {
        number,
        name: body.name,
        access: sealAccess(ctx, number, way),
        host: way.endpoint.host,
        port: way.endpoint.port,
        systemIdentifier,
      })
      await saveServerVersion(tx, number, version)
      ctx.audit.note({ target: body.name, after: { host: way.endpoint.host, port: way.endpoint.port } })
      await ctx.audit.write(tx)
      return inserted
    })
    isAdded = true
    return row
  } catch (error) {
    if (error instanceof DatabaseError && error.constraint === 'clusters_name_key')
      throw controlErrors.clusterNameTaken(body.name)
    if (error instanceof DatabaseError && error.constraint === 'clusters_system_identifier_key')
      throw controlErrors.clusterKnown()
    throw error
  } finally {
    if (!isAdded) await tools.routes.remove(number)
  }
}

async function adopt(tools: ClusterTools, access: ClusterAccess): Promise<ClusterAccess> {
  try {
    return await adoptCluster(access, tools.platformId)
  } catch (error) {
    if (error instanceof TenancyError) throw controlErrors.clusterUnsafe(error.message)
    return orUnreachable(() => Promise.reject(error as Error))
  }
}

/** Of one that was adopted before, and is added again as favo_admin. */
async function requireAdopted(tools: ClusterTools, access: ClusterAccess): Promise<ClusterAccess> {
  const findings = await orUnreachable(() => checkCluster(access, tools.platformId))
  const failures = findings.filter(({ status }) => status === 'failed')
  if (failures.some((finding) => !finding.is_mended_by_adoption))
    throw controlErrors.clusterUnsafe(describeFailures(failures))
  if (failures.length > 0) throw controlErrors.clusterNotAdopted(describeFailures(failures))
  return access
}

/** Of whoever may not ask, the rules say so. */
async function readSystemIdentifier(access: ClusterAccess): Promise<string> {
  return inMaintenance(access, async (session) => {
    const [row] = await session.many<{ id: string }>(
      sql`select case when has_function_privilege('pg_control_system()', 'execute')
        then (select system_identifier::text from pg_control_system()) end as id`,
    )
    return row?.id ?? ''
  })
}
