import { ConnectionError, DatabaseError } from '@favo/postgres'
import { ApiError } from '../errors/api-error.ts'
import { connectionError, databaseError } from '../errors/database-errors.ts'
import { bodyless, headerText, type Answer } from './response.ts'

/** Whatever was thrown, as an error of the dialect; null for what nobody foresaw. */
export function toApiError(error: unknown, isAuthenticated: boolean): ApiError | null {
  if (error instanceof ApiError) return error
  if (error instanceof DatabaseError) return databaseError(error, isAuthenticated)
  if (error instanceof ConnectionError) return connectionError(error)
  return null
}

export function renderError(error: ApiError): Answer {
  const { code, details, hint, message } = error.body
  const body = Buffer.from(JSON.stringify({ code, details, hint, message }))
  return bodyless({
    status: error.status,
    statusText: error.statusText === null ? null : headerText(error.statusText),
    headers: [
      ['Content-Type', 'application/json; charset=utf-8'],
      ['Content-Length', String(body.length)],
      ['Proxy-Status', headerText(`PostgREST; error=${code}`)],
      ...error.headers.map(([name, value]) => [name, headerText(value)] as const),
    ],
    body,
  })
}
