import type { ErrorBody } from '@favo/contracts'
import { ERROR_CODE_HEADER } from '@favo/http'
import { ConnectionError, DatabaseError } from '@favo/postgres'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ZodError } from 'zod'
import { ControlError, controlErrors } from './errors.ts'
import type { Logger } from '@favo/runtime'

/** The only place where a failure becomes an answer. */
export function sendError(log: Logger, request: FastifyRequest, reply: FastifyReply, error: unknown) {
  const known = toControlError(error, request.routeOptions.bodyLimit)
  if (known === null) log.error({ requestId: request.id, error }, 'control request failed')
  else if (known.status >= 500)
    log.warn({ requestId: request.id, error: known.cause ?? known }, 'control request failed')
  const body: ErrorBody = {
    message:
      known?.message ?? 'Something went wrong on the server. Its log has the details under this request id.',
    code: known?.code ?? 'internal_error',
    request_id: request.id,
    ...(known?.sql === undefined ? {} : { sql: known.sql }),
  }
  if (known?.retryAfterSeconds !== undefined) void reply.header('retry-after', known.retryAfterSeconds)
  if (known?.status === 401) void reply.header('www-authenticate', 'Bearer')
  return reply
    .status(known?.status ?? 500)
    .header(ERROR_CODE_HEADER, body.code)
    .send(body)
}

/** Null: nobody foresaw it. */
export function toControlError(error: unknown, bodyLimitBytes = 1_048_576): ControlError | null {
  if (error instanceof ControlError) return error
  if (error instanceof ZodError) return controlErrors.invalid(describeIssues(error))
  if (error instanceof ConnectionError) return connectionErrors[error.kind](error)
  if (error instanceof DatabaseError && error.constraint === 'organization_members_last_owner')
    return controlErrors.lastOwner()
  if (error instanceof DatabaseError && error.constraint === 'projects_platform_stays')
    return controlErrors.platformStays()
  // The control plane's own database is starting or shutting down.
  if (error instanceof DatabaseError && /^(57P0[123]|53300|08)/.test(error.code))
    return controlErrors.databaseUnavailable(error)
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return controlErrors.bodyTooLarge(bodyLimitBytes)
  // Fastify's own refusals of a body (bad JSON, wrong length, a prototype key) are all of the caller's making.
  if (error instanceof SyntaxError || (typeof code === 'string' && code.startsWith('FST_ERR_CTP_')))
    return controlErrors.malformedBody()
  return null
}

const connectionErrors = {
  unavailable: controlErrors.databaseUnavailable,
  busy: controlErrors.databaseUnavailable,
  lost: controlErrors.outcomeUnknown,
  cancelled: controlErrors.cancelled,
}

/** `subdomain must not look like a ref (20 letters a-z); name is missing.` */
export function describeIssues(error: ZodError): string {
  const sentences = error.issues.map((issue) => {
    const field = issue.path.length === 0 ? 'The body' : issue.path.join('.')
    return `${field} ${predicateOf(issue)}`
  })
  return `${sentences.join('; ')}.`
}

/** Messages of our schemas are predicates already (`must not be empty`); zod's own are put into that form. */
function predicateOf(issue: ZodError['issues'][number]): string {
  if (/^(must|needs|is) /.test(issue.message)) return issue.message
  switch (issue.code) {
    case 'invalid_type':
      return issue.message.endsWith('received undefined') ? 'is missing' : `must be of type ${issue.expected}`
    case 'too_small':
      return `must be at least ${issue.minimum}`
    case 'too_big':
      return `must be at most ${issue.maximum}`
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`
    default:
      return 'is not valid'
  }
}
