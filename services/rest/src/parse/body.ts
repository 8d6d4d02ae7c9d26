import { requestErrors } from '../errors/request-errors.ts'
import { csvToObjects } from './csv.ts'
import { mediaTypeName, type MediaType } from './media-type.ts'

/** What the body brings. JSON stays the bytes that came: Postgres parses it, Node only looks at its keys. */
export type Payload =
  | {
      readonly kind: 'json'
      readonly bytes: Buffer
      readonly isObject: boolean
      readonly keys: readonly string[]
    }
  | { readonly kind: 'form'; readonly pairs: readonly (readonly [string, string])[] }
  | { readonly kind: 'raw'; readonly bytes: Buffer }

/**
 * @param columns the `columns` parameter: with it the keys of the objects are not looked at
 * @throws ApiError PGRST102
 */
export function parseBody(
  body: Buffer,
  type: MediaType,
  columns: readonly string[] | null,
  isCall: boolean,
): Payload {
  switch (type.kind) {
    case 'json':
      if (columns !== null)
        return { kind: 'json', bytes: body, isObject: looksLikeObject(body), keys: columns }
      if (body.length === 0 && isCall) return emptyObject
      return jsonPayload(body)
    case 'csv': {
      const objects = csvToObjects(body.toString('utf8'))
      if ('error' in objects) throw requestErrors.body(objects.error)
      return keyed(
        objects,
        () => Buffer.from(JSON.stringify(objects)),
        'All lines must have same number of fields',
      )
    }
    case 'form': {
      const pairs = [...new URLSearchParams(body.toString('utf8'))]
      if (isCall) return { kind: 'form', pairs }
      const object = Object.fromEntries(pairs)
      return {
        kind: 'json',
        bytes: Buffer.from(JSON.stringify(object)),
        isObject: true,
        keys: Object.keys(object),
      }
    }
    case 'text':
    case 'xml':
    case 'bytes':
      if (isCall) return { kind: 'raw', bytes: body }
  }
  throw requestErrors.body(`Content-Type not acceptable: ${mediaTypeName(type)}`)
}

const emptyObject: Payload = { kind: 'json', bytes: Buffer.from('{}'), isObject: true, keys: [] }

function jsonPayload(body: Buffer): Payload {
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    throw requestErrors.body('Empty or invalid json')
  }
  return keyed(value, () => body, 'All object keys must match')
}

/** Rows must agree in their keys, so that one list of columns serves all of them. */
function keyed(value: unknown, bytes: () => Buffer, problem: string): Payload {
  if (isRecord(value)) return { kind: 'json', bytes: bytes(), isObject: true, keys: Object.keys(value) }
  if (!Array.isArray(value) || value.length === 0)
    return { kind: 'json', bytes: Buffer.from('[]'), isObject: false, keys: [] }
  const rows: unknown[] = value
  const first = rows[0]
  if (!isRecord(first)) throw requestErrors.body(problem)
  const keys = Object.keys(first)
  const isUniform = rows.every(
    (row) =>
      isRecord(row) && Object.keys(row).length === keys.length && keys.every((k) => Object.hasOwn(row, k)),
  )
  if (!isUniform) throw requestErrors.body(problem)
  return { kind: 'json', bytes: bytes(), isObject: false, keys }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const looksLikeObject = (body: Buffer) => /^[ \t\r\n]*\{/.test(body.subarray(0, 256).toString('latin1'))
