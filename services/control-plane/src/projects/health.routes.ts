import { ServiceName, type ServiceHealth } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { z } from 'zod'
import type { ControlContext } from '../context.ts'
import { reasonOf } from '../errors.ts'
import { loadProject } from '../directory-source.ts'
import { route, type Route } from '../route.ts'
import { getProject } from './get-project.ts'
import type { ProjectRow } from './projects.sql.ts'

/** `services=auth,db` or `services=auth&services=db`. */
const HealthQuery = z.object({
  services: z
    .union([z.string(), z.array(z.string())])
    .transform((given) => [given].flat().flatMap((text) => text.split(',')))
    .pipe(z.array(ServiceName).min(1)),
  timeout_ms: z.coerce.number().int().min(1).max(60_000).optional(),
})

export const healthRoutes: readonly Route[] = [
  route({
    operation: 'projects.get_health',
    method: 'GET',
    path: '/projects/:ref/health',
    permission: { scope: 'project', role: 'read_only', grant: 'projects:read' },
    query: HealthQuery,
    handle: async (ctx, { params, query }) => {
      const row = await getProject(ctx, params.ref)
      const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(query.timeout_ms ?? 5_000)])
      return Promise.all(query.services.map((name) => checkService(ctx, row, name, signal)))
    },
  }),
]

export async function checkService(
  ctx: ControlContext,
  row: ProjectRow,
  name: ServiceName,
  signal: AbortSignal,
): Promise<ServiceHealth> {
  if (row.status === 'COMING_UP' || row.status === 'RESTORING')
    return { name, healthy: false, status: 'COMING_UP' }
  if (row.status !== 'ACTIVE_HEALTHY')
    return { name, healthy: false, status: 'UNHEALTHY', error: `the project is ${row.status}` }
  const isDatabase = name === 'db' || name === 'db_postgres_user'
  const service = ctx.services.get(name)
  if (!isDatabase && service === undefined)
    return { name, healthy: false, status: 'UNHEALTHY', error: 'this platform does not have the service' }
  try {
    await within(signal, async () => {
      const db = ctx.pools.forDatabase(row.database)
      await db.asService('service_role', 'is the database there?').one(sql`select 1 as one`)
      const project = await loadProject(ctx, sql`p.ref = ${row.ref}`)
      if (project !== null) await service?.checkHealth?.({ project, db, signal })
    })
    return { name, healthy: true, status: 'ACTIVE_HEALTHY' }
  } catch (error) {
    return { name, healthy: false, status: 'UNHEALTHY', error: reasonOf(error) }
  }
}

/** Gives up waiting when the signal is aborted, whether or not the work listens to it. */
async function within(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  const aborted = new Promise<never>((_resolve, reject) => {
    const fail = () => reject(new Error('no answer in time'))
    if (signal.aborted) fail()
    else signal.addEventListener('abort', fail, { once: true })
  })
  await Promise.race([work(), aborted])
}
