import type { ConnectionError, DatabaseError } from '@favo/postgres'
import { guardOf } from './guard.ts'
import { ApiError } from './api-error.ts'
import { requestErrors } from './request-errors.ts'
import { sendable } from './sql-headers.ts'

/** What Postgres refused, in PostgREST 14's form (`Error.hs`): the SQLSTATE is the code and decides the status. */
export function databaseError(error: DatabaseError, isAuthenticated: boolean): ApiError {
  const guarded = error.code === '22P02' ? guardOf(error.message) : null
  if (guarded !== null) return guardError(guarded.code, guarded.rows)
  if (error.code === 'PGRST') return raisedResponse(error)
  const status = statusOf(error, isAuthenticated)
  return new ApiError(
    status,
    { code: error.code, message: error.message, details: error.detail, hint: error.hint },
    {
      cause: error,
      headers: status === 401 ? [['WWW-Authenticate', 'Bearer']] : [],
      statusText: error.code.startsWith('PT') ? error.message : null,
    },
  )
}

function guardError(code: string, rows: string): ApiError {
  switch (code) {
    case 'PGRST115':
      return requestErrors.putKey()
    case 'PGRST124':
      return requestErrors.maxAffected(rows)
    default:
      return requestErrors.notSingular(rows)
  }
}

/** The first that the code begins with; whole codes stand before their class. */
const STATUS: readonly (readonly [string, number])[] = [
  ['23503', 409],
  ['23505', 409],
  ['25006', 405],
  ['53400', 500],
  ['57P01', 503],
  ['P0001', 400],
  ['42P01', 404],
  ['42P17', 500],
  ['08', 503],
  ['09', 500],
  ['0L', 403],
  ['0P', 403],
  ['25', 500],
  ['28', 403],
  ['2D', 500],
  ['38', 500],
  ['39', 500],
  ['3B', 500],
  ['40', 500],
  ['53', 503],
  ['54', 500],
  ['55', 500],
  ['57', 500],
  ['58', 500],
  ['F0', 500],
  ['HV', 500],
  ['P0', 500],
  ['XX', 500],
]

function statusOf({ code, message }: DatabaseError, isAuthenticated: boolean): number {
  switch (code) {
    case '42501':
      return isAuthenticated ? 403 : 401
    case '21000':
      return message.endsWith('requires a WHERE clause') ? 400 : 500
    case '22023':
      return message.startsWith('role') && message.endsWith('does not exist') ? 401 : 400
    case '42883':
      return message.startsWith('function xmlagg(') ? 406 : 404
  }
  // `raise sqlstate 'PT402'` chooses the status.
  if (code.startsWith('PT')) return httpStatus(Number(code.slice(2))) ?? 500
  return STATUS.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 400
}

const httpStatus = (n: number): number | null => (Number.isInteger(n) && n >= 200 && n <= 599 ? n : null)

/** `raise sqlstate 'PGRST'`: message and detail are JSON and make the whole answer. */
function raisedResponse(error: DatabaseError): ApiError {
  const body = jsonObject(error.message)
  if (body === null || typeof body.code !== 'string' || typeof body.message !== 'string')
    return unreadable(
      `Invalid JSON value for MESSAGE: '${error.message}'`,
      "MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: 'details', 'hint'.",
    )
  const detailHint =
    "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: 'status_text'."
  if (error.detail === null) return unreadable('DETAIL is missing in the RAISE statement', detailHint)
  const answer = jsonObject(error.detail)
  const entries = answer === null ? null : stringEntries(answer.headers)
  const headers = entries === null ? null : sendable(entries)
  const status = typeof answer?.status === 'number' ? httpStatus(answer.status) : null
  if (answer === null || headers === null || status === null)
    return unreadable(`Invalid JSON value for DETAIL: '${error.detail}'`, detailHint)
  const text = (value: unknown) => (typeof value === 'string' ? value : null)
  return new ApiError(
    status,
    { code: body.code, message: body.message, details: text(body.details), hint: text(body.hint) },
    { headers, statusText: text(answer.status_text), cause: error },
  )
}

const unreadable = (details: string, hint: string) =>
  new ApiError(500, {
    code: 'PGRST121',
    message: `Could not parse JSON in the "RAISE SQLSTATE 'PGRST'" error`,
    details,
    hint,
  })

function jsonObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

function stringEntries(value: unknown): [string, string][] | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const entries = Object.entries(value)
  return entries.every((e): e is [string, string] => typeof e[1] === 'string') ? entries : null
}

/** The database was not there, or nobody knows what became of a write. */
export function connectionError(error: ConnectionError): ApiError {
  const retry = [['Retry-After', '1']] as const
  switch (error.kind) {
    case 'busy':
      return new ApiError(
        504,
        { code: 'PGRST003', message: 'Timed out acquiring connection from connection pool.' },
        { cause: error },
      )
    case 'lost':
      return new ApiError(
        503,
        {
          code: 'PGRST001',
          message: 'Database client error. Retrying the connection.',
          details:
            'The connection was lost after the statement was sent: it may or may not have taken effect.',
        },
        { cause: error, headers: retry },
      )
    case 'unavailable':
      return new ApiError(
        503,
        { code: 'PGRST000', message: 'Database connection error. Retrying the connection.' },
        { cause: error, headers: retry },
      )
    case 'cancelled':
      return new ApiError(
        500,
        { code: '57014', message: 'canceling statement due to statement timeout' },
        { cause: error },
      )
  }
}
