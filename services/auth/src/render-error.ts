import { ConnectionError, DatabaseError } from '@favo/postgres'
import { ERROR_CODE_HEADER } from '@favo/http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AuthError, authErrors } from './errors.ts'
import { OAuthError } from './oauth-error.ts'
import { SmsError } from './sms/ask-provider.ts'

const VERSION_HEADER = 'x-supabase-api-version'
/** The one version after the first: there `code` is the error's code, before it is the HTTP status. */
const VERSION_2024 = '2024-01-01'

/**
 * Answers with an error as GoTrue does: `{code, error_code, msg}`, or `{code, message}` to clients that ask for
 * 2024-01-01 or later. Mirrors auth internal/api/errors.go@bc32168.
 *
 * What was raised in the project's own SQL (a trigger on auth.users) is for the project's users, and shown; any other
 * failure is told as "unexpected" and goes to the log.
 */
export function renderError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const isNew = asksFor2024(request)
  if (isNew) reply.header(VERSION_HEADER, VERSION_2024)
  if (error instanceof OAuthError)
    return reply.code(error.status).send({ error: error.error, error_description: error.message })

  const refusal = toAuthError(error)
  if (refusal.status >= 500) logFailure(refusal, request)
  const raised = findRaised(refusal)
  if (raised !== null && !isNew) {
    const { status, ...body } = raised
    return reply.code(status).header(ERROR_CODE_HEADER, refusal.code).send(body)
  }

  const { status, code, message } = refusal
  const weakness = refusal.reasons === null ? {} : { weak_password: { reasons: refusal.reasons } }
  reply.code(status).header(ERROR_CODE_HEADER, code)
  if (status === 429 || status === 503)
    reply.header('retry-after', String(Math.max(1, refusal.retryAfterSeconds ?? 1)))
  if (isNew) return reply.send({ code, message, ...weakness })
  const errorId = status >= 500 ? { error_id: request.favo.requestId } : {}
  return reply.send({ code: status, error_code: code, msg: message, ...errorId, ...weakness })
}

function asksFor2024(request: FastifyRequest): boolean {
  const asked = request.headers[VERSION_HEADER]
  return typeof asked === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(asked) && asked >= VERSION_2024
}

function toAuthError(error: unknown): AuthError {
  if (error instanceof AuthError) return error
  if (error instanceof ConnectionError) return fromConnectionError(error)
  if (error instanceof Error && 'code' in error && error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return authErrors.bodyTooLarge(BODY_BYTES_MAX)
  return authErrors.unexpectedFailure(
    'Unexpected failure, please check server logs for more information',
    error,
  )
}

/** GoTrue's limit of a request body. */
export const BODY_BYTES_MAX = 1 << 20

/** GoTrue knows no 503; where the database is away or overloaded it times out, and clients retry on 502, 503 and 504. */
function fromConnectionError(error: ConnectionError): AuthError {
  if (error.kind === 'cancelled') return authErrors.requestTimeout(error)
  const told =
    error.kind === 'lost'
      ? 'The database connection was lost, it is not known whether the change was made'
      : 'The database is not available, please retry after a moment.'
  return new AuthError(503, 'unexpected_failure', told, { cause: error })
}

interface Raised {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly detail?: string
}

/** Mirrors auth internal/utilities/postgres.go@bc32168: exceptions, constraints, and `PTnnn`, which chooses the status. */
function findRaised(error: AuthError): Raised | null {
  const cause = error.cause
  if (!(cause instanceof DatabaseError)) return null
  const chosen = /^PT(\d{3})$/.exec(cause.code)?.[1]
  if (chosen === undefined && cause.code !== 'P0001' && !/^23/.test(cause.code)) return null
  const status = Number(chosen ?? 500)
  return {
    status: status >= 400 && status <= 599 ? status : 500,
    code: cause.code,
    message: cause.message,
    ...(cause.hint === null ? {} : { hint: cause.hint }),
    ...(cause.detail === null ? {} : { detail: cause.detail }),
  }
}

/** A person must act on the unknown; a database that is away has its own alarm, and the project's own SQL is not ours to mend. */
function logFailure(error: AuthError, request: FastifyRequest): void {
  const { log } = request.favo
  const line = { code: error.code, error: error.cause ?? error }
  if (error.cause instanceof ConnectionError || error.status === 504) log.warn(line, 'auth unavailable')
  else if (error.cause instanceof DatabaseError) {
    // The message and detail may hold what a user typed.
    const { code, constraint, table, where } = error.cause
    log.warn({ code: error.code, sqlstate: code, constraint, table, where }, 'auth database error')
  } else if (error.cause instanceof SmsError) log.warn(line, 'auth message not sent')
  else log.error(line, 'auth failed')
}
