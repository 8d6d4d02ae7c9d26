import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RequestContext, Service } from '@favo/http'
import { sql } from '@favo/postgres'
import type { Logger } from '@favo/runtime'
import { refOf } from './request-state.ts'

/** `checks` names what was looked at; the reasons go to the log, not to strangers. */
export interface HealthReport {
  readonly status: 'healthy' | 'unhealthy'
  readonly checks: Readonly<Record<string, 'healthy' | 'unhealthy'>>
}

/** Rejects when what it looks at does not work. */
export type HealthCheck = () => Promise<void>

/** Each check has this long; monitoring asks again in seconds. */
const CHECK_TIMEOUT_MS = 3_000

/** 200 when everything works, else 503; the body says which. */
export async function answerHealth(
  checks: Readonly<Record<string, HealthCheck>>,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Logger,
): Promise<FastifyReply> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        await inTime(check())
        return [name, 'healthy'] as const
      } catch (error) {
        log.warn({ requestId: request.id, project: refOf(request), check: name, error }, 'unhealthy')
        return [name, 'unhealthy'] as const
      }
    }),
  )
  const isHealthy = results.every(([, result]) => result === 'healthy')
  const report: HealthReport = {
    status: isHealthy ? 'healthy' : 'unhealthy',
    checks: Object.fromEntries(results),
  }
  return reply.code(isHealthy ? 200 : 503).send(report)
}

/** The project's database (`db`), then the services by their names. */
export function projectChecks(
  { project, db, signal }: RequestContext,
  services: readonly Service[],
): Readonly<Record<string, HealthCheck>> {
  const checkDatabase = async () => {
    await db.asService('service_role', 'health: does the database answer').one(sql`select 1 as ok`)
  }
  const checks: Record<string, HealthCheck> = { db: checkDatabase }
  for (const service of services)
    checks[serviceName(service)] = async () => service.checkHealth?.({ project, db, signal })
  return checks
}

/** `rest` for the prefix `/rest/v1`. */
export const serviceName = ({ prefix }: Service): string => prefix.split('/')[1] ?? prefix

async function inTime(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS)
  })
  try {
    await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}
