import { requestErrors } from '../errors/request-errors.ts'
import { sendable } from '../errors/sql-headers.ts'
import { bodyless, headerText, type Answer } from './response.ts'

/**
 * The database may add headers and choose the status, by the settings `response.headers` (a JSON array of objects with one
 * key each) and `response.status`. A header that it sets replaces ours.
 *
 * @throws ApiError PGRST111, PGRST112
 */
export function withResponseSettings(answer: Answer, headers: Buffer | null, status: Buffer | null): Answer {
  if (headers === null && status === null) return answer
  const added = headers === null ? [] : parseHeaders(headers.toString('utf8'))
  const replaced = new Set(added.map(([name]) => name.toLowerCase()))
  return bodyless({
    ...answer,
    status: status === null ? answer.status : parseStatus(status.toString('utf8')),
    headers: [...answer.headers.filter(([name]) => !replaced.has(name.toLowerCase())), ...added],
  })
}

function parseStatus(text: string): number {
  const status = Number(/^\d+/.exec(text)?.[0] ?? NaN)
  // What no HTTP answer can carry is as bad as no number.
  if (!Number.isInteger(status) || status < 200 || status > 599) throw requestErrors.responseStatus()
  return status
}

function parseHeaders(text: string): [string, string][] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw requestErrors.responseHeaders()
  }
  if (!Array.isArray(value)) throw requestErrors.responseHeaders()
  const given = value.map((item: unknown): [string, string] => {
    const entries = typeof item === 'object' && item !== null ? Object.entries(item) : []
    const [only] = entries
    if (entries.length !== 1 || only === undefined || typeof only[1] !== 'string')
      throw requestErrors.responseHeaders()
    return [only[0], headerText(only[1])]
  })
  const headers = sendable(given)
  if (headers === null) throw requestErrors.responseHeaders()
  return headers
}
