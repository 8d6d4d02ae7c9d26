import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from '@favo/runtime'
import { ERROR_CODE_HEADER } from './route-config.ts'

const actors = new WeakMap<FastifyRequest, string>()

/** Who made the request, for its log line: an id or a kind, never a name or an address. */
export const nameActor = (request: FastifyRequest, actor: string): void => void actors.set(request, actor)

export interface RequestLogFields {
  /** Ref of the project; null for the platform's own routes and requests that named none. */
  readonly project: string | null
  /** `performance.now()` when the request came. */
  readonly startedAt: number
}

/**
 * Writes a request's one line. Call it at the raw response's `close`, which comes when the answer has left and also when
 * the client has (status 499, as nginx has it); Fastify's onResponse does not run for clients that leave early.
 *
 * The query is left out: it carries filters on personal data, one-time tokens and keys. So are headers, bodies and addresses.
 */
export function logRequest(
  log: Logger,
  request: FastifyRequest,
  reply: FastifyReply,
  { project, startedAt }: RequestLogFields,
): void {
  const hasLeft = !reply.raw.writableFinished
  const status = hasLeft && !reply.raw.headersSent ? 499 : reply.raw.statusCode
  const line = {
    requestId: request.id,
    project,
    actor: actors.get(request),
    operation: request.routeOptions.config.operation ?? request.routeOptions.url ?? null,
    method: request.method,
    path: pathOf(request.url),
    status,
    ms: Math.round((performance.now() - startedAt) * 10) / 10,
    code: status >= 400 ? errorCode(reply) : undefined,
    aborted: hasLeft || undefined,
  }
  if (status >= 500) log.warn(line, 'request')
  else log.info(line, 'request')
}

function pathOf(url: string): string {
  const end = url.indexOf('?')
  return (end === -1 ? url : url.slice(0, end)).slice(0, 200)
}

/** Auth names its code in a header of its own, REST in `Proxy-Status: PostgREST; error=PGRST116`. */
function errorCode(reply: FastifyReply): string | undefined {
  const named = reply.getHeader(ERROR_CODE_HEADER)
  if (typeof named === 'string') return named
  const proxyStatus = reply.getHeader('proxy-status')
  return typeof proxyStatus === 'string' ? /error=([\w.-]+)/.exec(proxyStatus)?.[1] : undefined
}
